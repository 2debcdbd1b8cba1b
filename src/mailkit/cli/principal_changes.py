"""Options of commands as what is to be made of a principal, and changed of one."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from mailkit.cli.fields import Field

if TYPE_CHECKING:
    from mailkit.accounts.edit import Change

__all__ = ["changes_of", "values_of"]


def values_of(fields: Iterable[Field], given: Mapping[str, Any]) -> dict[str, Any]:
    """What `NewPrincipal` takes, by name."""
    return {
        field.attribute: given[field.word] for field in fields if field.attribute and given.get(field.word) is not None
    }


def changes_of(fields: Iterable[Field], given: Mapping[str, Any]) -> "tuple[Change, ...]":
    """What `Editor` takes: of each field what is set, then what goes, then what comes."""
    from mailkit.accounts.edit import Change

    found: list[Change] = []
    for field in fields:
        if not field.change:
            continue
        chosen = given.get(field.word)
        if not field.many:
            found += [] if chosen is None else [Change("set", field.change, chosen)]
            continue
        if chosen:
            found.append(Change("set", field.change, tuple(text for text in chosen if text)))
        found += [Change("removeItem", field.change, text) for text in given.get(f"remove_{field.word}") or ()]
        found += [Change("addItem", field.change, text) for text in given.get(f"add_{field.word}") or ()]
    return tuple(found)
