"""The DNS Tree Walk (RFC 9989 section 4.10): where DMARC records are, and which domain is the organizational one.

Several walks go side by side: each round asks for the next name of every walk that goes on, once per name.
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import TypeAlias

from mailkit.mailauth.dmarc.record import DmarcRecord, parse_record
from mailkit.mailauth.lookup import Answer, Lookup, Query

__all__ = ["Known", "organizational_domain", "record_in", "targets", "walk"]

Known: TypeAlias = dict[str, Answer]
"""The answers so far, by domain (without `_dmarc.`)."""

MAX_LABELS = 8


@lru_cache(maxsize=4096)
def targets(domain: str) -> tuple[str, ...]:
    """The domains to ask in order, eight at most (steps 1, 3, 4 and 7)."""
    labels = domain.split(".")
    first = len(labels) - 7 if len(labels) >= MAX_LABELS else 1
    return (domain, *(".".join(labels[i:]) for i in range(max(1, first), len(labels))))


def record_in(answer: Answer) -> DmarcRecord | None:
    """The DMARC record of one name; several are all discarded (step 2)."""
    found = [record for text in answer.records if (record := parse_record(text)) is not None]
    return found[0] if len(found) == 1 else None


def walk(domains: Iterable[str], known: Known) -> Lookup[None]:
    """Put every answer that the walks from `domains` need into `known`."""
    open_walks = [list(reversed(targets(domain))) for domain in dict.fromkeys(domains)]
    while open_walks:
        asked: dict[str, None] = {}
        for remaining in open_walks:
            while remaining and remaining[-1] in known:
                answer = known[remaining.pop()]
                record = record_in(answer) if answer.records else None
                if answer.status == "temporary" or (record is not None and record.psd != "u"):
                    remaining.clear()
            if remaining:
                asked[remaining[-1]] = None
        open_walks = [remaining for remaining in open_walks if remaining]
        if asked:
            answers = yield tuple([Query(f"_dmarc.{name}", "TXT") for name in asked])
            known.update(zip(asked, answers, strict=True))


def organizational_domain(domain: str, known: Known) -> str | None:
    """The organizational domain after `walk` (section 4.10.2); None when a transient failure hides it."""
    found = domain
    for name in targets(domain):
        answer = known[name]
        if answer.status == "temporary":
            return None
        record = record_in(answer) if answer.records else None
        if record is not None:
            if record.psd == "n":
                return name
            if record.psd == "y":  # one label below the public suffix domain, unless the walk began there
                return domain if name == domain else f"{domain.removesuffix('.' + name).rpartition('.')[2]}.{name}"
            found = name
    return found
