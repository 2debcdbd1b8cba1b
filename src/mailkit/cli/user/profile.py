"""What only people's accounts have, as options."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from mailkit.cli.fields import Field, field_options, new_list
from mailkit.cli.values import DURATION, JSON, LIMIT, QUOTA, TARGET

if TYPE_CHECKING:
    from mailkit.principals.records import Profile

__all__ = ["LISTS", "profile_options", "profile_values", "targets_of"]

F = TypeVar("F", bound=Callable[..., Any])

_TARGET: Final = Field(
    "target", "targets", "Where mail is sent on to: an address, smtp://..., https://...", metavar="TARGET", type=TARGET
)
_TAG: Final = Field("tag", "tags", "A label.", metavar="TAG")
_SENDER: Final = Field("sender", "senders", "A further address to send from, * allowed.", metavar="ADDRESS")
_SCOPE: Final = Field("disabled-scope", "disabled_scopes", "A protocol that is switched off: imap, pop3 or smtp.",
                      metavar="SCOPE", type=click.Choice(("imap", "pop3", "smtp", "")))  # fmt: skip

LISTS: Final = (_TARGET, _TAG, _SENDER, _SCOPE)


def profile_options(*, editing: bool) -> Callable[[F], F]:
    """The options, in their order."""
    what: tuple[Any, ...] = (
        click.option(
            "--quota", metavar="SIZE", type=QUOTA,
            help="Bytes, as in 10GiB; 'unlimited'; or 'default': the setting quota.default.",
        ),
        click.option(
            "--limit", "limits", metavar="NAME=N", type=LIMIT, multiple=True,
            help="A limit of its own, as in recipients=500; 0: the server's. Repeatable.",
        ),
        click.option("--language", metavar="CODE", help="Language of folder names."),
        click.option("--retention", metavar="DURATION", type=DURATION, help="How long mail is kept; 0: for ever."),
        click.option("--spam-level", type=click.IntRange(0, 100), metavar="N", help="0: all is spam; 100: nothing is."),
        field_options(LISTS, editing=editing),
        click.option("--keep-sent/--no-keep-sent", default=None, help="Keep a copy of what is sent over SMTP."),
        click.option("--index/--no-index", default=None, help="The feature flag 'indexing'."),
        click.option(
            "--public-key", metavar="FILE", type=click.Path(exists=True, dir_okay=False, path_type=Path),
            help="OpenPGP key, armored.",
        ),
        click.option("--meta", metavar="JSON", type=JSON, help="An object of your own, kept with it."),
        click.option("--internal", metavar="JSON", type=JSON, help="The same, for administrators' eyes."),
    )  # fmt: skip

    def add(command: F) -> F:
        for option in reversed(what):
            command = option(command)
        return command

    return add


def profile_values(given: Mapping[str, Any], before: "Profile") -> dict[str, Any]:
    """What was said, by the names of `Profile`; limits aside."""
    from mailkit.principals.normalise import normal_senders
    from mailkit.principals.tags import normal_tags

    tags = new_list(_TAG, given, before.tags)
    senders = new_list(_SENDER, given, before.from_whitelist)
    values = {
        "language": given["language"],
        "retention": given["retention"],
        "spam_level": given["spam_level"],
        "tags": None if tags is None else normal_tags(tags),
        "from_whitelist": None if senders is None else normal_senders(senders),
        "disabled_scopes": new_list(_SCOPE, given, before.disabled_scopes),
        "upload_sent": given["keep_sent"],
        "flags": None if given["index"] is None else {**before.flags, "indexing": given["index"]},
        "public_key": None if given["public_key"] is None else _key(given["public_key"]),
        "meta": given["meta"],
        "internal": given["internal"],
    }
    return {name: value for name, value in values.items() if value is not None}


def targets_of(given: Mapping[str, Any], before: tuple[str, ...]) -> tuple[str, ...] | None:
    """Forwarding targets; None when nothing was said of them."""
    return new_list(_TARGET, given, before)


def _key(file: Path) -> str:
    from mailkit.accounts.publickey import read_key

    text = file.read_text("utf-8", "replace")
    if text.strip():
        read_key(text)
    return text.strip() and text
