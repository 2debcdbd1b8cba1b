"""Header fields -> features: who it is from and to, what it is called, what wrote it, what is missing."""

import re
from functools import lru_cache
from typing import Final

from mailkit.mime.encoded_words import decode_header
from mailkit.spam import families as f
from mailkit.spam.excluded import is_excluded
from mailkit.spam.shapes import host_and_parents, key_pattern, organisation, pattern, step
from mailkit.spam.words import shouted, words

__all__ = ["header_tokens"]

_ADDRESS: Final = re.compile(rb"([^ \t\n\r\f\v<>\"(),:;@]{1,64}+)@([A-Za-z0-9.\-_\x80-\xff]{1,253}+)")
_DOMAIN: Final = re.compile(rb"\bd\s*=\s*([^\s;]{1,253})")
# "[list] Re: [list] subject": the name of a list, not what the message is about.
_LIST_TAG: Final = re.compile(rb"((?:(?:re|aw|sv|fwd?|antw|wg|tr)\s*:\s*)*)\[[^\]]{1,30}\]\s*", re.IGNORECASE)
_REPLY: Final = re.compile(
    rb"\s*(re|aw|sv|antw|fwd?|wg|tr|rv|res|enc|odp|pd|ynt|ilt|vs|vl|i|r"
    rb"|\xe5\x9b\x9e\xe5\xa4\x8d|\xe8\xbd\xac\xe5\x8f\x91|\xe7\xad\x94\xe5\xa4\x8d)\s{0,2}(?::|\xef\xbc\x9a)",
    re.IGNORECASE,
)
_NO_SIGNS: Final = bytes(c for c in range(256) if c not in b"!$?%")
_NOT_LOUD: Final = b"abcdefghijklmnopqrstuvwxyz0123456789 .,:;!?-'\"" + bytes(range(0x80, 0x100))

_EXPECTED: Final = (
    *(b"from", b"to", b"subject", b"date", b"message-id", b"mime-version", b"content-type"),
    *(b"cc", b"reply-to", b"in-reply-to", b"references", b"dkim-signature"),
)
_MISSING: Final = tuple((name, b"no " + name) for name in _EXPECTED)
_MAILERS: Final = ((b"x-mailer", b"mailer:"), (b"user-agent", b"agent:"), (b"x-mimeole", b"ole:"))


def header_tokens(first: dict[bytes, bytes], tokens: list[list[bytes]], *, forged: bool) -> tuple[list[bytes], bytes]:
    """Adds the features of header fields to `tokens`; returns the words of the subject in order, and the sender's host.

    `first` has the topmost field of each lower-case name, as it came. `forged`: the address in From was checked and
    found not to be the sender's, so it must not profit from that address's good name.
    """
    names = first.keys()
    shape = tokens[f.SHAPE]
    shape += [mark for name, mark in _MISSING if name not in names]
    tokens[f.HEADERS] += filter(None, map(_telling_name, list(names)[:80]))

    host = _sender(first, tokens, b"?" if forged else b"")
    subject = _subject(first.get(b"subject", b""), tokens)
    _recipients(first, tokens)

    mailer = tokens[f.MAILER]
    for name, mark in _MAILERS:
        if name in names:
            mailer += _marked_words(mark, first[name][:200])
    if not mailer:
        mailer.append(b"none")

    message_id = first.get(b"message-id", b"").strip(b"<> \t\r\n")[:300]
    if message_id.find(b"SMTPIN_ADDED") >= 0 or message_id.endswith(b".protection.outlook.com"):
        # Written by the server that took it in, since the sender's program had left it out.
        shape.append(b"no message-id")
    elif message_id:
        left, _, right = message_id.rpartition(b"@")
        tokens[f.MESSAGE_ID].append(b"pattern " + key_pattern(left))
        tokens[f.MESSAGE_ID] += host_and_parents(right)
        if host:
            agree = organisation(right) == organisation(host)
            shape.append(b"message-id from the sender's host" if agree else b"message-id from another host")
    if b"dkim-signature" in names:
        signer = _DOMAIN.search(first[b"dkim-signature"][:2000])
        agree = signer is not None and organisation(signer[1]) == organisation(host)
        shape.append(b"signed for the sender's domain" if agree else b"signed for another domain")
    return subject, host


@lru_cache(4096)
def _telling_name(name: bytes) -> bytes:
    """The name of a field, shortened; empty if it is left out."""
    return b"" if is_excluded(name) else name[:40]


def _text(value: bytes, limit: int) -> bytes:
    """A field's text as UTF-8."""
    value = value[:limit]
    if value.find(b"=?") >= 0 or not value.isascii():
        return decode_header(value).encode("utf-8", "replace")
    return value


