"""Maintenance of what is stored: content by its hash, UIDs anew, the search index anew (S9.4)."""

import base64
import binascii
from collections.abc import Iterator
from typing import BinaryIO

from mailkit.errors import Invalid, NotFound
from mailkit.http.answers import Content
from mailkit.http.declare import request
from mailkit.http.operation import slow, write
from mailkit.http.stalwart import fields as take
from mailkit.kit import MailKit
from mailkit.mailstore.parts import cut_out
from mailkit.mailstore.records import Archived
from mailkit.principals.permits import Caller, require_whole_server
from mailkit.storage.api import Tx

__all__ = ["get_blob", "reindex_account", "reindex_all", "reset_uids"]

_CHUNK = 256 << 10


@request
class GetBlob:
    """Which content, and which part of it."""

    blob_id: str = take.in_path("SHA-256 of the content, or hash of a deleted message, in base64url without padding")
    offset: int = take.number("First byte", default=0)
    limit: int | None = take.number("Most bytes", default=None)


@slow
def get_blob(kit: MailKit, ask: GetBlob, caller: Caller) -> Content:
    """Stored content, of whatever account."""
    require_whole_server(caller)  # content is shared by all, and knows no tenant
    digest = _digest(ask.blob_id)
    archived = kit.mailstore.archive.with_hash(digest)
    if archived:
        return _message(kit, ask, archived[0])
    with kit.store.snapshot() as tx:
        size = kit.blobs.size(tx, digest)
        start = min(max(0, ask.offset), size)
        stream = kit.blobs.open(tx, digest, start)
    left = size - start if ask.limit is None else min(max(0, ask.limit), size - start)
    return Content(_chunks(stream, left), "application/octet-stream", size=left)


def _message(kit: MailKit, ask: GetBlob, archived: Archived) -> Content:
    """A deleted message's bytes, by the hash that `/store/undelete` lists."""
    row = kit.mailstore.archive.get(archived.account, archived.id).row
    start = min(max(0, ask.offset), row.size)
    stop = row.size if ask.limit is None else min(start + max(0, ask.limit), row.size)
    return Content(cut_out(kit.mailstore.stream(row), start, stop), "application/octet-stream", size=stop - start)


def _digest(text: str) -> bytes:
    try:
        digest = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise Invalid.field("blob_id", '"blob_id" is not base64url') from None
    if len(digest) != 32:
        raise NotFound("blob.missing", "There is no such content")
    return digest


def _chunks(stream: BinaryIO, left: int) -> Iterator[bytes]:
    with stream:
        while left and (chunk := stream.read(min(left, _CHUNK))):
            left -= len(chunk)
            yield chunk


@request
class ResetUids:
    """Whose UIDs."""

    account_id: str = take.in_path("The account's name")


@slow
def reset_uids(kit: MailKit, ask: ResetUids, caller: Caller) -> tuple[int, int]:
    """Give every mailbox a new UIDVALIDITY and every message a new UID: how many of either that were."""
    with kit.store.snapshot() as tx:
        row = kit.principals.by_name(ask.account_id, tx=tx)
        if row.kind not in ("individual", "group") or not kit.directory.within(row, caller, tx=tx):
            raise NotFound("principal.not_found", name=ask.account_id)
    return kit.mailstore.renumber(row.number)


@request
class ReindexAll:
    """Nothing is asked for."""


@write
def reindex_all(kit: MailKit, ask: ReindexAll, caller: Caller, tx: Tx) -> None:
    """Make the search index of every account anew, in the background; of the caller's tenant, if it is in one."""
    kit.rebuild_indexes(tx, kit.directory.tenant_number(None, caller, tx=tx))


@request
class ReindexAccount:
    """Which account."""

    account_id: str = take.in_path("Its name")


@write
def reindex_account(kit: MailKit, ask: ReindexAccount, caller: Caller, tx: Tx) -> None:
    """Make the search index of an account anew, in the background."""
    row = kit.directory.named(ask.account_id, caller, ("individual", "group"), tx=tx)
    kit.search.rebuild(row.number, tx=tx)
