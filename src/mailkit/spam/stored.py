"""Models in the store: a checkpoint in chunks, and one row for each change since.

The laws:

- A change is written in the transaction that marks its message as learnt (or takes the mark away), so a message counts
  once however many processes train, and a crash leaves both or none.
- `fold` reads the model at one moment, writes the next checkpoint from it and removes what it has taken in, provided
  that nobody else has folded meanwhile. Changes that came in between stay.
- A fold changes nothing that can be seen, except that the second stage is replayed (`model`): who holds the model at
  that very change settles it instead of reading it anew.
"""

from collections.abc import Iterable
from functools import partial
from typing import Final

from attrs import frozen

from mailkit.errors import Corrupt, Unavailable
from mailkit.spam.checkpoint import decode_model, encode_model
from mailkit.spam.journal import Change, apply, decode_entry
from mailkit.spam.model import Model
from mailkit.spam.records import STATES, Learnt, State
from mailkit.spam.tokens import VERSION
from mailkit.storage.api import ReadTx, Store, Tx
from mailkit.storage.keyspace import SPAM_CHANGE, SPAM_CHUNK, SPAM_LEARNT

__all__ = [
    "REGISTER",
    "Position",
    "catch_up",
    "change",
    "erase_step",
    "fold",
    "fold_is_due",
    "read_state",
    "refuse_outdated",
    "replace_model",
]

REGISTER: Final = 200_000
"""Learnt messages that are remembered one by one; who trains an older one again counts it twice."""

_CHUNK: Final = 64 << 10
_STEP: Final = 500


@frozen
class Position:
    """How far a model in memory has come."""

    generation: int
    next: int


def read_state(tx: ReadTx, number: int) -> State:
    """The state of a model; that of an empty one when there is none."""
    return STATES.find(tx, number) or State(tokens=VERSION)


def refuse_outdated(state: State) -> None:
    """Unavailable when a model was learnt with another tokeniser than this: its features mean nothing to this one."""
    if state.tokens != VERSION:
        raise Unavailable(
            "spam.model_outdated", "The spam model was learnt with another tokeniser: purge it and train anew"
        )


def change(
    tx: Tx, number: int, key: bytes, entries: Iterable[tuple[Change, bytes]], mark: Learnt | None, *, now: int
) -> State:
    """Writes changes of one message (encoded entries) and its mark: None takes it away. Returns the new state."""
    state = read_state(tx, number)
    refuse_outdated(state)
    spam, ham, at = state.spam, state.ham, state.next
    for kind, entry in entries:
        tx.put(SPAM_CHANGE.key(number, at), entry)
        at += 1
        by = 1 if kind <= Change.LEARN_SPAM else -1
        if kind in (Change.LEARN_SPAM, Change.FORGET_SPAM):
            spam += by
        else:
            ham += by
    if mark is None:
        tx.delete(SPAM_LEARNT.key(number, key))
    else:
        tx.put(SPAM_LEARNT.key(number, key), Learnt(mark.spam, mark.forged, at - 1).encode())
    fresh = State(
        tokens=VERSION,
        generation=state.generation,
        chunks=state.chunks,
        first=state.first,
        next=at,
        spam=max(spam, 0),
        ham=max(ham, 0),
        changed=now,
    )
    STATES.put(tx, fresh, number)
    return fresh


