"""The contract against stores that break the law: each fault has a test that sees it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from inspect import signature
from typing import Any

import pytest

from mailkit.storage.api import ReadTx, Tx
from mailkit.storage.backends.memory import MemoryStore
from mailkit.storage.overlay import Overlay
from mailkit.testing.contract import StoreContract


class DirtyReads(MemoryStore):
    """Writes are there at once, whatever becomes of the transaction."""

    def transact(self, fn: Callable[[Tx], Any]) -> Any:
        with self.transaction() as tx:
            try:
                return fn(tx)
            except LookupError as error:
                failure = error
        raise failure


class LosesUpdates(MemoryStore):
    """Never looks whether what it read has changed."""

    def _changed_since(self, overlay: Overlay, seen: int) -> bool:
        return False


class MissesPhantoms(MemoryStore):
    """Looks at keys, not at ranges."""

    def _changed_since(self, overlay: Overlay, seen: int) -> bool:
        overlay.ranges_read.clear()
        return super()._changed_since(overlay, seen)


class SwallowsConflicts(MemoryStore):
    """Reports success for an open transaction that lost."""

    @contextmanager
    def transaction(self) -> Iterator[Tx]:
        with self._reading() as number:
            overlay = Overlay(self._at(number))
            yield overlay
            if not self._changed_since(overlay, number):
                self._commit(overlay, number)

    def _at(self, number: int) -> ReadTx:
        from mailkit.storage.backends.memory import _Snapshot

        return _Snapshot(self, number)


class CountsPositionsFromTheEntries(MemoryStore):
    """A trimmed space begins at 1 again."""

    def _commit(self, overlay: Overlay, seen: int) -> None:
        last = [entries[-1][0] for entries in self._entries.values() if entries]
        self._positions = max(last, default=0)
        super()._commit(overlay, seen)


class ReadsTheLatest(MemoryStore):
    """A snapshot moves on with the commits."""

    def _version(self, key: bytes, number: int) -> bytes | None:
        return super()._version(key, self._number)


class StaleSnapshots(MemoryStore):
    """A snapshot begins one commit late."""

    @contextmanager
    def snapshot(self) -> Iterator[ReadTx]:
        from mailkit.storage.backends.memory import _Snapshot

        with self._reading() as number:
            yield _Snapshot(self, max(number - 1, 0))


class InclusiveStop(MemoryStore):
    """A scan shows the key at its stop."""

    def _keys_between(self, start: bytes, stop: bytes, reverse: bool, step: int = 256) -> Iterator[bytes]:
        return super()._keys_between(start, stop + b"\x00", reverse, step)


FAULTS: list[tuple[type[MemoryStore], str]] = [
    (DirtyReads, "test_failures_among_successes_change_nothing_for_them"),
    (LosesUpdates, "test_an_update_is_not_lost"),
    (LosesUpdates, "test_two_that_each_read_what_the_other_writes_do_not_both_commit"),
    (SwallowsConflicts, "test_an_update_is_not_lost"),
    (CountsPositionsFromTheEntries, "test_trimming_removes_what_was_read_and_never_takes_a_position_back"),
    (ReadsTheLatest, "test_a_snapshot_stays_what_it_was"),
    (StaleSnapshots, "test_a_snapshot_that_begins_after_a_commit_sees_it_in_every_thread"),
    (StaleSnapshots, "test_what_comes_after_the_head_is_above_it_and_what_was_before_is_not"),
    (InclusiveStop, "test_a_scan_gives_what_a_sorted_dictionary_would"),
    (LosesUpdates, "test_a_random_walk_never_leaves_the_model"),
    (ReadsTheLatest, "test_a_random_walk_never_leaves_the_model"),
]


@pytest.mark.parametrize(("faulty", "test"), FAULTS, ids=[f"{kind.__name__}: {test[5:]}" for kind, test in FAULTS])
def test_a_fault_is_seen(faulty: type[MemoryStore], test: str) -> None:
    check = getattr(StoreContract(), test)
    store = "store" if "store" in signature(check).parameters else "plain_store"
    with pytest.raises((AssertionError, pytest.fail.Exception, BaseExceptionGroup)):
        check(**{store: faulty()})


def test_a_store_without_phantom_protection_is_seen() -> None:
    check = StoreContract().test_what_was_read_and_changed_by_one_that_read_what_is_written_here
    with pytest.raises(AssertionError):
        check(
            MissesPhantoms(),
            reads=lambda tx: list(tx.scan(b"p", b"q")),
            changes=lambda tx: tx.put(b"pp", b"2"),
        )
