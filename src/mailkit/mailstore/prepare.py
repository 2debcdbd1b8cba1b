"""Everything slow about a message, done once before any transaction: parsing, hashing, compressing, writing files."""

from collections.abc import Callable
from typing import Any

from attrs import field, frozen
from msgspec.structs import replace

from mailkit.errors import Invalid
from mailkit.mailstore.describe import describe
from mailkit.mailstore.segments import cut
from mailkit.mime.parse import Message, parse
from mailkit.storage.blobs import Blobs, Prepared

__all__ = ["Ready", "prepare"]


@frozen
class Ready:
    """A message that only waits for its transaction; it may be stored any number of times."""

    size: int
    pieces: tuple[bytes | Prepared, ...] = field(repr=False)
    fields: dict[str, Any] = field(repr=False)
    tokens: tuple[str, ...]
    subject: str  # normalised, for its thread
    idate: int
    automatic: bool = False
    """A mailing list or a program has sent it."""

    described: bytes = field(default=b"", repr=False)  # what `changes.Follower.describe` made of it


_AUTOMATIC = ("List-Id", "Auto-Submitted", "X-Auto-Response-Suppress")


def prepare(
    raw: bytes,
    blobs: Blobs,
    *,
    idate: int,
    parsed: Message | None = None,
    describe_for: Callable[[Message], bytes] | None = None,
) -> Ready:
    """Parses `raw`, cuts it and makes its large pieces ready; Invalid `message.empty` for no bytes."""
    if not raw:
        raise Invalid("message.empty", "The message is empty")
    message = parsed or parse(raw)
    fields = describe(message, idate)
    digests: dict[int, bytes] = {}
    pieces: list[bytes | Prepared] = []
    for piece in cut(message.scan):
        data = raw[piece.start : piece.end]
        if piece.inline:
            pieces.append(data)
            continue
        ready = blobs.prepare(data)
        pieces.append(ready)
        if piece.part >= 0:
            digests[piece.part] = ready.digest
    fields["attachments"] = tuple(
        replace(item, digest=digests[item.part]) if item.part in digests else item for item in fields["attachments"]
    )
    return Ready(
        size=len(raw),
        pieces=tuple(pieces),
        fields=fields,
        tokens=message.thread_tokens,
        subject=message.thread_subject,
        idate=idate,
        automatic=any(message.header(name) for name in _AUTOMATIC),
        described=b"" if describe_for is None else describe_for(message),
    )
