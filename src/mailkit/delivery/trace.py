"""The header fields that a delivery puts in front of a message (RFC 5321 4.4, RFC 3848). Pure.

They are the part of a stored message that differs between recipients; everything behind them is shared.
"""

import re
from email.utils import format_datetime
from functools import lru_cache

from attrs import frozen

from mailkit.clock import to_datetime

__all__ = ["Trace", "crlf", "header_block"]

_BARE_LF = re.compile(rb"(?<!\r)\n")
_UNSAFE = re.compile(r"[^\x21-\x7e\x80-\U0010ffff]+")
_WORD = re.compile(r"[\x21-\x3b\x3d\x3f-\x7e]*+")  # none of them unsafe, no angle bracket
_COMMENT = re.compile(r"[()\\]")


@frozen
class Trace:
    """Where a message came from, as far as this host saw it."""

    id: str
    """Names the delivery; the same in its receipt."""
    host: str
    """This host's name."""
    protocol: str = "LMTP"
    """The keyword after `with`."""
    ip: str = ""
    """The client's address; empty when there was none."""
    hello: str = ""
    """The client's own name for itself; it proves nothing."""


def header_block(trace: Trace, *, mail_from: str, recipient: str, now: int) -> bytes:
    """Return-Path, Delivered-To and Received for one recipient, CRLF-terminated."""
    to = _one_word(recipient)
    lines = [
        f"Return-Path: <{_one_word(mail_from)}>",
        f"Delivered-To: {to}",
        _received(trace),
        f"\tfor <{to}>;",
        f"\t{_date(now // 1000)}",
    ]
    return ("\r\n".join(lines) + "\r\n").encode("utf-8", "replace")


@lru_cache(maxsize=64)
def _received(trace: Trace) -> str:
    """What is the same for all recipients."""
    # What a client said of itself must not be able to break out of the field.
    hello = _COMMENT.sub("", _UNSAFE.sub("", trace.hello))[:255] or "unknown"
    client = f"{hello} ([{_ip_literal(trace.ip)}])" if trace.ip else hello
    by = f"{_one_word(trace.host)} with {trace.protocol} id {_one_word(trace.id)}"
    return f"Received: from {client}\r\n\tby {by}"


@lru_cache(maxsize=16)
def _date(seconds: int) -> str:
    return format_datetime(to_datetime(seconds * 1000))


def _one_word(text: str) -> str:
    if _WORD.fullmatch(text) is None:
        text = _UNSAFE.sub("", text).replace("<", "").replace(">", "")
    return text[:998]


def _ip_literal(ip: str) -> str:
    ip = _UNSAFE.sub("", ip)
    return f"IPv6:{ip}" if ":" in ip else ip


def crlf(raw: bytes) -> bytes:
    """The message with CRLF line ends. A lone LF is a line end that a local program left as it was (RFC 5321 2.3.8)."""
    return _BARE_LF.sub(b"\r\n", raw) if b"\n" in raw.replace(b"\r\n", b"") else raw
