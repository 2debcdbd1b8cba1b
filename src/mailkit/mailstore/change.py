"""Messages that change, leave, or go to another mailbox: one transaction's worth, at most `STEP` messages.

Each function does its part and can be repeated: what was killed in between two steps goes on with the rest, for a
message that has left is found no more, and a flag that is set is not set again.
"""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from attrs import frozen
from msgspec.structs import replace

from mailkit import journal
from mailkit.ids import new_id
from mailkit.mailstore import events
from mailkit.mailstore import follower as told_of
from mailkit.mailstore.append import segments_of
from mailkit.mailstore.archiving import Archiver
from mailkit.mailstore.dispose import Cause
from mailkit.mailstore.flags import Change, changed
from mailkit.mailstore.follower import Follower
from mailkit.mailstore.place import Place
from mailkit.mailstore.prepare import Ready
from mailkit.mailstore.records import BlobRef, Mailbox, Message, State
from mailkit.mailstore.select import Found
from mailkit.mailstore.tables import MESSAGES
from mailkit.quota import QuotaService
from mailkit.storage.api import Tx
from mailkit.storage.blobs import Blobs

__all__ = ["STEP", "Forms", "Moved", "copy", "move", "remove", "renumber", "update"]

STEP = 500
"""Messages that one transaction changes at most: it holds up every other writer."""


Forms = Mapping[int, Ready]
"""By UID, what messages become on their way: encrypted."""

NO_FORMS: Final[Forms] = MappingProxyType({})


@frozen
class Moved:
    """Where a message went: its UID in the old and in the new mailbox."""

    old: int
    new: int


def update(
    account: int, box: Mailbox, found: Sequence[Found], change: Change, *, now: int, follower: Follower, tx: Tx
) -> Mailbox:
    """Changes flags, expiry and metadata. A message that is so already keeps its modseq (RFC 7162 3.1)."""
    place = Place.of(account, box)
    entries = []
    for uid, row, state in found:
        new = changed(state, change)
        meta = row.meta if change.meta is None else change.meta
        if new == state and meta == row.meta:
            continue
        if meta != row.meta:
            row = replace(row, meta=meta)
            MESSAGES.put(tx, row, account, box.id, uid)
        stored = place.alter(uid, state, new, tx)
        if (stored.flags, stored.keywords) != (state.flags, state.keywords):
            follower.changed(tx, told_of.Flagged(account, box.id, uid, stored))
        entries.append(events.message_changed(account, box, uid, row, state, stored, now=now))
    if not entries:
        return box
    journal.add(tx, *entries)
    return place.save(tx)


def remove(
    account: int,
    box: Mailbox,
    found: Sequence[Found],
    *,
    archiver: Archiver,
    cause: Cause,
    skip: bool = False,
    quota: QuotaService,
    now: int,
    follower: Follower,
    tx: Tx,
) -> Mailbox:
    """Removes messages, to the archive or for good (`dispose` decides); their share of the quota is given back."""
    if not found:
        return box
    place = Place.of(account, box)
    for uid, row, state in found:
        place.leave(uid, row, state, tx)
        follower.changed(tx, told_of.Removed(account, box.id, uid))
    quota.credit(tx, account, sum(row.size for _, row, _ in found))
    archiver.dispose(account, box, found, cause=cause, skip=skip, now=now, tx=tx)
    journal.add(tx, *(events.removed(account, box, uid, row, now=now) for uid, row, _ in found))
    return place.save(tx)


