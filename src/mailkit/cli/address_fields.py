"""What is kept of an address beside its text, as options."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import click

from mailkit.cli.fields import Field, field_options, new_list
from mailkit.cli.values import JSON

if TYPE_CHECKING:
    from mailkit.accounts.addressing import Details

__all__ = ["address_options", "details_of", "values_of"]

F = TypeVar("F", bound=Callable[..., Any])

_TAG = Field("tag", "tags", "A label for it.", metavar="TAG")


def address_options(*, editing: bool) -> Callable[[F], F]:
    """`--name`, `--tag`, `--meta`, `--internal`."""

    def add(command: F) -> F:
        for option in (
            click.option("--internal", metavar="JSON", type=JSON, help="The same, for administrators' eyes."),
            click.option("--meta", metavar="JSON", type=JSON, help="An object of your own, kept with it."),
            field_options([_TAG], editing=editing),
            click.option("--name", metavar="TEXT", help="The owner's name, for this address."),
        ):
            command = option(command)
        return command

    return add


def values_of(given: Mapping[str, Any], tags: tuple[str, ...]) -> dict[str, Any]:
    """What was said, by the record's names; `tags` are those it has."""
    from mailkit.principals.tags import normal_tags

    chosen = new_list(_TAG, given, tags)
    values = {
        "name": given["name"],
        "tags": None if chosen is None else normal_tags(chosen),
        "meta": given["meta"],
        "internal": given["internal"],
    }
    return {name: value for name, value in values.items() if value is not None}


def details_of(given: Mapping[str, Any]) -> "Details":
    """The same for a new address."""
    from mailkit.accounts.addressing import Details

    return Details(**values_of(given, ()))
