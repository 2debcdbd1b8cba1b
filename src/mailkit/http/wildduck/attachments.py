"""Bytes of messages: the source as it came, and attachments decoded; whole or a range of them (W2.5)."""

from collections.abc import Callable, Iterator

from mailkit.accounts.limits import DOWNLOAD
from mailkit.http.answers import Content
from mailkit.http.declare import request
from mailkit.http.later import OnThread
from mailkit.http.operation import read
from mailkit.http.ranges import Unsatisfiable, wanted_range
from mailkit.http.wildduck import fields as take
from mailkit.http.wildduck.fields import Logged
from mailkit.http.wildduck.reach import user_within
from mailkit.ids import Id
from mailkit.kit import MailKit
from mailkit.mailstore.parts import cut_out, find_part, lies_apart
from mailkit.mailstore.records import Attachment, Message
from mailkit.mime.charsets import decode_charset
from mailkit.mime.parameters import parse_parameters
from mailkit.mime.parse import parse
from mailkit.principals.permits import Caller

__all__ = ["get_attachment", "get_source", "ranged"]

_AT_ONCE = 256 << 10

_HELD_PER_BYTE = 3
"""Bytes of memory per byte of a message that is read as a whole to find a part in it."""


def ranged(
    open: Callable[[], Iterator[bytes]], size: int, media_type: str, header: str, *, at_once: bool = False
) -> Content:
    """`size` bytes, or those that a Range header asks for. With `at_once` they are sent in one piece."""
    found = wanted_range(header, size) if header else None
    if isinstance(found, Unsatisfiable):
        return Content(b"", media_type, headers={"content-range": found.content_range}, status=416)
    told = {"accept-ranges": "bytes"}
    status = 200
    chunks = open()
    if found is not None:
        chunks = cut_out(chunks, found.start, found.stop)
        told["content-range"] = found.content_range
        size, status = found.stop - found.start, 206
    return Content(b"".join(chunks) if at_once else chunks, media_type, size=size, headers=told, status=status)


@request
class GetSource(Logged):
    """Which message."""

    user: Id = take.id24("The user, or `me`")
    mailbox: Id = take.id24("The mailbox")
    message: int = take.number("The message's id in its mailbox", least=1)
    range: str = take.header("range")


@read
def get_source(kit: MailKit, ask: GetSource, caller: Caller) -> Content | OnThread[Content]:
    """A message exactly as it came."""
    with kit.store.snapshot() as tx:
        owner = user_within(kit, ask.user, caller, tx=tx)
        row = kit.mailstore.get(owner.number, ask.mailbox, ask.message, tx=tx).row
        kit.account_limits.check(owner, DOWNLOAD, tx=tx)
    small = row.size <= _AT_ONCE and all(isinstance(segment, bytes) for segment in row.segments)
    found = ranged(lambda: kit.mailstore.stream(row), row.size, "message/rfc822", ask.range, at_once=small)
    write = kit.account_limits.note(owner, DOWNLOAD, found.size or 0)
    return found if write is None else OnThread(lambda: _after(write, found))


def _after(write: Callable[[], None], found: Content) -> Content:
    write()
    return found


@request
class GetAttachment:
    """Which attachment."""

    user: Id = take.id24("The user, or `me`")
    mailbox: Id = take.id24("The mailbox")
    message: int = take.number("The message's id in its mailbox", least=1)
    attachment: str = take.text(255, "The attachment's id, as ATT00001")
    sendAsString: bool = take.flag("Text in another charset becomes UTF-8")
    range: str = take.header("range")


@read
def get_attachment(kit: MailKit, ask: GetAttachment, caller: Caller) -> OnThread[Content]:
    """An attachment's content, decoded."""
    with kit.store.snapshot() as tx:
        owner = user_within(kit, ask.user, caller, tx=tx)
        row = kit.mailstore.get(owner.number, ask.mailbox, ask.message, tx=tx).row
        item = find_part(row, ask.attachment)
        kit.account_limits.check(owner, DOWNLOAD, tx=tx)

    def counted() -> Content:
        found = _content(kit, ask, row, item)
        write = kit.account_limits.note(owner, DOWNLOAD, item.size if found.size is None else found.size)
        return found if write is None else _after(write, found)

    weight = 0 if lies_apart(row, item) else _HELD_PER_BYTE * row.size
    return OnThread(counted, weight)


def _content(kit: MailKit, ask: GetAttachment, row: Message, item: Attachment) -> Content:
    media_type = item.content_type or "application/octet-stream"
    if ask.sendAsString and media_type.startswith("text/") and item.encoding.lower() in ("7bit", "8bit", ""):
        data = _as_utf8(b"".join(kit.mailstore.stream(row)), item)
        return ranged(lambda: iter((data,)), len(data), f"{media_type}; charset=utf-8", ask.range, at_once=True)

    def open() -> Iterator[bytes]:
        return kit.mailstore.attachment(row, item)

    if item.size <= _AT_ONCE:
        data = b"".join(open())
        return ranged(lambda: iter((data,)), len(data), media_type, ask.range, at_once=True)
    if not ask.range:  # the decoded size is known only at the end
        return Content(open(), media_type, headers={"accept-ranges": "bytes"})
    return ranged(open, sum(map(len, open())), media_type, ask.range)


def _as_utf8(raw: bytes, item: Attachment) -> bytes:
    """A text part, converted from the charset that its own header names."""
    message = parse(raw)
    part = next(one for one in message.attachments if one.id == item.id)
    declared = message.scan.parts[part.part].headers.get(b"content-type") or b""
    charset = parse_parameters(declared.decode("latin-1")).parameters.get("charset")
    return decode_charset(message.attachment_bytes(part), charset)[0].encode()
