"""Folding deltas into segments and small segments into large ones, beside everything else that goes on.

- one at a time per account: who merges claims the manifest, and each of its writes checks and prolongs the claim
- a new segment is written in small transactions, and counts from the one that swaps the manifest
- what no manifest lists (a killed merge's blocks, replaced segments, folded deltas) goes in small transactions

So a kill leaves nothing but room to be swept by the next merge, and no writer waits longer than for one small write.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate, islice
from typing import Final

from attrs import frozen
from msgspec.structs import replace

from mailkit.clock import Clock
from mailkit.errors import Conflict, Corrupt
from mailkit.ids import Id, new_id
from mailkit.search import waiting
from mailkit.search.delta import Delta
from mailkit.search.postings import Head
from mailkit.search.records import MANIFESTS, Manifest, Segment, pack_head
from mailkit.search.segment import Posting, Writer, dead_in, from_deltas, merged, merged_head, read
from mailkit.search.store import StoreIndex
from mailkit.storage import keyspace
from mailkit.storage.api import ReadTx, Store, Tx
from mailkit.storage.walk import walk

__all__ = ["LEASE", "build", "merge", "sweep"]

LEASE: Final = 60_000
"""How long a claim holds without a write, ms."""

_WRITE: Final = 64
_MOST_ORDINALS: Final = 1 << 31
_STEP: Final = 500


@frozen
class _Plan:
    """What a merge is going to do: fold `deltas`, or join `segments`."""

    deltas: tuple[tuple[int, Delta], ...] = ()
    segments: tuple[Segment, ...] = ()


def merge(store: Store, index: StoreIndex, account: int, *, clock: Clock) -> bool:
    """Makes one segment, if it is time for one; False when there is nothing to do, or somebody else does it."""
    with store.snapshot() as tx:
        manifest = MANIFESTS.find(tx, account) or Manifest()
        if manifest.building is not None and manifest.until > clock():
            return False
        plan = _plan(tx, account, manifest, index.batch, index.fan)
    if plan is None:
        sweep(store, account)
        return False
    try:
        if plan.deltas:
            build(store, account, plan.deltas, clock=clock, through=plan.deltas[-1][0] + 1)
        else:
            _join(store, index, account, plan.segments, clock=clock)
    except Conflict as error:
        if error.code == "search.lost":
            return False
        raise
    sweep(store, account)
    return True


def _plan(tx: ReadTx, account: int, manifest: Manifest, batch: int, fan: int) -> _Plan | None:
    late = next(tx.scan(*keyspace.SEARCH_LATE.range(account), limit=1), None)
    stop = None if late is None else keyspace.SEARCH_LATE.parts(late[0])[1]  # its words come first
    deltas = tuple(islice(waiting.scan(tx, account, manifest.through, stop), batch))
    if len(deltas) == batch:
        return _Plan(deltas=deltas)
    for level in sorted({segment.level for segment in manifest.segments}):
        some = [one for one in manifest.segments if one.level == level and one.id not in manifest.outgoing][:fan]
        if len(some) == fan and sum(one.ordinals for one in some) < _MOST_ORDINALS:
            return _Plan(segments=tuple(some))
    return None


def build(
    store: Store, account: int, deltas: Iterable[tuple[int, Delta]], *, clock: Clock, through: int | None = None
) -> None:
    """Makes a segment of messages; with `through`, deltas below that number count no more.

    Raises Conflict `search.lost` when somebody else is merging.
    """
    some = tuple(deltas)
    head, ordinals, postings = from_deltas(some)
    # somebody else may have folded them since they were read
    made = _claim(store, account, clock, lambda manifest: through is None or some[0][0] >= manifest.through)
    _write(store, account, made, head, postings, clock)

    def swap(tx: Tx) -> None:
        manifest = _held(tx, account, made)
        segment = Segment(id=made, level=0, docs=len(head.docs), ordinals=ordinals)
        _swap(tx, account, manifest, (*manifest.segments, segment), through or manifest.through)

    store.transact(swap)


def _join(store: Store, index: StoreIndex, account: int, segments: tuple[Segment, ...], *, clock: Clock) -> None:
    *bases, ordinals = accumulate((segment.ordinals for segment in segments), initial=0)
    with store.snapshot() as tx:
        heads = [index.memory.head(tx, account, segment.id) for segment in segments]
        live = index.evaluation(tx, account).live
    dead = dead_in(heads, bases, live)

    def there(manifest: Manifest) -> bool:
        return set(segments) <= set(manifest.segments) and not any(one.id in manifest.outgoing for one in segments)

    made = _claim(store, account, clock, there)
    streams = [_postings(store, account, one.id, head) for one, head in zip(segments, heads, strict=True)]
    head = merged_head(heads, dead)
    _write(store, account, made, head, merged(streams, heads, bases, dead), clock)

    def swap(tx: Tx) -> None:
        manifest = _held(tx, account, made)
        if not there(manifest):
            raise Conflict("search.lost", "The segments are no longer there")
        segment = Segment(id=made, level=segments[0].level + 1, docs=len(head.docs), ordinals=ordinals)
        kept = tuple(one for one in manifest.segments if one not in segments)
        _swap(tx, account, manifest, (*kept, segment), manifest.through)

    store.transact(swap)


def _postings(store: Store, account: int, segment: Id, head: Head) -> Iterator[Posting]:
    pairs = walk(store, *keyspace.SEARCH_BLOCK.range(account, segment), step=16)
    return read((data for _, data in pairs), head)


def _claim(store: Store, account: int, clock: Clock, there: Callable[[Manifest], bool]) -> Id:
    """Claims the manifest, if what was planned on is still `there`; from now on nobody else takes it away."""
    made = new_id()

    def claim(tx: Tx) -> None:
        manifest = MANIFESTS.find(tx, account) or Manifest()
        if tx.get(keyspace.SEARCH_FACTS.key(account, 0)) is None:
            raise Conflict("search.lost", "The account is gone")
        if manifest.building is not None and manifest.until > clock():
            raise Conflict("search.lost", "Somebody else is merging")
        if not there(manifest):
            raise Conflict("search.lost", "Somebody else was faster")
        MANIFESTS.put(tx, replace(manifest, building=made, until=clock() + LEASE), account)

    store.transact(claim)
    return made


def _held(tx: ReadTx, account: int, made: Id) -> Manifest:
    """The manifest, as long as it is ours to change; Conflict `search.lost`."""
    manifest = MANIFESTS.find(tx, account)
    if manifest is None or manifest.building != made:
        raise Conflict("search.lost", "Somebody else has taken over")
    return manifest


def _write(store: Store, account: int, made: Id, head: Head, postings: Iterable[Posting], clock: Clock) -> None:
    """Writes a segment that no manifest lists yet."""
    pairs: list[tuple[bytes, bytes]] = []
    writer = Writer()

    def some(tx: Tx) -> None:
        manifest = _held(tx, account, made)
        MANIFESTS.put(tx, replace(manifest, until=clock() + LEASE), account)
        for key, value in pairs:
            tx.put(key, value)

    try:
        for number, chunk in enumerate(writer.chunks(postings)):
            pairs.append((keyspace.SEARCH_BLOCK.key(account, made, number), chunk))
            if len(pairs) >= _WRITE:
                store.transact(some)
                pairs = []
    except Corrupt:
        with store.snapshot() as tx:
            _held(tx, account, made)  # who slept for longer than a claim may find what it reads swept away
        raise
    pairs.append((keyspace.SEARCH_HEAD.key(account, made), pack_head(writer.complete(head))))
    store.transact(some)


def _swap(tx: Tx, account: int, manifest: Manifest, segments: tuple[Segment, ...], through: int) -> None:
    changed = replace(manifest, segments=segments, through=through, building=None, until=0)
    MANIFESTS.put(tx, changed, account)


def sweep(store: Store, account: int) -> None:
    """Removes what counts no more: folded deltas, segments that no manifest lists."""
    while store.transact(lambda tx: _sweep_some(tx, account)):
        pass


def _sweep_some(tx: Tx, account: int) -> bool:
    manifest = MANIFESTS.find(tx, account)
    if manifest is None:
        return False
    delta = keyspace.SEARCH_DELTA
    start, _ = delta.range(account)
    old = [key for key, _ in tx.scan(start, delta.key(account, manifest.through), limit=_STEP)]
    if not old:
        listed = {segment.id for segment in manifest.segments} | {manifest.building}
        for space in (keyspace.SEARCH_BLOCK, keyspace.SEARCH_HEAD):
            old = _unlisted(tx, account, space, listed)
            if old:
                break
    for key in old:
        tx.delete(key)
    return bool(old)


def _unlisted(tx: Tx, account: int, space: keyspace.Space, listed: set[Id | None]) -> list[bytes]:
    """Some keys of a segment that is not listed."""
    start, stop = space.range(account)
    while (found := next(tx.scan(start, stop, limit=1), None)) is not None:
        segment = Id(space.parts(found[0])[1])
        first, last = space.range(account, segment)
        if segment not in listed:
            return [key for key, _ in tx.scan(first, last, limit=_STEP)]
        start = last
    return []
