"""The counts of features: in how many learnt spam and ham messages each occurred, and its second-stage weight.

Two forms with one face: `ArrayTable` (numpy, open addressing) and `DictTable` (plain Python). Both give the same
numbers; `new_table` chooses. `rows(ids)` finds features once; what it returns is good until the next `add`.
"""

from array import array
from collections.abc import Sequence
from itertools import accumulate
from typing import Any, Protocol

from attrs import frozen

from mailkit.spam import arrays
from mailkit.spam.features import Ids

__all__ = ["ArrayTable", "Columns", "DictTable", "Table", "new_table"]


@frozen(eq=False)
class Columns:
    """A whole table, ascending by id: four sequences of the same length."""

    ids: Any
    spam: Any  #: learnt spam messages that have the feature
    ham: Any  #: learnt ham messages that have the feature
    epochs: Any  #: epoch in which it was last learnt; only expiry uses it


class Table(Protocol):
    """What the learner needs of a table. Ids are sorted and distinct."""

    def __len__(self) -> int: ...

    def add(self, ids: Ids, spam: bool, epoch: int) -> None:
        """Counts a message."""
        ...

    def add_many(self, messages: list[Ids], spam: list[bool], epoch: int) -> None:
        """Counts several messages, faster."""
        ...

    def subtract(self, ids: Ids, spam: bool) -> None:
        """Takes a message's counts back; a count never falls below zero."""
        ...

    def rows(self, ids: Ids) -> Any:
        """Where the features are; unknown ones count 0 and weigh 0."""
        ...

    def counts(self, rows: Any) -> tuple[Any, Any]:
        """(spam, ham) counts of each feature."""
        ...

    def weigh(self, messages: Sequence[Any]) -> list[float]:
        """The sum of the features' second-stage weights of each of several messages, given their rows."""
        ...

    def weights(self, rows: Any) -> Any:
        """The second-stage weight of each feature."""
        ...

    def nudge(self, rows: Any, amount: float) -> None:
        """Adds to the second-stage weight of each known feature."""
        ...

    def clear_weights(self) -> Any:
        """Sets all second-stage weights to zero; returns what they were, for `average_weights`."""
        ...

    def average_weights(self, others: Any) -> None:
        """Makes each second-stage weight the mean of itself and what it was in `others`; no `add` in between."""
        ...

    def columns(self) -> Columns:
        """Everything that has a count, ascending by id."""
        ...


def new_table(columns: Columns | None = None) -> "ArrayTable | DictTable":
    """An empty table, or one that holds `columns`."""
    return DictTable(columns) if arrays.numpy() is None else ArrayTable(columns)


_UNKNOWN = [0, 0, 0, 0.0]


class DictTable:
    """Plain Python: id -> [spam, ham, epoch, weight]."""

    def __init__(self, columns: Columns | None = None) -> None:
        self._rows: dict[int, list[Any]] = {}
        if columns is not None:
            for number, *row in zip(columns.ids, columns.spam, columns.ham, columns.epochs, strict=True):
                self._rows[int(number)] = [*map(int, row), 0.0]

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, ids: Ids, spam: bool, epoch: int) -> None:
        rows = self._rows
        column = 0 if spam else 1
        for number in ids:
            row = rows.get(number)
            if row is None:
                row = rows[number] = [0, 0, epoch, 0.0]
            row[column] += 1
            row[2] = epoch

    def add_many(self, messages: list[Ids], spam: list[bool], epoch: int) -> None:
        for ids, kind in zip(messages, spam, strict=True):
            self.add(ids, kind, epoch)

    def subtract(self, ids: Ids, spam: bool) -> None:
        rows = self._rows
        column = 0 if spam else 1
        for number in ids:
            row = rows.get(number)
            if row is not None:
                row[column] = max(row[column] - 1, 0)
                if not row[0] and not row[1]:
                    del rows[number]

    def rows(self, ids: Ids) -> list[list[Any]]:
        find = self._rows.get
        return [find(number, _UNKNOWN) for number in ids]

    def counts(self, rows: list[list[Any]]) -> tuple[list[int], list[int]]:
        return [row[0] for row in rows], [row[1] for row in rows]

    def weigh(self, messages: Sequence[list[list[Any]]]) -> list[float]:
        return [float(sum([row[3] for row in rows])) for rows in messages]

    def weights(self, rows: list[list[Any]]) -> list[float]:
        return [row[3] for row in rows]

    def nudge(self, rows: list[list[Any]], amount: float) -> None:
        for row in rows:
            if row is not _UNKNOWN:
                row[3] += amount

    def clear_weights(self) -> dict[int, float]:
        old = {number: row[3] for number, row in self._rows.items() if row[3]}
        for row in self._rows.values():
            row[3] = 0.0
        return old

    def average_weights(self, others: dict[int, float]) -> None:
        for number, row in self._rows.items():
            row[3] = (row[3] + others.get(number, 0.0)) / 2

    def columns(self) -> Columns:
        rows = sorted(self._rows.items())
        return Columns(
            array("I", (number for number, _ in rows)),
            array("I", (row[0] for _, row in rows)),
            array("I", (row[1] for _, row in rows)),
            array("I", (row[2] for _, row in rows)),
        )