def move(
    account: int,
    source: Mailbox,
    target: Mailbox,
    found: Sequence[Found],
    change: Change,
    *,
    forms: Forms = NO_FORMS,
    blobs: Blobs,
    quota: QuotaService,
    now: int,
    follower: Follower,
    tx: Tx,
) -> list[Moved]:
    """Takes messages to `target`, where they get new UIDs in the order of the old ones, and applies `change` there.

    Bytes and references stay as they are, and so does the quota, but for messages that have a new form: they are the
    same messages with other bytes, and the difference is charged; OverQuota. The source may be the target.
    """
    if not found:
        return []
    _charge_difference(account, found, forms, quota, tx)
    old_place = Place.of(account, source)
    new_place = old_place if target.id == source.id else Place.of(account, target)
    junk = events.crossing(source, target)
    moved, gone, come, told = [], [], [], []
    for uid, row, state in found:
        old_place.leave(uid, row, state, tx)
        gone.append(events.removed(account, source, uid, row, now=now))
        row, after = _arriving(row, state, target, change, now)
        form = forms.get(uid)
        if form is None:
            new = new_place.enter(row, after, tx)
            follower.changed(tx, told_of.Moved(account, source.id, uid, target.id, new))
            if (after.flags, after.keywords) != (state.flags, state.keywords):
                follower.changed(tx, told_of.Flagged(account, target.id, new, after))
        else:
            old, row = row, _in_form(row, form, blobs, tx)
            for digest in _digests(old):
                blobs.release(tx, digest)
            new = new_place.enter(row, after, tx)
            follower.changed(tx, told_of.Removed(account, source.id, uid))
            follower.changed(tx, told_of.Added(account, target.id, new, row, after, form.described))
        come.append(events.added(account, target, new, row, now=now, junk=junk))
        if junk:
            told.append(events.marked(account, target, new, row, junk, now=now))
        moved.append(Moved(uid, new))
    journal.add(tx, *gone, *come, *told)
    old_place.save(tx)
    if new_place is not old_place:
        new_place.save(tx)
    return moved


def copy(
    account: int,
    source: Mailbox,
    target: Mailbox,
    found: Sequence[Found],
    *,
    forms: Forms = NO_FORMS,
    blobs: Blobs,
    quota: QuotaService,
    now: int,
    follower: Follower,
    tx: Tx,
) -> list[Moved]:
    """Puts the same messages into `target` as well, those that have a new form in it, charged like any other;
    OverQuota: nothing was copied."""
    if not found:
        return []
    quota.charge(tx, account, sum(forms[uid].size if uid in forms else row.size for uid, row, _ in found))
    place = Place.of(account, target)
    junk = events.crossing(source, target)
    copies, entries = [], []
    for uid, row, state in found:
        form = forms.get(uid)
        if form is None:
            for digest in _digests(row):
                blobs.hold_again(tx, digest)
        else:
            row = _in_form(row, form, blobs, tx)
        row, state = _arriving(replace(row, id=new_id(now)), state, target, Change(), now)
        new = place.enter(row, state, tx)
        described = None if form is None else form.described
        follower.changed(tx, told_of.Added(account, target.id, new, row, state, described))
        entries.append(events.added(account, target, new, row, now=now, junk=junk))
        if junk:
            entries.append(events.marked(account, target, new, row, junk, now=now))
        copies.append(Moved(uid, new))
    journal.add(tx, *entries)
    place.save(tx)
    return copies


def renumber(account: int, box: Mailbox, found: Sequence[Found], *, now: int, follower: Follower, tx: Tx) -> Mailbox:
    """Gives messages new UIDs in their mailbox, in the order of the old ones; all else stays."""
    if not found:
        return box
    place = Place.of(account, box)
    gone, come = [], []
    for uid, row, state in found:
        place.leave(uid, row, state, tx)
        gone.append(events.removed(account, box, uid, row, now=now))
        new = place.enter(row, state, tx)
        come.append(events.added(account, box, new, row, now=now))
        follower.changed(tx, told_of.Moved(account, box.id, uid, box.id, new))
    journal.add(tx, *gone, *come)
    return place.save(tx)


def _in_form(row: Message, form: Ready, blobs: Blobs, tx: Tx) -> Message:
    """The same message with the bytes of `form`; Conflict `blob.gone`."""
    return replace(row, size=form.size, segments=segments_of(form, blobs, tx), **form.fields)


def _charge_difference(account: int, found: Sequence[Found], forms: Forms, quota: QuotaService, tx: Tx) -> None:
    more = sum(forms[uid].size - row.size for uid, row, _ in found if uid in forms)
    if more > 0:
        quota.charge(tx, account, more)
    elif more < 0:
        quota.credit(tx, account, -more)


def _arriving(row: Message, state: State, target: Mailbox, change: Change, now: int) -> tuple[Message, State]:
    """What a message is in the mailbox it comes into: its retention counts from now, whatever was said before."""
    kept = replace(state, expires=now + target.retention if target.retention else 0, chosen=False)
    return (row if change.meta is None else replace(row, meta=change.meta)), changed(kept, change)


def _digests(row: Message) -> Iterable[bytes]:
    return (segment.digest for segment in row.segments if isinstance(segment, BlobRef))
