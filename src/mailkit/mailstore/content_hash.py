"""A message's content hash, from its row alone. Pure.

SHA-256 over the segments in order: of a blob its digest, of inline bytes their SHA-256, each behind its kind and
length. Messages with the same bytes that were cut alike have the same one; other bytes have another one.
"""

import hashlib

from mailkit.mailstore.records import BlobRef, Message

__all__ = ["content_hash"]


def content_hash(row: Message) -> bytes:
    """32 bytes."""
    total = hashlib.sha256(b"mailkit message 1")
    for segment in row.segments:
        if isinstance(segment, BlobRef):
            total.update(b"b" + segment.size.to_bytes(8, "big") + segment.digest)
        else:
            total.update(b"i" + len(segment).to_bytes(8, "big") + hashlib.sha256(segment).digest())
    return total.digest()
