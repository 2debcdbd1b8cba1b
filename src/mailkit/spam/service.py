"""The spam engine over the store: classify, explain, learn, forget; models for all, for a tenant, for an account.

A model is named by a number: 0 for all, else that of the tenant or account it belongs to, behind which its rows lie
and vanish with it. Each process keeps the models it used last in memory and brings them up to date at every call.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from struct import Struct
from typing import Final, Literal

from attrs import frozen

from mailkit.clock import Clock, now_ms
from mailkit.errors import Corrupt, NotFound
from mailkit.ids import Id
from mailkit.spam.checkpoint import decode_model, encode_model
from mailkit.spam.explain import Explanation, explain
from mailkit.spam.features import Features, features_of
from mailkit.spam.journal import Change, Entry, encode_entry
from mailkit.spam.message_key import message_key
from mailkit.spam.model import Model
from mailkit.spam.reading import Source, features_of_messages
from mailkit.spam.records import Learnt
from mailkit.spam.settings import DEFAULT, Settings
from mailkit.spam.stored import (
    Position,
    catch_up,
    change,
    erase_step,
    fold,
    fold_is_due,
    read_state,
    refuse_outdated,
    replace_model,
)
from mailkit.spam.tokens import VERSION, read
from mailkit.spam.verdict import Verdict, verdict_of, voices
from mailkit.storage import keyspace
from mailkit.storage.api import ReadTx, Store, Tx
from mailkit.storage.keyspace import SPAM_CHUNK, SPAM_LEARNT

__all__ = ["FOR_ALL", "Scope", "Spam", "Status"]

FOR_ALL: Final = keyspace.FOR_ALL
"""The number of the model that everybody's mail is judged by."""

_RECENT: Final = 32
_HOT: Final = 64
"""Models kept in memory."""
_EXPORT: Final = b"mailkit spam export 2\n"
_SIZES: Final = Struct("<QQ")
_MARK: Final = Struct("<12s9s")


@frozen
class Scope:
    """A model that has a say: its kind (`global`, `tenant` or `account`) and its number."""

    kind: Literal["global", "tenant", "account"]
    number: int


GLOBAL: Final = Scope("global", FOR_ALL)


@frozen
class Status:
    """What a model has learnt. `bytes` is what its checkpoint and changes take in the store."""

    spam: int
    ham: int
    bytes: int
    changes: int  #: since the checkpoint
    changed: int  #: ms, UTC; 0 for never
    outdated: bool = False  #: learnt with another tokeniser than this: silent until it is purged and trained anew


@frozen(eq=False)
class _Hot:
    model: Model
    position: Position


