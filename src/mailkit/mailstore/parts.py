"""The bytes of one attachment, without reading the rest of its message where it lies in a blob of its own."""

from collections.abc import Callable, Iterable, Iterator

from mailkit.errors import NotFound
from mailkit.mailstore.records import Attachment, BlobRef, Message
from mailkit.mime.parse import parse
from mailkit.mime.transfer_stream import decode_chunks

__all__ = ["cut_out", "find_part", "part_content"]

Segment = bytes | BlobRef


def find_part(row: Message, id: str) -> Attachment:
    """The attachment with this id; NotFound `attachment.not_found`."""
    for item in row.attachments:
        if item.id == id:
            return item
    raise NotFound("attachment.not_found", "This attachment does not exist", attachment=id)


def part_content(
    row: Message, item: Attachment, stream: Callable[[Iterable[Segment]], Iterator[bytes]]
) -> Iterator[bytes]:
    """The decoded content, in chunks; `stream` gives the bytes of segments."""
    own = next((s for s in row.segments if isinstance(s, BlobRef) and s.digest == item.digest), None)
    if own is not None:
        return decode_chunks(stream((own,)), item.encoding.lower().encode("latin-1", "replace"))
    message = parse(b"".join(stream(row.segments)))
    found = next((part for part in message.attachments if part.id == item.id), None)
    if found is None:
        raise NotFound("attachment.not_found", "This attachment does not exist", attachment=item.id)
    return iter((message.attachment_bytes(found),))


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
