"""The bytes of one attachment, without reading the rest of its message where it lies in a blob of its own."""

from collections.abc import Callable, Iterable, Iterator

from mailkit.errors import NotFound
from mailkit.mailstore.records import Attachment, BlobRef, Message
from mailkit.mime.parse import parse
from mailkit.mime.transfer_stream import decode_chunks

__all__ = ["cut_out", "find_part", "lies_apart", "part_content"]

Segment = bytes | BlobRef


def find_part(row: Message, id: str) -> Attachment:
    """The attachment with this id, in any case; NotFound `attachment.not_found`."""
    for item in row.attachments:
        if item.id == id.upper():
            return item
    raise NotFound("attachment.not_found", "This attachment does not exist", attachment=id)


def part_content(
    row: Message, item: Attachment, stream: Callable[[Iterable[Segment]], Iterator[bytes]]
) -> Iterator[bytes]:
    """The decoded content, in chunks; `stream` gives the bytes of segments."""
    encoding = item.encoding.lower().encode("latin-1", "replace")
    own = _own(row, item)
    if own is not None:
        return decode_chunks(stream((own,)), encoding)
    found = next((part for part in parse(b"".join(stream(row.segments))).attachments if part.id == item.id), None)
    if found is None:
        raise NotFound("attachment.not_found", "This attachment does not exist", attachment=item.id)
    # The source is read once more: whoever takes the content slowly must not hold all of it in memory.
    return decode_chunks(cut_out(stream(row.segments), found.body_start, found.body_end), encoding)


def lies_apart(row: Message, item: Attachment) -> bool:
    """True when its bytes lie in a blob of their own, so that the rest of the message need not be read."""
    return _own(row, item) is not None


def _own(row: Message, item: Attachment) -> BlobRef | None:
    return next((one for one in row.segments if isinstance(one, BlobRef) and one.digest == item.digest), None)


def cut_out(chunks: Iterable[bytes], start: int, stop: int) -> Iterator[bytes]:
    """The bytes from `start` up to `stop` of what `chunks` make together."""
    at = 0
    for chunk in chunks:
        if at >= stop:
            return
        piece = chunk[max(0, start - at) : stop - at]
        if piece:
            yield piece
        at += len(chunk)