class Spam:
    """The service. `scopes_of` tells which tenant and account models an account's mail is judged by, `fold_later`
    is called in the transaction that makes a model's changes many: it may schedule `fold(number)`; without it the
    fold happens right after.
    """

    def __init__(
        self,
        store: Store,
        *,
        clock: Clock = now_ms,
        settings: Callable[[], Settings] = lambda: DEFAULT,
        scopes_of: Callable[[ReadTx, Id], Sequence[Scope]] | None = None,
        fold_later: Callable[[Tx, int], None] | None = None,
    ) -> None:
        self.store = store
        self._clock = clock
        self._settings = settings
        self._scopes_of = scopes_of
        self._fold_later = fold_later
        self._hot: OrderedDict[int, _Hot] = OrderedDict()
        self._recent: OrderedDict[tuple[bytes, bool], Features] = OrderedDict()
        self._lock = threading.RLock()

    # judging

    def classify(self, raw: bytes, *, account: Id | None = None, forged: bool = False) -> Explanation:
        """The verdict on a message as it came in, with reasons that add up to its score.

        `account` is whose mail it is: its own and its tenant's model are heard too. `forged`: see `tokens.read`.
        """
        tokens = read(raw, forged=forged)
        with self._lock:
            return explain(self._heard(account), tokens)

    def verdicts(self, messages: Sequence[bytes], *, account: Id | None = None) -> list[Verdict]:
        """The verdicts on several messages without reasons: six times faster."""
        features = self._features_of_many([(message_key(raw), raw) for raw in messages], False)
        with self._lock:
            heard = self._heard(account)
            if not heard:
                return [verdict_of([]) for _ in messages]
            cutoffs = [model.cutoffs() for _, model in heard]
            scores = [model.score_many(features) for _, model in heard]
        shares = [share for share, _ in heard]
        return [verdict_of(list(zip(shares, row, cutoffs, strict=True))) for row in zip(*scores, strict=True)]

    # learning

    def learn(
        self, raw: bytes, *, spam: bool, number: int = FOR_ALL, forged: bool = False
    ) -> Literal["learnt", "known", "moved"]:
        """Learns a message, durably. One that was learnt before counts once; as the other class, it is moved."""
        return self.learn_many([raw], spam=spam, number=number, forged=forged)[0]

    def learn_many(
        self,
        messages: Iterable[bytes],
        *,
        spam: bool,
        number: int = FOR_ALL,
        forged: bool = False,
        may_fold: bool = True,
    ) -> list[Literal["learnt", "known", "moved"]]:
        """Learns messages in one transaction; give it some hundred at a time.

        Who has many more to come passes `may_fold=False` and calls `fold` at the end.
        """
        keyed = [(message_key(raw), raw) for raw in messages]
        read = [(key, one) for (key, _), one in zip(keyed, self._features_of_many(keyed, forged), strict=True)]
        sources = [partial(bytes, raw) for _, raw in keyed]
        return self.learn_read(read, sources, spam=spam, number=number, forged=forged, may_fold=may_fold)

    def learn_read(
        self,
        messages: Sequence[tuple[bytes, Features]],
        sources: Sequence[Source],
        *,
        spam: bool,
        number: int = FOR_ALL,
        forged: bool = False,
        may_fold: bool = True,
    ) -> list[Literal["learnt", "known", "moved"]]:
        """`learn_many` of messages that were read elsewhere (`reading.reader`): their keys and features.

        `sources` gives the messages themselves, for the few that have to be read again.
        """
        prepared = _prepare(messages, sources, spam, forged)
        other = Change.FORGET_HAM if spam else Change.FORGET_SPAM
        now = self._clock()

        def write(tx: Tx) -> tuple[list[Literal["learnt", "known", "moved"]], bool]:
            results: list[Literal["learnt", "known", "moved"]] = []
            state = read_state(tx, number)
            was_due = fold_is_due(state)
            for item in prepared:
                before = _mark(tx, number, item.key)
                if before is not None and before.spam is spam:
                    results.append("known")
                    continue
                entries = [(item.change, item.entry)]
                if before is not None:
                    entries.insert(0, (other, item.inverse(before.forged)))
                state = change(tx, number, item.key, entries, Learnt(spam, forged, 0), now=now)
                results.append("learnt" if before is None else "moved")
            due = fold_is_due(state)
            if may_fold and due and not was_due and self._fold_later is not None:
                self._fold_later(tx, number)
            return results, due

        results, due = self.store.transact(write)
        if may_fold and due and self._fold_later is None:
            self.fold(number)
        return results

    def forget(self, raw: bytes, *, number: int = FOR_ALL) -> None:
        """Takes back that a message was learnt, exactly. NotFound when it was not."""
        key = message_key(raw)
        # Both ways to have read it, so that nothing is computed within the transaction.
        entries = {forged: self._features(key, raw, forged) for forged in (False, True)}
        now = self._clock()

        def write(tx: Tx) -> None:
            before = _mark(tx, number, key)
            if before is None:
                raise NotFound("spam.not_learnt", "This message was not learnt")
            kind = Change.FORGET_SPAM if before.spam else Change.FORGET_HAM
            entry = encode_entry(Entry(kind, key, entries[before.forged]))
            change(tx, number, key, [(kind, entry)], None, now=now)

        self.store.transact(write)

    # keeping

    def fold(self, number: int = FOR_ALL) -> bool:
        """Writes a checkpoint; safe to repeat and from any process. False when another one was faster."""
        with self._lock:
            hot = self._hot.pop(number, None)
            if hot is not None:  # nothing has to be read
                folded = fold(self.store, number, hot.model, hot.position)
                if folded is not None:
                    self._hot[number] = _Hot(*folded)
                return folded is not None
        return fold(self.store, number) is not None

    def status(self, number: int = FOR_ALL) -> Status:
        """What a model has learnt."""
        with self.store.snapshot() as tx:
            state = read_state(tx, number)
            stored = sum(len(value) for _, value in tx.scan(*SPAM_CHUNK.range(number)))
        changes = state.next - state.first
        return Status(state.spam, state.ham, stored, changes, state.changed, state.tokens != VERSION)

    def export(self, number: int = FOR_ALL) -> bytes:
        """A model with the marks of the messages it has learnt, for `restore`. Unavailable (`spam.model_outdated`) when
        it was learnt with another tokeniser.
        """
        with self.store.snapshot() as tx:
            refuse_outdated(read_state(tx, number))
        model, _ = catch_up(self.store, number, None, None)
        model.settle()
        data = encode_model(model)
        with self.store.snapshot() as tx:
            marks = [_MARK.pack(key[-12:], value) for key, value in tx.scan(*SPAM_LEARNT.range(number))]
        return _EXPORT + _SIZES.pack(len(data), len(marks)) + data + b"".join(marks)

    def restore(self, data: bytes, number: int = FOR_ALL) -> None:
        """Puts an exported model in the place of whatever is there. Corrupt when the bytes are no export."""
        start = len(_EXPORT) + _SIZES.size
        if data[: len(_EXPORT)] != _EXPORT or len(data) < start:
            raise Corrupt("spam.model_corrupt", "This is not an exported spam model")
        size, count = _SIZES.unpack_from(data, len(_EXPORT))
        if len(data) != start + size + count * _MARK.size:
            raise Corrupt("spam.model_corrupt", "The exported spam model is not complete")
        model = decode_model(data[start : start + size])
        marks = list(_MARK.iter_unpack(data[start + size :]))
        replace_model(self.store, number, model, marks, now=self._clock())

    def purge(self, number: int = FOR_ALL) -> None:
        """Removes a model and everything about it."""
        while erase_step(self.store, number):
            pass

    # messages and models in memory

    def _features(self, key: bytes, raw: bytes, forged: bool) -> Features:
        """The features of a message; those of the last few are remembered, for what is judged is often learnt next."""
        features = self._recent.get((key, forged))
        if features is None:
            features = features_of(read(raw, forged=forged))
            with self._lock:
                self._recent[key, forged] = features
                while len(self._recent) > _RECENT:
                    self._recent.popitem(last=False)
        return features

    def _features_of_many(self, messages: Sequence[tuple[bytes, bytes]], forged: bool) -> list[Features]:
        """`_features` of (key, message) of each, faster."""
        if len(messages) == 1:
            return [self._features(*messages[0], forged)]
        return features_of_messages([raw for _, raw in messages], forged=forged)

    def _heard(self, account: Id | None) -> list[tuple[float, Model]]:
        scopes = [GLOBAL]
        if account is not None and self._scopes_of is not None:
            with self.store.snapshot() as tx:
                scopes += self._scopes_of(tx, account)
        return voices([(scope.kind, self._current(scope.number)) for scope in scopes])

    def _current(self, number: int) -> Model:
        hot = self._hot.pop(number, None)
        known = (hot.model, hot.position) if hot is not None else (None, None)
        model, position = catch_up(self.store, number, *known)
        self._hot[number] = _Hot(model, position)
        while len(self._hot) > _HOT:
            self._hot.popitem(last=False)
        settings = self._settings()
        if model.settings != settings:
            model.tune(settings)
        return model


@frozen(eq=False)
class _Prepared:
    """A message read and encoded before the transaction."""

    source: Source
    key: bytes
    change: Change
    entry: bytes
    forged: bool

    def inverse(self, forged: bool) -> bytes:
        """The entry that takes back the message as it was learnt for the other class."""
        kind = Change.FORGET_HAM if self.change is Change.LEARN_SPAM else Change.FORGET_SPAM
        if forged is self.forged:
            return bytes((kind,)) + self.entry[1:]
        # A changed mind and changed authentication at once: rare enough to read it again in here.
        return encode_entry(Entry(kind, self.key, features_of(read(self.source(), forged=forged))))


def _prepare(
    messages: Sequence[tuple[bytes, Features]], sources: Sequence[Source], spam: bool, forged: bool
) -> list[_Prepared]:
    kind = Change.LEARN_SPAM if spam else Change.LEARN_HAM
    return [
        _Prepared(source, key, kind, encode_entry(Entry(kind, key, features)), forged)
        for (key, features), source in zip(messages, sources, strict=True)
    ]


def _mark(tx: ReadTx, number: int, key: bytes) -> Learnt | None:
    data = tx.get(SPAM_LEARNT.key(number, key))
    return None if data is None else Learnt.decode(data)
