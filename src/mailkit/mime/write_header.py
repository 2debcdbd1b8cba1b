"""Header fields as bytes: folded, encoded, and never more than one field each (RFC 5322 2.2.3, 2047, 2231, 6532).

Line breaks and control characters in a value become spaces: what a caller passes cannot end the field.
"""

import base64
import re
from collections.abc import Iterable

from mailkit.errors import Invalid
from mailkit.mime.addresses import Address, Mailbox

__all__ = [
    "FIELD_NAME",
    "address_field",
    "encode_words",
    "identifier_field",
    "is_identifier",
    "parameter_field",
    "raw_field",
    "text_field",
]

# RFC 5322 2.1.1: 78 should not, 998 must not be exceeded.
_SOFT = 78
_HARD = 998
_WORD = 75  # RFC 2047 2

FIELD_NAME = re.compile(r"[!-9;-~]{1,255}")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]+|[\x80-\x9f\u2028\u2029\ud800-\udfff]")
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?: [A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&+.^_`{|}~-]+")
_DOT_ATOM = re.compile(r"[^\x00-\x20()<>\[\]:;@\\,\"\x7f]+")
_QUOTED_LOCAL = re.compile(r"\"(?:[^\"\\\x00-\x1f\x7f]|\\[\x20-\x7e])*\"")
_DOMAIN = re.compile(r"[^\x00-\x20()<>\[\]:;@\\,\"\x7f]+|\[[!-Z^-~]*\]")
_IDENTIFIER = re.compile(r"[^\x00-\x20<>\x7f-\x9f]{1,900}")
# RFC 2047 5 (3): what may stand bare in a Q word within a phrase.
_Q_PLAIN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!*+-/")
_Q = {byte: (chr(byte) if byte in _Q_PLAIN else "_" if byte == 32 else f"={byte:02X}") for byte in range(256)}
# RFC 5987's attr-char: plain in an RFC 2231 value for every reader.
_ATTRIBUTE = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$&+-.^_`|~")


def clean(text: str) -> str:
    """One line of text: line breaks, other controls and lone surrogates become spaces, the ends are stripped."""
    return _CONTROL.sub(" ", text).strip(" \t")


def encode_words(text: str, *, lead: int = 0) -> list[str]:
    """`text` as encoded words in UTF-8, none longer than 75 characters, no character split (RFC 2047 5).

    `lead` characters stand before the first word on its line, which may have 76 at most (RFC 2047 2).
    """
    data = text.encode("utf-8")
    quoted = sum(1 if byte in _Q_PLAIN or byte == 32 else 3 for byte in data)
    full = _WORD - len("=?utf-8?q??=")
    room = max(full - lead, 20)
    use_q = quoted <= (len(data) + 2) // 3 * 4
    words: list[str] = []
    run: list[bytes] = []
    size = 0

    def end() -> None:
        if run:
            joined = b"".join(run)
            body = "".join(_Q[byte] for byte in joined) if use_q else base64.b64encode(joined).decode("ascii")
            words.append(f"=?utf-8?{'q' if use_q else 'b'}?{body}?=")
            run.clear()

    for character in text:
        piece = character.encode("utf-8")
        cost = sum(1 if byte in _Q_PLAIN or byte == 32 else 3 for byte in piece) if use_q else len(piece)
        if size + cost > (room if use_q else room // 4 * 3):
            end()
            size, room = 0, full
        run.append(piece)
        size += cost
    end()
    return words


def _name(name: str) -> str:
    if not FIELD_NAME.fullmatch(name):
        raise Invalid.field("headers", f"not a header field name: {name[:64]!r}", code="header.name")
    return name


def _fold(name: str, tokens: Iterable[str]) -> bytes:
    """Join `tokens` with spaces, breaking the line where one would not fit."""
    lines: list[str] = []
    line = f"{name}:"
    for token in tokens:
        if len(line) + 1 + len(token) > _SOFT and line.strip() and line != f"{name}:":
            lines.append(line)
            line = ""
        line += f" {token}"
    lines.append(line)
    return "\r\n".join(lines).encode("utf-8") + b"\r\n"


def text_field(name: str, text: str) -> bytes:
    """An unstructured field; encoded words if it is not ASCII, has too long a word, or one that looks encoded."""
    text = clean(text)
    words = re.split(r"[ \t]", text)
    plain = text.isascii() and "=?" not in text and "\t" not in text and max(map(len, words)) <= _HARD - 300
    # A run of spaces may not be broken into a line of its own.
    if plain and "  " not in text:
        return _fold(_name(name), words if text else [])
    if plain and len(name) + 2 + len(text) <= _SOFT:
        return f"{_name(name)}: {text}\r\n".encode("ascii")
    return _fold(_name(name), encode_words(text, lead=len(name) + 1))


def raw_field(name: str, value: str) -> bytes:
    """A field whose value is ASCII with a grammar of its own (List-Unsubscribe and the like): folded at spaces only."""
    value = clean(value)
    if not value.isascii() or any(len(word) > _HARD - 300 for word in value.split(" ")):
        return text_field(name, value)
    if "  " in value and len(name) + 2 + len(value) <= _SOFT:
        return f"{_name(name)}: {value}\r\n".encode("ascii")
    return _fold(_name(name), value.split())


def is_identifier(text: str) -> bool:
    """True for what can stand between angle brackets, with them or without."""
    return _IDENTIFIER.fullmatch(_bare(text)) is not None


def _bare(identifier: str) -> str:
    return identifier.strip().removeprefix("<").removesuffix(">")


def identifier_field(name: str, identifiers: Iterable[str]) -> bytes:
    """Message-ID, In-Reply-To or References. Raises Invalid for what cannot stand between angle brackets."""
    tokens = []
    for identifier in identifiers:
        if not is_identifier(identifier):
            raise Invalid.field(name.lower(), "not a message identifier", code="header.identifier")
        tokens.append(f"<{_bare(identifier)}>")
    return _fold(_name(name), tokens)


def address_field(name: str, addresses: Iterable[Address]) -> bytes:
    """An address list. Raises Invalid for an address that no mail system could read.

    Domains are written as A-labels (RFC 5890); a local part beyond ASCII makes the field UTF-8 (RFC 6532), and the
    message needs SMTPUTF8.
    """
    entries: list[list[str]] = []  # tokens between which a line may be broken, without the commas
    lead = len(name) + 1
    for entry in addresses:
        if isinstance(entry, Mailbox):
            entries.append(_mailbox(name, entry, lead))
        else:
            tokens = _phrase(entry.name, lead)
            tokens[-1] += ":"
            for number, member in enumerate(entry.members):
                tokens += _mailbox(name, member, 0)
                tokens[-1] += "," if number < len(entry.members) - 1 else ""
            tokens[-1] += ";"
            entries.append(tokens)
        lead = 0
    for tokens in entries[:-1]:
        tokens[-1] += ","
    return _fold(_name(name), [token for tokens in entries for token in tokens])


def _mailbox(field: str, mailbox: Mailbox, lead: int) -> list[str]:
    local, at, domain = mailbox.address.rpartition("@")
    if not (at and (_DOT_ATOM.fullmatch(local) or _QUOTED_LOCAL.fullmatch(local)) and _DOMAIN.fullmatch(domain)):
        raise Invalid.field(field.lower(), f"not an address: {mailbox.address[:64]!r}", code="address.invalid")
    if len(mailbox.address.encode("utf-8", "replace")) > 900 or _CONTROL.search(mailbox.address):
        raise Invalid.field(field.lower(), "not an address: too long or unprintable", code="address.invalid")
    if not domain.isascii():
        domain = _a_labels(field, domain)
    address = f"{local}@{domain}"
    return [*_phrase(mailbox.name, lead), f"<{address}>"] if mailbox.name.strip() else [address]


def _a_labels(field: str, domain: str) -> str:
    import idna

    try:
        return idna.encode(domain, uts46=True).decode("ascii")
    except (idna.IDNAError, UnicodeError):
        raise Invalid.field(field.lower(), f"not a domain: {domain[:64]!r}", code="address.invalid") from None


def _phrase(text: str, lead: int) -> list[str]:
    text = clean(text)
    if text.isascii() and "=?" not in text and len(text) <= 200 and "\t" not in text:
        if _ATOMS.fullmatch(text):
            return text.split(" ")
        # One token: folding inside quotes is allowed, but not all readers undo it.
        return ['"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"']
    return encode_words(text, lead=lead) or ['""']


def parameter_field(name: str, value: str, parameters: Iterable[tuple[str, str]]) -> bytes:
    """Content-Type or Content-Disposition. A parameter beyond ASCII, or too long for a line, is cut as RFC 2231 has it.

    Content-Type's `name` is written as an encoded word in quotes: against RFC 2047 5, yet all that old readers know.
    """
    tokens = [value]
    for key, text in parameters:
        tokens[-1] += ";"
        text = clean(text)
        if text.isascii() and "=?" not in text and len(text) <= 60:
            quoted = text.replace("\\", "\\\\").replace('"', '\\"')
            tokens.append(f"{key}={text}" if _TOKEN.fullmatch(text) else f'{key}="{quoted}"')
        elif key == "name":
            words = encode_words(text, lead=len(key) + 3)
            words[0] = f'{key}="{words[0]}'
            words[-1] += '"'
            tokens += words
        else:
            tokens += _sections(key, text)
    return _fold(_name(name), tokens)


def _sections(key: str, text: str) -> list[str]:
    """RFC 2231 3 and 4: `key*=utf-8''...`, or `key*0*=`, `key*1*=` ... None cuts through a character."""
    pieces = [""]
    for character in text:
        encoded = "".join(
            chr(byte) if byte in _ATTRIBUTE else f"%{byte:02X}" for byte in character.encode("utf-8")
        )  # fmt: skip
        if len(pieces[-1]) + len(encoded) > 55:
            pieces.append("")
        pieces[-1] += encoded
    if len(pieces) == 1:
        return [f"{key}*=utf-8''{pieces[0]}"]
    prefix = "utf-8''"
    sections = [f"{key}*{number}*={prefix if not number else ''}{piece};" for number, piece in enumerate(pieces)]
    return [*sections[:-1], sections[-1].removesuffix(";")]
