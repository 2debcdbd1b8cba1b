"""Which messages are the same: so that training twice counts once."""

import hashlib

__all__ = ["message_key"]


def message_key(raw: bytes) -> bytes:
    """12 bytes that name a message by its source: line ends, an mbox separator line and empty lines at the end don't
    matter, every header does.
    """
    if raw.startswith(b"From "):
        raw = raw[raw.find(b"\n") + 1 :]
    if 0x0D in raw:
        raw = raw.replace(b"\r\n", b"\n")
    return hashlib.sha256(raw.rstrip(b"\n")).digest()[:12]
