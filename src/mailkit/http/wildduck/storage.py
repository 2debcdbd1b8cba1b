"""Files that users keep to attach them (W2.7)."""

import base64
import binascii
from collections.abc import Callable

from mailkit.errors import Invalid
from mailkit.http.answers import Content
from mailkit.http.cursor import Cursor
from mailkit.http.declare import UNSET, UnsetType, answer, request
from mailkit.http.later import OnThread
from mailkit.http.operation import prepared, read, write
from mailkit.http.paging import number_page, position
from mailkit.http.wildduck import fields as take
from mailkit.http.wildduck.attachments import ranged
from mailkit.http.wildduck.fields import Logged, Paged
from mailkit.http.wildduck.reach import user_within
from mailkit.http.wildduck.times import iso
from mailkit.ids import Id
from mailkit.kit import MailKit
from mailkit.principals.permits import Caller
from mailkit.storage.api import Tx

__all__ = ["delete_file", "get_file", "list_files", "upload_file"]

_LARGEST = 64 << 20

_NAME_IN_CURSOR = 100
"""Characters: a cursor has a longest length."""


@request
class UploadFile(Logged):
    """A file: the body as it is, or `content` in JSON."""

    user: Id = take.id24("The user, or `me`")
    filename: str | None = take.file_name("Name; by default one made of the date", default=None)
    contentType: str | None = take.media_type("Media type; by default guessed from the name", default=None)
    encoding: str | None = take.text(24, "`base64` when `content` is that", default=None)
    content: bytes | None = take.raw_body("The content", most=_LARGEST)
    cid: str | None = take.content_id("Content-ID for links in HTML", default=None)


@answer
class FileKept:
    """The new file."""

    id: str


@prepared
def upload_file(kit: MailKit, ask: UploadFile, caller: Caller) -> Callable[[Tx], FileKept]:
    """Keep a file."""
    with kit.store.snapshot() as tx:
        account = user_within(kit, ask.user, caller, tx=tx).number
    if not ask.content:
        raise Invalid.field("content", '"content" is required', kind="required")
    content = _decoded(ask.content, ask.encoding)
    new = kit.files.prepare(content, filename=ask.filename or "", content_type=ask.contentType or "", cid=ask.cid)
    return lambda tx: FileKept(id=str(kit.files.add(account, new, tx=tx).id))


def _decoded(content: bytes, encoding: str | None) -> bytes:
    if encoding != "base64":
        return content
    try:
        return base64.b64decode(b"".join(content.split()), validate=True)
    except binascii.Error:
        raise Invalid.field("content", '"content" is not base64', kind="encoding") from None


@request
class ListFiles(Paged):
    """Whose files, and which."""

    user: Id = take.id24("The user, or `me`")
    query: str | None = take.text(255, "A part of the file name", default=None)


@answer
class FileRow:
    """A file."""

    id: str
    filename: str
    contentType: str
    cid: str | UnsetType = UNSET
    size: int
    created: str


@answer
class FileList:
    """A page of files by name."""

    total: int
    page: int
    previousCursor: str | bool
    nextCursor: str | bool
    results: tuple[FileRow, ...]


@read
def list_files(kit: MailKit, ask: ListFiles, caller: Caller) -> FileList | OnThread[FileList]:
    """A user's files."""
    with kit.store.snapshot() as tx:
        account = user_within(kit, ask.user, caller, tx=tx).number
    if ask.query:
        return OnThread(lambda: _listing(kit, ask, account))
    return _listing(kit, ask, account)


def _listing(kit: MailKit, ask: ListFiles, account: int) -> FileList:
    asked = position("getFiles", next=ask.next, previous=ask.previous, page=ask.page)
    page = kit.files.list(
        account, query=ask.query or "", limit=ask.limit, after=asked.text_and_id(), backwards=asked.backwards
    )
    edges = [Cursor(row.filename[:_NAME_IN_CURSOR], str(row.id)) for row in page.items[:1] + page.items[-1:]]
    numbers = number_page(
        "getFiles", asked, ask.page, before=page.before, after=page.after,
        first=edges[0] if edges else None, last=edges[-1] if edges else None,
    )  # fmt: skip
    rows = tuple(
        FileRow(
            id=str(row.id),
            filename=row.filename,
            contentType=row.content_type,
            cid=row.cid or UNSET,
            size=row.size,
            created=iso(row.created),
        )
        for row in page.items
    )
    return FileList(
        total=page.total, page=numbers.page, previousCursor=numbers.previous, nextCursor=numbers.next, results=rows
    )


@request
class GetFile:
    """Which file."""

    user: Id = take.id24("The user, or `me`")
    file: Id = take.id24("The file")
    range: str = take.header("range")


@read
def get_file(kit: MailKit, ask: GetFile, caller: Caller) -> Content:
    """A file's content."""
    with kit.store.snapshot() as tx:
        account = user_within(kit, ask.user, caller, tx=tx).number
        row = kit.files.get(account, ask.file, tx=tx)
    return ranged(lambda: kit.files.stream(row), row.size, row.content_type, ask.range)


@request
class DeleteFile(Logged):
    """Which file."""

    user: Id = take.id24("The user, or `me`")
    file: Id = take.id24("The file")


@answer
class FileDeleted:
    """Nothing is told but success."""


@write
def delete_file(kit: MailKit, ask: DeleteFile, caller: Caller, tx: Tx) -> FileDeleted:
    """Remove a file; messages that it was attached to keep it."""
    kit.files.delete(user_within(kit, ask.user, caller, tx=tx).number, ask.file, tx=tx)
    return FileDeleted()
