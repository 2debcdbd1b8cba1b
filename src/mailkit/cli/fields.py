"""Fields of principals as options: `--member`, and where something is edited `--add-member` and `--remove-member`."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeVar

import click
from attrs import evolve, frozen

from mailkit.cli import values

__all__ = [
    "ADDRESS", "CONTACT", "DENIED", "DISPLAY", "EXTERNAL", "FIELDS", "GROUP", "LIST", "MEMBER", "PERMISSION", "PICTURE",
    "REDIRECT", "ROLE", "TENANT", "Field", "field_options", "new_list",
]  # fmt: skip

F = TypeVar("F", bound=Callable[..., Any])


@frozen
class Field:
    """A field of a principal."""

    option: str
    """`member`: the option, without dashes before it."""
    key: str
    """Its name in JSON."""
    help: str
    change: str = ""
    """Its name among the changes of `accounts.edit`; empty where it is changed otherwise."""
    attribute: str = ""
    """Its name in `NewPrincipal`."""
    metavar: str = "NAME"
    many: bool = True
    type: Any = str
    fixed: bool = False
    """It is given once, when the principal is made."""

    @property
    def word(self) -> str:
        """The option as a Python name."""
        return self.option.replace("-", "_")


DISPLAY: Final = Field(
    "display", "display", "What it is, for people.", "description", "display", metavar="TEXT", many=False
)
ADDRESS: Final = Field(
    "address", "addresses", "An address; the first one is the main one.", "emails", "emails", metavar="ADDRESS"
)
CONTACT: Final = Field(
    "contact", "contacts", "An address of whoever runs it; no mail comes to it here.", "emails", "emails",
    metavar="ADDRESS",
)  # fmt: skip
MEMBER: Final = Field("member", "members", "Who or what belongs to it.", "members", "members")
GROUP: Final = Field("group", "groups", "A group it belongs to.", "memberOf", "member_of")
LIST: Final = Field("list", "lists", "A mailing list it belongs to.", "lists", "lists")
ROLE: Final = Field("role", "roles", "A role, built-in or your own.", "roles", "roles")
TENANT: Final = Field("tenant", "tenant", "The tenant it belongs to.", "tenant", "tenant", many=False)
PERMISSION: Final = Field(
    "permission", "permissions", "A permission beyond those of its roles.", "enabledPermissions", "enabled"
)
DENIED: Final = Field("denied", "denied", "A permission that no role can give it.", "disabledPermissions", "disabled")
PICTURE: Final = Field("picture", "picture", "A picture's URL.", "picture", "picture", metavar="URL", many=False)
REDIRECT: Final = Field(
    "redirect", "redirects", "A URL that logged-in users may be sent back to.", "urls", "urls", metavar="URL"
)
EXTERNAL: Final = Field(
    "external",
    "external",
    "An address elsewhere that it sends to.",
    "externalMembers",
    "external",
    metavar="ADDRESS",
    type=values.EXTERNAL,
)

FIELDS: Final[Mapping[str, tuple[Field, ...]]] = {
    "individual": (
        evolve(DISPLAY, help="The person's name."),
        ADDRESS,
        ROLE,
        GROUP,
        LIST,
        TENANT,
        PERMISSION,
        DENIED,
        PICTURE,
    ),
    "group": (DISPLAY, ADDRESS, MEMBER, GROUP, LIST, TENANT, PERMISSION, DENIED),
    "list": (DISPLAY, ADDRESS, MEMBER, EXTERNAL, TENANT),
    "domain": (DISPLAY, TENANT),
    "tenant": (DISPLAY, ROLE, PERMISSION, DENIED),
    "role": (DISPLAY, ROLE, MEMBER, PERMISSION, DENIED, TENANT),
    "apiKey": (DISPLAY, evolve(ROLE, fixed=True), PERMISSION, DENIED, TENANT),
    "oauthClient": (DISPLAY, REDIRECT, CONTACT, PICTURE, TENANT),
    "resource": (DISPLAY, ADDRESS, MEMBER, TENANT),
    "location": (DISPLAY, ADDRESS, MEMBER, TENANT),
    "other": (DISPLAY, ADDRESS, GROUP, TENANT),
}
"""The fields that each kind of principal has (Stalwart 3.2), quotas aside."""


def field_options(fields: Iterable[Field], *, editing: bool) -> Callable[[F], F]:
    """The options of some fields, in their order."""

    def add(command: F) -> F:
        for field in reversed([field for field in fields if not (editing and field.fixed)]):
            for option in reversed(_options(field, editing)):
                command = option(command)
        return command

    return add


def _options(field: Field, editing: bool) -> list[Callable[[F], F]]:
    how: dict[str, Any] = {"metavar": field.metavar, "type": field.type}
    if not field.many:
        said = f"{field.help} Empty for none." if editing else field.help
        return [click.option(f"--{field.option}", help=said, **how)]
    how["multiple"] = True
    if not editing:
        return [click.option(f"--{field.option}", help=f"{field.help} Repeatable.", **how)]
    return [
        click.option(f"--{field.option}", help=f"{field.help} These and no others; empty for none.", **how),
        click.option(f"--add-{field.option}", help="One more.", **how),
        click.option(f"--remove-{field.option}", help="This one no more.", **how),
    ]


def new_list(field: Field, given: Mapping[str, Any], before: Iterable[Any]) -> tuple[Any, ...] | None:
    """What becomes of a list by the options `given`; None when none of them is about it."""
    chosen, more, less = (given.get(f"{how}{field.word}") or () for how in ("", "add_", "remove_"))
    if not (chosen or more or less):
        return None
    start = [each for each in chosen if each != ""] if chosen else list(before)
    return tuple(dict.fromkeys([*(each for each in start if each not in less), *more]))
