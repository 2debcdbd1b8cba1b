"""Date and time (RFC 5322 3.3 with the obsolete forms of 4.3), and the forms that other programs write.

Tolerated: comments, missing seconds, zone or weekday, month numbers, two- and three-digit years, named and broken
zones, ctime's order, ISO 8601, 12-hour clocks, what a Received field has before its ";".
"""

import re
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache

from mailkit.mime.comments import without_comments

__all__ = ["parse_date"]

# Longer than any date with its comments; bounds the work on hostile fields.
_LIMIT = 2_000

_TIME = r"(\d{1,2})[ :.](\d{1,2})(?!\d)(?:[ :.](\d{1,2})(?!\d)(?:[.,]\d+)?)?(?: ?([AaPp])\.?[Mm]\b\.?)?"
_ZONE = r"(?:[ ,]*((?:[A-Za-z]{1,9} ?)?[+-] ?\d{1,2}:?\d{0,2}(?!\d)|\d{1,4}(?!\d)|[A-Za-z][A-Za-z0-9]*))?"
_YEAR = r"(\d{2,4})"
_DAY_FIRST = re.compile(
    r"(?:[^\W\d_]+\.?,? ?)??(\d{1,2})(?:st|nd|rd|th)?[ .,/-]+([A-Za-z]{3,}|\d{1,2})[ .,/-]+" + _YEAR + r"[ ,T]+"
    + _TIME + _ZONE
)  # fmt: skip
_MONTH_FIRST = re.compile(
    r"(?:[A-Za-z]+\.?,? )?([A-Za-z]{3,})\.? (\d{1,2})(?:st|nd|rd|th)?,? (?:" + _YEAR + r",? )?" + _TIME + _ZONE
    + r"(?: " + _YEAR + r")?(?: ([+-]\d{4})(?!\d))?"
)  # fmt: skip
_YEAR_FIRST = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})[Tt ]+" + _TIME + _ZONE)
_OFFSET = re.compile(r"(?:[A-Za-z]+ ?)?([+-]?) ?(\d{1,2}):?(\d{2})?|[+-]?(\d{1,2})")

_MONTHS = {
    "jan": 1, "feb": 2, "mar": 3, "apr": 4, "may": 5, "jun": 6, "jul": 7, "aug": 8, "sep": 9,
    "oct": 10, "nov": 11, "dec": 12,
}  # fmt: skip
# RFC 5322 4.3 names the American zones; the others are common and unambiguous enough. Military letters and unknown
# names count as -0000 (same section).
_ZONES = {
    "EST": -300, "EDT": -240, "CST": -360, "CDT": -300, "MST": -420, "MDT": -360, "PST": -480, "PDT": -420,
    "AKST": -540, "AKDT": -480, "HST": -600, "AST": -240, "ADT": -180, "NST": -210, "NDT": -150,
    "WET": 0, "WEST": 60, "BST": 60, "CET": 60, "MET": 60, "MEZ": 60, "CEST": 120, "MEST": 120, "MESZ": 120,
    "EET": 120, "EEST": 180, "MSK": 180, "MSD": 240, "JST": 540, "KST": 540, "HKT": 480, "SGT": 480,
    "AEST": 600, "AEDT": 660, "NZST": 720, "NZDT": 780,
}  # fmt: skip


def parse_date(text: str) -> datetime | None:
    """The point in time that `text` names, with its own zone; None if it names none. Never raises.

    A missing or unknown zone counts as UTC (RFC 5322 4.3).
    """
    text = " ".join(without_comments(text[-_LIMIT:].rpartition(";")[2]).split()).strip(" _,")
    found = _DAY_FIRST.match(text)
    if found:
        day, month, year, *clock = found.groups()
        return _moment(year, month, day, clock)
    found = _YEAR_FIRST.match(text)
    if found:
        year, month, day, *clock = found.groups()
        return _moment(year, month, day, clock)
    found = _MONTH_FIRST.match(text)
    if found:
        month, day, year, hour, minute, second, half, zone, late_year, late_zone = found.groups()
        if year is None and late_year is None and zone is not None and len(zone) == 4 and zone.isdecimal():
            zone, late_year = None, zone
        return _moment(year or late_year, month, day, [hour, minute, second, half, zone or late_zone])
    return None


def _moment(year: str | None, month: str, day: str, clock: list[str | None]) -> datetime | None:
    hour, minute, second, half, zone = clock
    number = int(month) if month.isdecimal() else _MONTHS.get(month[:3].lower(), 0)
    if not number or year is None or hour is None or minute is None:
        return None
    years = int(year)
    if len(year) == 2:  # RFC 5322 4.3
        years += 2000 if years < 50 else 1900
    elif len(year) == 3:
        years += 1900
    hours = int(hour)
    if half:
        hours = hours % 12 + (12 if half in "pP" else 0)
    leap = 1 if second == "60" else 0
    try:
        moment = datetime(years, number, int(day), hours, int(minute), int(second or 0) - leap, tzinfo=_zone(zone))
        moment.astimezone(UTC)  # a zone may push the first or last hours of the calendar out of it
    except (ValueError, OverflowError):
        return None
    return moment


@lru_cache(maxsize=256)
def _zone(zone: str | None) -> timezone:
    if not zone:
        return UTC
    minutes = _ZONES.get(zone.upper()[:4].strip() if not zone[3:4].isdecimal() else zone.upper()[:3])
    if minutes is None:
        offset = _OFFSET.fullmatch(zone.strip())
        if not offset:
            return UTC
        if offset[4] or offset[3] is None:
            # "+2" means hours; a bare "4" can only be read as the end of "0004".
            value = int(offset[4] or offset[2])
            minutes = value * 60 if "+" in zone or "-" in zone else value
        else:
            minutes = int(offset[2]) * 60 + int(offset[3])
        minutes = -minutes if "-" in zone else minutes
    return timezone(timedelta(minutes=minutes)) if minutes and abs(minutes) < 24 * 60 else UTC
