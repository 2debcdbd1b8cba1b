"""Which journal entries may go.

The law: an entry lives for `least`, then until every registered reader has passed it, but never beyond `most`.
Entries are looked at in order of position and go only as an unbroken run from the oldest one.
"""

from collections.abc import Iterable

from attrs import field, frozen, validators

__all__ = ["DEFAULT_RETENTION", "Retention", "removable_through"]

_HOUR = 3_600_000


@frozen
class Retention:
    """How long entries live, in milliseconds: all of them at least `least`, none (once trimmed) beyond `most`."""

    least: int = field(default=3 * _HOUR, validator=validators.ge(0))
    most: int = field(default=7 * 24 * _HOUR)

    @most.validator
    def _not_below_least(self, _: object, value: int) -> None:
        if value < self.least:
            raise ValueError("the journal's longest retention is shorter than its shortest")


DEFAULT_RETENTION = Retention()


def removable_through(
    entries: Iterable[tuple[int, int]], *, now: int, passed: int | None, retention: Retention
) -> int | None:
    """The position through which entries may be removed, or None when all of them stay.

    `entries` are (position, time) from the oldest on; `passed` is the position of the slowest reader, None when there
    is no reader. An entry stamped in the future (the clock was set back since) is as old as its successor: its own
    word would block the journal until then.
    """
    through = None
    for position, at in entries:
        if at > now:
            continue
        age = now - at
        read_by_all = passed is None or position <= passed
        if age > retention.most or (age > retention.least and read_by_all):
            through = position
        else:
            break
    return through
