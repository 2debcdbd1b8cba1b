"""Until when a message is kept, and why: live or archived. Pure.

until   when it leaves where it is: a live message its mailbox, an archived one the archive. None: nobody takes it away
gone    when it is gone for good. None: not in sight

    live      min(its expiry, the purge of a deleted account), but not before the last hold on it ends
    archived  min(the end of its time in the archive, the purge of a deleted account), but not before the last hold ends

The archive's limit in bytes is not a time: it may take the oldest earlier.
"""

from collections.abc import Iterable, Sequence
from typing import Literal

from attrs import frozen

from mailkit.mailstore.records import Hold

__all__ = ["Kept", "Reason", "Word", "retain_archived", "retain_live"]

Word = Literal["message.expiry", "mailbox.retention", "account.retention", "archive", "account.deleted", "hold"]


@frozen
class Reason:
    """One thing that has a say, and the time that it names, UTC milliseconds; None: no end."""

    word: Word
    until: int | None
    text: str


@frozen
class Kept:
    """See the module. `reasons` are all that have a say, those that end it first; without any it is kept for ever."""

    until: int | None
    gone: int | None
    reasons: tuple[Reason, ...]


def retain_live(
    *,
    expires: int,
    chosen: bool,
    draft: bool,
    mailbox_retention: int,
    account_retention: int,
    keep: int,
    holds: Sequence[Hold],
    account_ends: int | None,
) -> Kept:
    """A message in a mailbox. `expires` and `chosen` are its state's, the retentions and `keep` (the archive's) ms;
    `holds` are those that cover it now, `account_ends` is when the data of its deleted account goes."""
    reasons: list[Reason] = []
    if expires:
        reasons.append(_expiry(expires, chosen, mailbox_retention, account_retention))
    reasons += _ending(account_ends)
    leaves = _least(reason.until for reason in reasons)
    reasons += _held(holds)
    until = _not_before(leaves, holds)
    gone = _not_before(account_ends, holds)
    if expires and leaves == expires and until is not None:
        archived = until + (0 if draft else keep)
        gone = archived if gone is None else min(archived, gone)
    return Kept(until, gone, tuple(reasons))


def retain_archived(*, until: int, holds: Sequence[Hold], account_ends: int | None) -> Kept:
    """A message in the archive; `until` is when its time there is over."""
    reasons = [Reason("archive", until, "its time in the archive is over"), *_ending(account_ends)]
    leaves = _least(reason.until for reason in reasons)
    gone = _not_before(leaves, holds)
    return Kept(gone, gone, (*reasons, *_held(holds)))


def _expiry(expires: int, chosen: bool, mailbox: int, account: int) -> Reason:
    if chosen:
        return Reason("message.expiry", expires, "it was to be removed then")
    if mailbox and mailbox == account:
        return Reason("account.retention", expires, "the account keeps mail that long, and the mailbox does as it says")
    return Reason("mailbox.retention", expires, "its mailbox kept mail that long when it came in")


def _ending(account_ends: int | None) -> list[Reason]:
    if account_ends is None:
        return []
    return [Reason("account.deleted", account_ends, "the account is deleted, and its data goes then")]


def _held(holds: Iterable[Hold]) -> list[Reason]:
    return [Reason("hold", hold.until, f"{hold.by} holds it: {hold.reason}") for hold in holds]


def _least(times: Iterable[int | None]) -> int | None:
    return min((time for time in times if time is not None), default=None)


def _not_before(when: int | None, holds: Iterable[Hold]) -> int | None:
    """A time put off to the end of the last hold."""
    for hold in holds:
        if when is None or hold.until is None:
            return None
        when = max(when, hold.until)
    return when