_SPREAD = 0x9E3779B1
_MOST_WAITING = 2_000_000
_FULLEST = 0.5
"""Share of taken slots at which the table grows."""


class ArrayTable:
    """numpy. A feature's slot is its id, multiplied and shifted, or while that belongs to others the slots a jump of
    its own further on: with neighbours instead, long runs of taken slots grow together.

    Slots are 1 to `2**n`; slot 0 is nobody's, counts zero and weighs zero. Key 0 marks a free slot: no feature has
    id 0. A row whose counts fall to zero stays until the table grows, since others may have stepped over it.
    """

    def __init__(self, columns: Columns | None = None) -> None:
        self._np = arrays.numpy()
        self._waiting: list[tuple[Ids, bool]] = []
        self._waiting_ids = 0
        self._waiting_epoch = 0
        size = 0 if columns is None else len(columns.ids)
        self._make(size)
        if columns is not None and size:
            at = self._claim(self._np.asarray(columns.ids, self._np.uint32))
            self.spam[at] = columns.spam
            self.ham[at] = columns.ham
            self.epochs[at] = columns.epochs

    def _make(self, size: int) -> None:
        np = self._np
        bits = 14
        while size * 1.2 > _FULLEST * (1 << bits):
            bits += 1
        self._room = int(_FULLEST * (1 << bits))
        self._taken = 0
        self._mask = np.uint32((1 << bits) - 1)
        self._shift = np.uint32(32 - bits)
        slots = (1 << bits) + 1
        self._keys = np.zeros(slots, np.uint32)
        self.spam = np.zeros(slots, np.uint32)
        self.ham = np.zeros(slots, np.uint32)
        self.epochs = np.zeros(slots, np.uint32)
        self.weight = np.zeros(slots, np.float64)

    def __len__(self) -> int:
        self._count_waiting()
        return int(self._np.count_nonzero((self.spam | self.ham) != 0))

    def rows(self, ids: Ids) -> Any:
        self._count_waiting()
        keys, mask = self._keys, int(self._mask)
        at = self._first_slots(ids)
        found = keys.take(at)
        pending = (found != ids).nonzero()[0]
        others = found[pending] != 0
        at[pending] *= others
        pending = pending[others]
        wanted, here = ids[pending], at[pending]
        jump = self._jump(wanted)
        while len(pending):
            here = ((here + jump) & mask) + 1
            found = keys.take(here)
            at[pending] = here * (found != 0)
            on = ((found != wanted) & (found != 0)).nonzero()[0]
            pending, wanted, here, jump = pending[on], wanted[on], here[on], jump[on]
        return at

    def _first_slots(self, ids: Any) -> Any:
        at = ids * self._np.uint32(_SPREAD)
        at >>= self._shift
        at = at.astype(self._np.intp)  # numpy would make it so at every use
        at += 1
        return at

    def _jump(self, ids: Any) -> Any:
        """How far it is, less one, from slot to slot when the first are taken: even, so that every slot is reached."""
        return (ids ^ (ids >> self._np.uint32(13))) & (self._mask - self._np.uint32(1))

    def _claim(self, ids: Any) -> Any:
        """The slot of each id, taken for it where there was none. There must be room."""
        np, keys, mask = self._np, self._keys, int(self._mask)
        at = self._first_slots(ids)
        if not self._taken:  # a new table: what has to be asked else is known
            keys[at] = ids
            self._taken = int(np.count_nonzero(keys.take(at) == ids))
        pending = (keys.take(at) != ids).nonzero()[0]
        wanted, here = ids[pending], at[pending]
        jump = self._jump(wanted)
        while len(pending):
            free = keys.take(here) == 0
            # Of several ids that want one free slot, the last one written has it and the others step on.
            keys[here[free]] = wanted[free]
            missed = keys.take(here) != wanted
            free[missed] = False
            self._taken += int(np.count_nonzero(free))
            pending, wanted, jump = pending[missed], wanted[missed], jump[missed]
            here = ((here[missed] + jump) & mask) + 1
            at[pending] = here
        return at

    def _grow(self, more: int) -> None:
        live = ((self.spam | self.ham) != 0).nonzero()[0]
        ids, kept = self._keys[live], [column[live] for column in (self.spam, self.ham, self.epochs, self.weight)]
        self._make(len(live) + more)
        at = self._claim(ids)
        for column, values in zip((self.spam, self.ham, self.epochs, self.weight), kept, strict=True):
            column[at] = values

    def add(self, ids: Ids, spam: bool, epoch: int) -> None:
        self._count_waiting()
        if self._taken + len(ids) > self._room:
            self._grow(len(ids))
        at = self._claim(ids)
        (self.spam if spam else self.ham)[at] += self._np.uint32(1)
        self.epochs[at] = epoch

    def add_many(self, messages: list[Ids], spam: list[bool], epoch: int) -> None:
        # Counted when somebody looks, all at once: sorting a million ids costs less than finding each a slot.
        if self._waiting_ids > _MOST_WAITING or epoch != self._waiting_epoch:
            self._count_waiting()
        self._waiting_epoch = epoch
        self._waiting += zip(messages, spam, strict=True)
        self._waiting_ids += sum(map(len, messages))

    def _count_waiting(self) -> None:
        """Adds the messages that `add_many` has put aside."""
        if not self._waiting:
            return
        np, waiting = self._np, self._waiting
        self._waiting, self._waiting_ids = [], 0
        counted = []
        for kind in (True, False):
            group = [ids for ids, is_spam in waiting if is_spam is kind]
            if group:
                found = np.concatenate(group)
                found.sort()
                starts = np.concatenate(([True], found[1:] != found[:-1])).nonzero()[0]
                counted.append((found[starts], np.diff(starts, append=len(found)).astype(np.uint32), kind))
        more = sum(len(ids) for ids, _, _ in counted)
        if self._taken + more > self._room and len(counted) > 1:
            both = np.concatenate([ids for ids, _, _ in counted])
            both.sort()
            more = 1 + int(np.count_nonzero(both[1:] != both[:-1]))
        if self._taken + more > self._room:
            self._grow(more)
        # The larger class first: a new table takes its features in faster than one that has some.
        for ids, counts, kind in sorted(counted, key=lambda group: -len(group[0])):
            at = self._claim(ids)
            column = self.spam if kind else self.ham
            column[at] += counts
            if self._waiting_epoch:  # they begin with 0 and never go back
                self.epochs[at] = self._waiting_epoch

    def subtract(self, ids: Ids, spam: bool) -> None:
        at = self.rows(ids)
        column = self.spam if spam else self.ham
        column[at] -= column[at] > 0

    def counts(self, rows: Any) -> tuple[Any, Any]:
        return self.spam.take(rows), self.ham.take(rows)

    def weigh(self, messages: Sequence[Any]) -> list[float]:
        starts = list(accumulate([len(rows) for rows in messages[:-1]], initial=0))
        # A sum of nothing would be the next message's first weight: slot 0, which weighs zero, ends each.
        if not all(map(len, messages)):
            messages = [self._np.append(rows, 0) for rows in messages]
            starts = [start + at for at, start in enumerate(starts)]
        rows = messages[0] if len(messages) == 1 else self._np.concatenate(messages)
        return list(self._np.add.reduceat(self.weight.take(rows), starts).tolist())

    def weights(self, rows: Any) -> Any:
        return self.weight[rows]

    def nudge(self, rows: Any, amount: float) -> None:
        self.weight[rows] += amount
        self.weight[0] = 0.0

    def clear_weights(self) -> Any:
        old = self.weight
        self.weight = self._np.zeros(len(old), self._np.float64)
        return old

    def average_weights(self, others: Any) -> None:
        self.weight += others
        self.weight /= 2

    def columns(self) -> Columns:
        self._count_waiting()
        np = self._np
        live = ((self.spam | self.ham) != 0).nonzero()[0]
        # Sorting the ids with their slots below them costs half of `argsort`.
        both = self._keys.take(live).astype(np.uint64) << np.uint64(32)
        both |= live.astype(np.uint64)
        both.sort()
        live = (both & np.uint64(0xFFFFFFFF)).astype(np.intp)
        ids = (both >> np.uint64(32)).astype(np.uint32)
        return Columns(ids, self.spam.take(live), self.ham.take(live), self.epochs.take(live))
