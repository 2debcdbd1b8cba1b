"""One hop of a message's way (RFC 5321 4.4 Received), in the many dialects that mail servers write.

Only what a field says; whether it is true is another matter: everything below the first trusted hop may be forged.
"""

import re
from datetime import datetime
from ipaddress import ip_address

from attrs import frozen

from mailkit.mime.dates import parse_date

__all__ = ["Received", "parse_received"]

# Longer than any honest field; bounds the work.
_LIMIT = 4_000

_TOKEN = re.compile(r"[()]|\[[^\[\]\s()]*+\]|<[^<>\s]*+>|[^\s()\[\]<>;]++|[;\[\]<>]")
_CLAUSES = frozenset(("from", "by", "via", "with", "id", "for"))
# The registered "WITH protocol types" (RFC 3848, 6531, 8314 and IANA), and the names before there was a registry.
_PROTOCOL = re.compile(
    r"(?:[A-Z0-9]+[-/])?((?:UTF8)?(?:E?SMTP|LMTP)(?:SA|S|A)?|B?SMTP|HTTPS?|IMAP|POP3|MMS|LOCAL)"
    r"(?:SVC)?(?:[/(].*)?",
)
_HELO = re.compile(r"\b(?:helo|ehlo|lhlo)(?:[ =]+([^\s()]+))?", re.IGNORECASE)
_IDENT = re.compile(
    r"\bident[=:]\[?([^\s()\]]+)"
    r"|(?<![^\s()\[\]@<>])(?:([^\s()\[\]@<>]++@[^\s()\[\]@<>,]++)|([^\s()\[\]@<>]++)@\[)",
    re.IGNORECASE,
)
_AS_USER = re.compile(r"\bas user (\S+)")
_IP = re.compile(r"(?<![\w.@:])\[?(?:IPv6:)?((?:\d{1,3}\.){3}\d{1,3}|[0-9A-Fa-f]*:[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*)", re.I)
_IP_IN_BRACKETS = re.compile(
    r"\[(?:IPv6:)?((?:\d{1,3}\.){3}\d{1,3}(?=[\]:])|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]+)(?::\d+|%\w+)?\]", re.IGNORECASE
)
_RDNS = re.compile(
    r"(?:^|[\s@<])([A-Za-z0-9_](?:[A-Za-z0-9_-]*\.)+(?:[A-Za-z][A-Za-z0-9-]*)?)(?=>?\s*(?:\[|$))", re.MULTILINE
)
_TLS = re.compile(r"\b(TLS|SSL)[v-]?(\d(?:[._]\d)?)(?::([A-Z0-9_-]+))?", re.IGNORECASE)
_CIPHER = re.compile(
    r"\bcipher[= ]\s*(?!TLSv?[-\d.]+:)([A-Z0-9_-]+)|\bcipher=([A-Z0-9_-]+)|/TLS/([A-Z0-9-]+)"
    r"|(?<!\d)\d{1,5} ?bits, ?([A-Z0-9_-]+)|\bwith ([A-Z0-9_-]+) encrypted",
    re.IGNORECASE,
)


@frozen
class Received:
    """What one Received field says. Texts are empty where it says nothing."""

    from_name: str = ""  #: what stands behind "from": the sender's own name, an address literal, or its reverse name
    from_ip: str = ""  #: canonical address from the comment behind it, which the receiving server wrote
    from_rdns: str = ""  #: the name found for that address
    helo: str = ""  #: HELO argument where it is told apart from `from_name`
    ident: str = ""  #: user told by an ident server or by authentication
    by: str = ""
    via: str = ""
    protocol: str = ""  #: behind "with", upper case (ESMTPSA, LMTP, ...)
    id: str = ""
    for_: str = ""
    tls_version: str = ""  #: "TLSv1.3"
    tls_cipher: str = ""
    date: datetime | None = None


def parse_received(text: str) -> Received:
    """Read a Received field, unfolded or not. Never raises."""
    text = " ".join(text[:_LIMIT].split())
    words, comments = _clauses(text)
    remarks = [remark for remark in comments.get("from", []) if not remark.lower().startswith("envelope-")]
    behind_from = "\n".join([*remarks, *(word for word in words.get("from", [])[1:2] if word[0] == "[")])
    tls = _TLS.search(text)
    cipher = _CIPHER.search(text)
    helo = _HELO.search(behind_from)
    return Received(
        from_name=_first(words.get("from", [])),
        from_ip=_ip_in(behind_from),
        from_rdns=_rdns_in(behind_from),
        helo=_first([helo[1]]) if helo and helo[1] else "",
        ident=_ident_in(behind_from, words.get("from", [])),
        by=_first(words.get("by", [])),
        via=_first(words.get("via", [])),
        protocol=_protocol_in(words.get("with", [])),
        id=_first(words.get("id", [])),
        for_=_first(words.get("for", [])),
        tls_version=_version(tls[1], tls[2]) if tls else "",
        tls_cipher=next(filter(None, cipher.groups()), "") if cipher else (tls[3] or "") if tls else "",
        date=parse_date(text) if ";" in text else None,
    )


def _clauses(text: str) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """The words and the comments of each clause. The first clause of a name counts."""
    words: dict[str, list[str]] = {}
    comments: dict[str, list[str]] = {}
    clause = ""
    depth = 0
    opened = 0
    for token in _TOKEN.finditer(text):
        piece = token[0]
        if piece == "(":
            opened = token.end() if depth == 0 else opened
            depth += 1
        elif piece == ")":
            if depth == 1:
                comments.setdefault(clause, []).append(text[opened : token.start()].strip())
            depth = max(depth - 1, 0)
        elif depth:
            continue
        elif piece == ";":
            clause = ""
        elif piece.lower() in _CLAUSES and piece.lower() not in words:
            clause = piece.lower()
            words[clause] = []
        elif clause:
            words[clause].append(piece)
    return words, comments


def _version(family: str, number: str) -> str:
    number = number.replace("_", ".")
    return f"{family.upper()}v{number if '.' in number or family.upper() == 'SSL' else number + '.0'}"


def _first(words: list[str]) -> str:
    word = words[0] if words else ""
    bracketed = _IP_IN_BRACKETS.fullmatch(word)
    if bracketed:
        return _canonical(bracketed[1]) or word
    return word.strip("<>,")


def _canonical(text: str) -> str:
    try:
        return str(ip_address(text))
    except ValueError:
        return ""


def _ip_in(comment: str) -> str:
    for pattern in (_IP_IN_BRACKETS, _IP):
        for match in pattern.finditer(comment):
            address = _canonical(match[1].rstrip("."))
            if address:
                return address
    return ""


def _rdns_in(comment: str) -> str:
    for match in _RDNS.finditer(_HELO.sub("", comment)):
        if not _canonical(match[1]):
            return match[1]
    return ""


def _ident_in(comment: str, words: list[str]) -> str:
    found = _IDENT.search(comment)
    if found:
        return found[1] or found[2] or found[3]
    as_user = _AS_USER.search(" ".join(words))
    return as_user[1] if as_user else ""


def _protocol_in(words: list[str]) -> str:
    for word in words:
        known = _PROTOCOL.fullmatch(word.upper().replace("-TLS", "S"))
        if known:
            return known[1].removeprefix("B") if known[1] == "BSMTP" else known[1]
    return words[0].upper() if words else ""
