"""A user's changes as they happen: server-sent events (W2.1, W3.12).

Subscribe, replay what the journal has after the last id the client has seen, then go on with what comes: positions only
grow, so nothing is missed and nothing told twice.
"""

import time
from collections.abc import AsyncIterator, Callable, Iterable
from functools import partial
from typing import TypeVar

import anyio
import anyio.to_thread

from mailkit import journal
from mailkit.errors import NotFound, ResyncNeeded
from mailkit.http.answers import Content
from mailkit.http.declare import request, takes
from mailkit.http.operation import read
from mailkit.http.watching import MOST_WAITING, Positioned, Subscription, watcher
from mailkit.http.wildduck import fields as take
from mailkit.http.wildduck.fields import Logged
from mailkit.http.wildduck.reach import user_within
from mailkit.http.wildduck.rules import HexId
from mailkit.http.wildduck.update_events import counted, counters, events_of, frame, position_of
from mailkit.ids import Id
from mailkit.kit import MailKit
from mailkit.principals.permits import Caller

__all__ = ["get_updates"]

T = TypeVar("T")

_IDLE = 15.0
"""Seconds of silence before a sign of life."""

_QUIET = 0.1
_LONGEST = 1.0
"""News is told after so much quiet, and no later than this, in seconds."""

_PAGE = 1000

_HEADERS = {"cache-control": "no-cache", "x-accel-buffering": "no"}


@request
class GetUpdates(Logged):
    """Whose changes, and after which."""

    user: Id = take.id24("The user, or `me`")
    last: Id | None = takes(HexId(), default=None, doc="Begin after this event", name="Last-Event-ID")
    last_header: str = take.header("last-event-id")


@read
def get_updates(kit: MailKit, ask: GetUpdates, caller: Caller) -> Content:
    """What changes in an account, as it happens."""
    with kit.store.snapshot() as tx:
        account = user_within(kit, ask.user, caller, tx=tx).number
    watcher(kit).check(account)
    after = int.from_bytes(ask.last, "big") if ask.last is not None else position_of(ask.last_header)
    return Content(_stream(kit, account, after), "text/event-stream", headers=_HEADERS)


async def _stream(kit: MailKit, account: int, after: int) -> AsyncIterator[bytes]:
    watching = watcher(kit)
    stream = watching.subscribe(account)
    try:
        yield b": idling 1\n\n"
        head = await _reading(kit, lambda: _head(kit))
        at = min(after, head) or head
        while at < head:
            page, at = await _reading(kit, partial(_replay, kit, account, at, head))
            if page and (said := await _told(kit, account, page, replayed=True)):
                yield said
        idle = 1
        while not stream.lost:
            if not await stream.wait(_IDLE):
                idle += 1
                yield b": idling %d\n\n" % idle
                continue
            entries = [pair for pair in await _settled(stream) if pair[0] > at]
            if entries:
                at = entries[-1][0]
                if said := await _told(kit, account, entries):
                    yield said
        yield b'event: error\ndata: {"error": "Updates were lost; connect again"}\n\n'
    finally:
        watching.unsubscribe(stream)


async def _reading(kit: MailKit, function: Callable[[], T]) -> T:
    """Reads on the event loop, or on a thread where reading blocks."""
    return await anyio.to_thread.run_sync(function) if kit.store.reads_block else function()


def _head(kit: MailKit) -> int:
    with kit.store.snapshot() as tx:
        return journal.head(tx)


def _replay(kit: MailKit, account: int, after: int, head: int) -> tuple[list[Positioned], int]:
    """An account's entries among the next ones, and how far that went. What is trimmed away is passed over."""
    with kit.store.snapshot() as tx:
        try:
            page = list(journal.read(tx, after, limit=_PAGE))
        except ResyncNeeded as gap:
            return [], gap.fields["oldest"]
    page = [(position, entry) for position, entry in page if position <= head]
    at = page[-1][0] if len(page) == _PAGE else head
    return [(position, entry) for position, entry in page if entry.account == account], at


async def _settled(stream: Subscription) -> list[Positioned]:
    """What came, once no more comes for a moment, or it is enough."""
    found = stream.take()
    end = time.monotonic() + _LONGEST
    while len(found) < MOST_WAITING and time.monotonic() < end and await _more(stream, found):
        pass
    return found


async def _more(stream: Subscription, found: list[Positioned]) -> bool:
    await anyio.sleep(_QUIET)
    came = stream.take()
    found += came
    return bool(came)


async def _told(kit: MailKit, account: int, entries: Iterable[Positioned], *, replayed: bool = False) -> bytes:
    """The events of some entries, and then the counters of the mailboxes that they changed.

    Notices for those who listen at the moment are not `replayed`: a client that was told to log out would be told again
    whenever it came back.
    """
    said: list[bytes] = []
    boxes: dict[bytes, None] = {}
    last = 0
    for position, entry in entries:
        last = position
        said += [
            frame(event, position if has_id else None) for event, has_id in events_of(entry) if has_id or not replayed
        ]
        if (box := counted(entry)) is not None:
            boxes[box] = None
    if boxes:
        said += await _reading(kit, lambda: _counters(kit, account, boxes, last))
    return b"".join(said)


def _counters(kit: MailKit, account: int, boxes: Iterable[bytes], position: int) -> list[bytes]:
    found = []
    with kit.store.snapshot() as tx:
        for id in boxes:
            try:
                box = kit.mailstore.mailbox(account, Id(id), tx=tx)
            except NotFound:
                continue
            found.append(frame(counters(id, box.total, box.unseen), position))
    return found
