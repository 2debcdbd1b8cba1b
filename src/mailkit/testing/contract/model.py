"""A random walk over everything at once, held against a dictionary."""

from contextlib import AbstractContextManager
from typing import Any

import pytest
from attrs import define
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from mailkit.errors import Conflict
from mailkit.storage.api import ReadTx, Store, Tx
from mailkit.testing.contract.setting import EVERYTHING, Setting, examples, wipe

__all__ = ["ModelContract"]

_KEYS = st.sampled_from([b"a", b"ab", b"a\x00", b"b", b"b\xff", b"c", b"d" * 511])
_VALUES = st.binary(max_size=4) | st.just(b"x" * 5000)
_SPACES = st.sampled_from([b"s", b"ss", b"t"])
_HOT = b"hot"
"""Read and written by every writer of the walk: any two that overlap are a circle, so that one has to lose."""

_Change = tuple[str, bytes, Any]
_CHANGES: st.SearchStrategy[list[_Change]] = st.lists(
    st.one_of(
        st.tuples(st.just("put"), _KEYS, _VALUES),
        st.tuples(st.just("delete"), _KEYS, st.none()),
        st.tuples(st.just("append"), _SPACES, _VALUES),
        st.tuples(st.just("trim"), _SPACES, st.integers(0, 3)),
    ),
    max_size=6,
)


@define
class _State:
    """What the store should hold: rows, and per space the entries that are left, in order."""

    rows: dict[bytes, bytes]
    entries: dict[bytes, list[bytes]]

    def copy(self) -> "_State":
        return _State(dict(self.rows), {space: list(entries) for space, entries in self.entries.items()})


class _Gave(Exception):
    """Ends a function of the walk."""


class _Walk(RuleBasedStateMachine):
    store: Store  # set by the subclass that a test makes

    def __init__(self) -> None:
        super().__init__()
        wipe(self.store)
        self.state = _State({}, {})
        self.commits = 0
        self.snapshots: list[tuple[AbstractContextManager[ReadTx], ReadTx, _State]] = []
        self.opened: tuple[AbstractContextManager[Tx], Tx, _State, int] | None = None
        with self.store.snapshot() as tx:
            self.floors = {space: tx.head(space) for space in (b"s", b"ss", b"t")}

    def teardown(self) -> None:
        if self.opened is not None:
            self.opened[0].__exit__(_Gave, _Gave(), None)
        for context, _, _ in self.snapshots:
            context.__exit__(None, None, None)

    def _do(self, tx: Tx, changes: list[_Change], state: _State) -> None:
        """Makes the changes in a transaction and in the model alike."""
        count = int(tx.get(_HOT) or b"0") + 1
        tx.put(_HOT, b"%d" % count)
        state.rows[_HOT] = b"%d" % count
        trims: dict[bytes, int] = {}
        for what, where, value in changes:
            if what == "put":
                tx.put(where, value)
                state.rows[where] = value
            elif what == "delete":
                tx.delete(where)
                state.rows.pop(where, None)
            elif what == "append":
                tx.append(where, value)
                state.entries.setdefault(where, []).append(value)
            else:
                trims[where] = value
        for space, count in trims.items():
            # of what was committed before this transaction, the oldest `count`
            positions = [position for position, _ in tx.appended(space, self.floors[space])]
            if count and positions:
                tx.trim(space, positions[:count][-1])
                del state.entries[space][: len(positions[:count])]

    def _check(self, tx: ReadTx, state: _State) -> None:
        expected = sorted(state.rows.items())
        assert list(tx.scan(*EVERYTHING)) == expected
        assert list(tx.scan(*EVERYTHING, reverse=True)) == expected[::-1]
        for key in (b"a", b"b\xff", b"zz", _HOT):
            assert tx.get(key) == state.rows.get(key)
        for space, floor in self.floors.items():
            assert [value for _, value in tx.appended(space, floor)] == state.entries.get(space, [])

    @rule(changes=_CHANGES, fails=st.booleans())
    def transact(self, changes: list[_Change], fails: bool) -> None:
        states: list[_State] = []

        def fn(tx: Tx) -> None:
            states.append(self.state.copy())
            self._do(tx, changes, states[-1])
            # entries are seen by later transactions only
            assert list(tx.scan(*EVERYTHING)) == sorted(states[-1].rows.items())
            if fails:
                raise _Gave

        if fails:
            with pytest.raises(_Gave):
                self.store.transact(fn)
        else:
            self.store.transact(fn)
            self.state = states[-1]
            self.commits += 1

    @precondition(lambda self: self.opened is None)
    @rule()
    def begin(self) -> None:
        context = self.store.transaction()
        tx = context.__enter__()
        self.opened = (context, tx, self.state.copy(), self.commits)
        self._check(tx, self.state)

    @precondition(lambda self: self.opened is not None)
    @rule(changes=_CHANGES, fails=st.booleans())
    def end(self, changes: list[_Change], fails: bool) -> None:
        assert self.opened is not None
        context, tx, state, began = self.opened
        self.opened = None

        def leave(give: bool) -> None:
            # as a `with` block does; its writes come last, so that a store may lock what it writes
            try:
                self._check(tx, state)
                self._do(tx, changes, state)
                if give:
                    raise _Gave
            except BaseException as failure:
                if not context.__exit__(type(failure), failure, failure.__traceback__):
                    raise
            else:
                context.__exit__(None, None, None)

        if fails:
            # a store that notices early may refuse before the function gives up
            with pytest.raises((_Gave, Conflict)):
                leave(True)
        elif self.commits > began:
            with pytest.raises(Conflict):
                leave(False)
        else:
            leave(False)
            self.state = state
            self.commits += 1

    @precondition(lambda self: len(self.snapshots) < 3)
    @rule()
    def take_snapshot(self) -> None:
        context = self.store.snapshot()
        self.snapshots.append((context, context.__enter__(), self.state.copy()))

    @precondition(lambda self: self.snapshots)
    @rule(which=st.integers(0, 2), drop=st.booleans())
    def read_snapshot(self, which: int, drop: bool) -> None:
        which %= len(self.snapshots)
        context, tx, state = self.snapshots[which]
        self._check(tx, state)
        if drop:
            context.__exit__(None, None, None)
            del self.snapshots[which]

    @rule()
    def look(self) -> None:
        with self.store.snapshot() as tx:
            self._check(tx, self.state)

    @rule(
        start=_KEYS | st.just(b""),
        stop=_KEYS | st.just(b"\xff"),
        reverse=st.booleans(),
        limit=st.none() | st.integers(0, 3),
    )
    def scan(self, start: bytes, stop: bytes, reverse: bool, limit: int | None) -> None:
        expected = sorted((p for p in self.state.rows.items() if start <= p[0] < stop), reverse=reverse)[:limit]
        with self.store.snapshot() as tx:
            assert list(tx.scan(start, stop, reverse=reverse, limit=limit)) == expected


class ModelContract(Setting):
    """A random walk."""

    def test_a_random_walk_never_leaves_the_model(self, store: Store) -> None:
        machine = type("Walk", (_Walk,), {"store": store})
        run_state_machine_as_test(machine, settings=examples(25 * self.effort))
