"""Whom a stored message makes known to its account (WildDuck 3.9). Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

from mailkit.mailstore.records import Correspondent

__all__ = ["acquaintances"]

_MOST = 50
"""People taken of one message."""


def acquaintances(
    special_use: str | None, fields: Mapping[str, Any], *, automatic: bool, draft: bool
) -> list[tuple[str, str]]:
    """Names and addresses: of the senders, or in the Sent folder of the recipients. Nobody for spam, drafts, and what
    no person has written; nor anybody who takes no replies. `fields` are those of `mailstore.records.Message`."""
    if automatic or draft or special_use in ("\\Junk", "\\Drafts"):
        return []
    names = ("to", "cc", "bcc") if special_use == "\\Sent" else ("from_",)
    found = [person for name in names for person in _each(fields[name])]
    return [(person.name, person.address) for person in found if not _silent(person.address)][:_MOST]


def _each(people: tuple[Correspondent, ...]) -> Iterator[Correspondent]:
    for person in people:
        if person.members is None:
            yield person
        else:
            yield from _each(person.members)


def _silent(address: str) -> bool:
    local = address.rpartition("@")[0].lower()
    return not local or local.replace("-", "").startswith("noreply")