def _sender(first: dict[bytes, bytes], tokens: list[list[bytes]], doubt: bytes) -> bytes:
    """From and Reply-To; returns the host of the From address."""
    raw = first.get(b"from", b"")[:1000]
    host, sender, name, shape = _from(raw, doubt)
    tokens[f.FROM] += sender
    tokens[f.NAME] += name
    tokens[f.SHAPE] += shape
    if b"reply-to" in first:
        sender, name, shape = _reply_to(first[b"reply-to"][:1000], host)
        tokens[f.FROM] += sender
        tokens[f.NAME] += name
        tokens[f.SHAPE] += shape
    return host


# Few senders and few groups of addressees make up most of the mail, hence what was read of them is kept.
@lru_cache(512)
def _from(raw: bytes, doubt: bytes) -> tuple[bytes, list[bytes], list[bytes], list[bytes]]:
    """The host of the sender; features of the addresses, of the names around them, of shape."""
    out: list[bytes] = []
    shape: list[bytes] = []
    host = b""
    addresses, around = _addresses(raw, 200)
    for local, domain in addresses[-1:]:  # behind the display name, which may hold an address too
        host = domain
        out = [doubt + local.lower() + b"@", *host_and_parents(domain, doubt)]
        shape.append(b"sender " + pattern(local))
    if len(addresses) > 1:
        agree = organisation(addresses[0][1]) == organisation(host)
        shape.append(b"name is the address" if agree else b"name is another address")
    if raw.find(b"=?") >= 0:
        shape.append(b"encoded name")
    return host, out, [doubt + word for word in around], shape


@lru_cache(512)
def _reply_to(raw: bytes, host: bytes) -> tuple[list[bytes], list[bytes], list[bytes]]:
    """Features of the addresses, of the names around them, of shape; the sender's host is `host`."""
    out: list[bytes] = []
    shape: list[bytes] = []
    addresses, around = _addresses(raw, 200)
    for local, domain in addresses[:3]:
        out.append(b"reply " + local.lower() + b"@")
        out += host_and_parents(domain, b"reply ")
        agree = organisation(domain) == organisation(host)
        shape.append(b"reply to the sender's host" if agree else b"reply to another host")
    return out, [b"reply " + word for word in around], shape


def _subject(raw: bytes, tokens: list[list[bytes]]) -> list[bytes]:
    shape = tokens[f.SHAPE]
    text = _text(raw, 1500)[:1000]
    if 0x5B in text:  # "["
        text = _LIST_TAG.sub(rb"\1", text.lstrip(), count=1)
    found = words(text)
    tokens[f.SUBJECT] += found
    if not text.islower():
        tokens[f.SUBJECT] += shouted(text)[0]
    shape.append(b"subject length " + step(len(text) // 10))
    loud = len(text.translate(None, _NOT_LOUD))
    shape.append(b"subject in capitals " + step(8 * loud // (len(text) + 1)))
    reply = _REPLY.match(text)
    if reply:
        shape.append(b"subject " + reply[1].lower() + b":")
    if text.translate(None, _NO_SIGNS):
        for sign in (b"!", b"$", b"?", b"%"):
            if sign in text:
                shape.append(b"subject with " + sign + step(text.count(sign)))
    if raw.find(b"=?") >= 0:
        shape.append(b"subject in " + raw.partition(b"=?")[2].partition(b"?")[0].lower()[:20])
    elif not raw.isascii():
        shape.append(b"subject with raw 8-bit")
    return found


def _recipients(first: dict[bytes, bytes], tokens: list[list[bytes]]) -> None:
    count = 0
    out = tokens[f.TO]
    for name in (b"to", b"cc"):
        if name in first:
            addresses, around = _addresses(first[name][:4000], 400)
            count += len(addresses)
            for local, domain in addresses[:20]:
                out.append(local.lower() + b"@")
                out += host_and_parents(domain)
            out += [b"name " + word for word in around]
    tokens[f.SHAPE].append(b"recipients " + step(count))


@lru_cache(512)
def _addresses(raw: bytes, most: int) -> tuple[list[tuple[bytes, bytes]], list[bytes]]:
    """(Local part, host) of each address in a field, and the words of the first `most` bytes around them."""
    value = _text(raw, len(raw))
    return _ADDRESS.findall(value), words(_ADDRESS.sub(b" ", value)[:most])


@lru_cache(512)
def _marked_words(mark: bytes, text: bytes) -> list[bytes]:
    return [mark + word for word in words(text)]
