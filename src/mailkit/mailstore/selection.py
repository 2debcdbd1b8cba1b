"""Which messages are meant: UIDs as ranges. Pure."""

import re
from collections.abc import Iterable

from attrs import frozen

from mailkit.errors import Invalid

__all__ = ["LAST", "MOST_IDS", "Selection", "parse_selection"]

LAST = (1 << 32) - 1
"""The highest UID there can be (RFC 3501 2.3.1.1)."""

_LIST = re.compile(r"\d{1,10}(?:,\d{1,10})*+", re.ASCII)
_RANGE = re.compile(r"(\d{1,10}):(\d{1,10}|\*)", re.ASCII)
MOST_IDS = 10_000
"""Ids in one list. A range may have any number."""


@frozen
class Selection:
    """UIDs as ascending, disjoint ranges; both ends belong to them. UIDs of no message are passed over."""

    ranges: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, uids: Iterable[int]) -> "Selection":
        """These UIDs, each once."""
        ranges: list[tuple[int, int]] = []
        for uid in sorted(set(uids)):
            if ranges and ranges[-1][1] == uid - 1:
                ranges[-1] = (ranges[-1][0], uid)
            else:
                ranges.append((uid, uid))
        return cls(tuple(ranges))

    def beyond(self, uid: int) -> "Selection":
        """What of it lies above `uid`."""
        return Selection(tuple((max(low, uid + 1), high) for low, high in self.ranges if high > uid))

    def up_to(self, uid: int) -> "Selection":
        """What of it lies at or below `uid`."""
        return Selection(tuple((low, min(high, uid)) for low, high in self.ranges if low <= uid))


def parse_selection(text: str, field: str = "message") -> Selection:
    """`7`, `1,5,9`, `3:10`, `10:3` or `3:*`; Invalid naming `field` for anything else (WildDuck 2.5, PUT messages)."""
    found = _RANGE.fullmatch(text)
    if found is not None:
        first, last = int(found[1]), LAST if found[2] == "*" else int(found[2])
        ends = (min(first, last), max(first, last))
    elif _LIST.fullmatch(text):
        if text.count(",") >= MOST_IDS:
            raise Invalid.field(field, f'"{field}" must not have more than {MOST_IDS} ids', kind="max")
        uids = [int(uid) for uid in text.split(",")]
        if min(uids) > 0 and max(uids) <= LAST:
            return Selection.of(uids)
        ends = (0, 0)
    else:
        raise Invalid.field(field, f'"{field}" must be a message id, a list (1,5,9) or a range (3:10, 3:*)')
    if not 0 < ends[0] <= ends[1] <= LAST:
        raise Invalid.field(field, f'"{field}" has an id that no message can have')
    return Selection((ends,))
