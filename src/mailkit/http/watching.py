"""What happens in accounts, handed from the journal to streams: one thread per process follows, queues are bounded.

A stream that doesn't take its entries in time is lost: it ends, and its client comes back with the last id it has seen.
"""

import asyncio
import threading
from collections import defaultdict, deque
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from mailkit import journal
from mailkit.errors import MailKitError, RateLimited, ResyncNeeded
from mailkit.http.stream_slots import slots_in
from mailkit.settings import kernel as keys
from mailkit.storage.open import folder_of
from mailkit.telemetry import emit

if TYPE_CHECKING:
    from mailkit.kit import MailKit

__all__ = ["MOST_STREAMS", "MOST_WAITING", "Subscription", "Watcher", "watcher"]

MOST_STREAMS = 5_000
"""Streams of one process."""

MOST_WAITING = 1_000
"""Entries that wait for one stream."""

Positioned = tuple[int, journal.Entry]


class Subscription:
    """One stream's queue. Used on its event loop only; `hand` is called there."""

    def __init__(self, account: int, loop: asyncio.AbstractEventLoop, place: int = 0) -> None:
        self.account = account
        self.place = place
        self.loop = loop
        self.lost = False
        self._waiting: deque[Positioned] = deque()
        self._news = asyncio.Event()

    def hand(self, entries: list[Positioned] | None) -> None:
        """Takes entries in; None: there will be no more."""
        if entries is None or len(self._waiting) + len(entries) > MOST_WAITING:
            self.lost = True
            self._waiting.clear()
        elif not self.lost:
            self._waiting.extend(entries)
        self._news.set()

    async def wait(self, seconds: float) -> bool:
        """True when there is news, False after so many seconds without."""
        try:
            await asyncio.wait_for(self._news.wait(), seconds)
        except TimeoutError:
            return False
        return True

    def take(self) -> list[Positioned]:
        """What has come since the last time."""
        found = list(self._waiting)
        self._waiting.clear()
        if not self.lost:
            self._news.clear()
        return found


class Watcher:
    """Follows a kit's journal for as long as somebody listens. Safe to use from several loops and threads."""

    def __init__(self, kit: "MailKit") -> None:
        self._store = kit.store
        self._slots = slots_in(folder_of(kit.settings.get(keys.STORE)))
        self._lock = threading.Lock()
        self._streams: dict[int, list[Subscription]] = defaultdict(list)
        self._count = 0
        self._running = False

    @property
    def count(self) -> int:
        """How many streams there are."""
        return self._count

    def check(self, account: int) -> None:
        """Raises RateLimited `streams.too_many` when the account or the process has no room for one more."""
        if self._count >= MOST_STREAMS or not self._slots.free(account):
            raise _too_many()

    def subscribe(self, account: int) -> Subscription:
        """A queue for the running event loop; RateLimited `streams.too_many`."""
        place = self._slots.take(account)
        if place is None:
            raise _too_many()
        made = Subscription(account, asyncio.get_running_loop(), place)
        with self._lock:
            if self._count >= MOST_STREAMS:
                self._slots.give(account, place)
                raise _too_many()
            self._streams[account].append(made)
            self._count += 1
            if not self._running:
                self._running = True
                threading.Thread(target=self._follow, name="mailkit updates", daemon=True).start()
        return made

    def unsubscribe(self, stream: Subscription) -> None:
        """Nothing is handed to it any more."""
        with self._lock:
            streams = self._streams[stream.account]
            streams.remove(stream)
            self._count -= 1
            if not streams:
                del self._streams[stream.account]
        self._slots.give(stream.account, stream.place)

    def _follow(self) -> None:
        try:
            with self._store.snapshot() as tx:
                at = journal.head(tx)
            while True:
                with self._lock:
                    if not self._count:
                        self._running = False
                        return
                try:
                    found = journal.follow(self._store, at, timeout=1.0)
                except ResyncNeeded as gap:
                    self.end()
                    at = gap.fields["oldest"]
                    continue
                if found:
                    at = found[-1][0]
                    self._hand(found)
        except MailKitError as error:  # the store was closed, or cannot be reached: clients come back
            emit("updates.stopped", level="warning", error=str(error))
            with self._lock:
                self._running = False
            self.end()

    def _hand(self, found: list[Positioned]) -> None:
        by_account: dict[int, list[Positioned]] = defaultdict(list)
        for position, entry in found:
            if entry.account is not None and entry.account in self._streams:
                by_account[entry.account].append((position, entry))
        if not by_account:
            return
        by_loop: dict[asyncio.AbstractEventLoop, list[tuple[Subscription, list[Positioned]]]] = defaultdict(list)
        with self._lock:
            for account, entries in by_account.items():
                for stream in self._streams.get(account, ()):
                    by_loop[stream.loop].append((stream, entries))
        for loop, pairs in by_loop.items():
            _call(loop, pairs)

    def end(self) -> None:
        """Ends every stream: their clients are to come back."""
        with self._lock:
            streams = [stream for several in self._streams.values() for stream in several]
        for stream in streams:
            _call(stream.loop, [(stream, None)])


def _too_many() -> RateLimited:
    return RateLimited("streams.too_many", "There are too many update streams")


def _call(
    loop: asyncio.AbstractEventLoop,
    pairs: list[tuple[Subscription, list[Positioned]]] | list[tuple[Subscription, None]],
) -> None:
    def hand() -> None:
        for stream, entries in pairs:
            stream.hand(entries)

    try:
        loop.call_soon_threadsafe(hand)
    except RuntimeError:
        pass  # the loop was closed, and its streams with it


_watchers: "WeakKeyDictionary[MailKit, Watcher]" = WeakKeyDictionary()
_making = threading.Lock()


def watcher(kit: "MailKit") -> Watcher:
    """The one watcher of a kit."""
    with _making:
        found = _watchers.get(kit)
        if found is None:
            found = _watchers[kit] = Watcher(kit)
        return found