def catch_up(store: Store, number: int, model: Model | None, position: Position | None) -> tuple[Model, Position]:
    """The model as it is now, from the one in memory if that can be brought up to date, else read anew."""
    with store.snapshot() as tx:
        state = read_state(tx, number)
        if state.tokens != VERSION:  # silent until it is trained anew
            return Model(), Position(state.generation, state.next)
        data = None
        settle = False
        if model is None or position is None or position.generation != state.generation:
            settle = (
                model is not None
                and position is not None
                and position.generation + 1 == state.generation
                and position.next == state.first
            )
            if not settle:
                data = b"".join(value for _, value in tx.scan(*SPAM_CHUNK.range(number, state.generation)))
        start = state.first if data is not None or position is None else position.next
        rows = [value for _, value in _changes(tx, number, start, state.next)] if start < state.next else []
    if data is not None or model is None:
        if state.chunks != -(-len(data or b"") // _CHUNK):
            raise Corrupt("spam.model_corrupt", "Chunks of a spam model are missing")
        model = decode_model(data) if data else Model()
    if settle or data is not None:
        model.settle()
    if len(rows) != state.next - start:
        raise Corrupt("spam.model_corrupt", "Changes of a spam model are missing")
    apply(model, map(decode_entry, rows))
    return model, Position(state.generation, state.next)


def _changes(tx: ReadTx, number: int, start: int, stop: int) -> Iterable[tuple[bytes, bytes]]:
    return tx.scan(SPAM_CHANGE.key(number, start), SPAM_CHANGE.key(number, stop))


def fold_is_due(state: State) -> bool:
    """Whether so many changes have come together that reading them costs more than folding."""
    return state.next - state.first >= max(512, (state.spam + state.ham) // 4)


def fold(
    store: Store, number: int, model: Model | None = None, position: Position | None = None
) -> tuple[Model, Position] | None:
    """Writes a checkpoint that takes in all changes up to now; returns the model as it then is, settled.

    Starts from the model in memory, if there is one. None when another process was faster: that model is then settled
    where it should not be, and must be read anew. None too when the model is of another tokeniser: it stays as it is.
    """
    with store.snapshot() as tx:
        if read_state(tx, number).tokens != VERSION:
            return None
    model, position = catch_up(store, number, model, position)
    model.settle()
    data = encode_model(model)
    chunks = [data[start : start + _CHUNK] for start in range(0, len(data), _CHUNK)]

    def write(tx: Tx) -> bool:
        state = read_state(tx, number)
        if state.generation != position.generation or state.first > position.next:
            return False
        _put_checkpoint(
            tx, number, state, chunks, first=position.next, next_=state.next, spam=state.spam, ham=state.ham
        )
        return True

    if not store.transact(write):
        return None
    _forget_old(store, number)
    return model, Position(position.generation + 1, position.next)


def replace_model(store: Store, number: int, model: Model, learnt: Iterable[tuple[bytes, bytes]], *, now: int) -> None:
    """Puts `model` in the place of whatever there is; `learnt` are the keys and marks of its messages."""
    model.settle()
    data = encode_model(model)
    chunks = [data[start : start + _CHUNK] for start in range(0, len(data), _CHUNK)]
    while erase_step(store, number):
        pass
    marks = list(learnt)

    def write(tx: Tx) -> None:
        state = read_state(tx, number)
        _put_checkpoint(tx, number, state, chunks, first=state.next, next_=state.next, spam=model.spam, ham=model.ham)

    store.transact(write)
    for start in range(0, len(marks), _STEP):
        group = marks[start : start + _STEP]
        store.transact(partial(_mark_all, number, group))


def _mark_all(number: int, marks: list[tuple[bytes, bytes]], tx: Tx) -> None:
    for key, value in marks:
        tx.put(SPAM_LEARNT.key(number, key), value)


def _delete_all(keys: list[bytes], tx: Tx) -> None:
    for key in keys:
        tx.delete(key)


def _put_checkpoint(
    tx: Tx, number: int, state: State, chunks: list[bytes], *, first: int, next_: int, spam: int, ham: int
) -> None:
    generation = state.generation + 1
    for at, chunk in enumerate(chunks):
        tx.put(SPAM_CHUNK.key(number, generation, at), chunk)
    for key, _ in list(tx.scan(*SPAM_CHUNK.range(number, state.generation))):
        tx.delete(key)
    for key, _ in list(_changes(tx, number, state.first, first)):
        tx.delete(key)
    fresh = State(
        tokens=VERSION,
        generation=generation,
        chunks=len(chunks),
        first=first,
        next=next_,
        spam=spam,
        ham=ham,
        changed=state.changed,
    )
    STATES.put(tx, fresh, number)


def erase_step(store: Store, number: int) -> bool:
    """Removes some of a model's rows, the state first (readers then see an empty model). True when more are left.

    The numbers of changes and generations go on, so that a model in some process's memory is seen to be outdated.
    """

    def step(tx: Tx) -> bool:
        state = read_state(tx, number)
        if state.chunks or state.spam or state.ham or state.first != state.next:
            fresh = State(tokens=VERSION, generation=state.generation + 2, first=state.next, next=state.next)
            STATES.put(tx, fresh, number)
        for space in (SPAM_CHUNK, SPAM_CHANGE, SPAM_LEARNT):
            rows = list(tx.scan(*space.range(number), limit=_STEP))
            for key, _ in rows:
                tx.delete(key)
            if len(rows) == _STEP:
                return True
        return False

    return store.transact(step)


def _forget_old(store: Store, number: int) -> None:
    """Drops the marks of messages learnt more than `REGISTER` changes ago."""
    with store.snapshot() as tx:
        oldest = read_state(tx, number).next - REGISTER
    if oldest <= 0:
        return
    after, stop = SPAM_LEARNT.range(number)
    while True:
        with store.snapshot() as tx:
            rows = list(tx.scan(after, stop, limit=4 * _STEP))
        old = [key for key, value in rows if Learnt.decode(value).number < oldest]
        if old:
            store.transact(partial(_delete_all, old))
        if len(rows) < 4 * _STEP:
            return
        after = rows[-1][0] + b"\x00"
