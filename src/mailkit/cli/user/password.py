"""Passwords as options: where they come from, and what may be one."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from mailkit.errors import Denied

if TYPE_CHECKING:
    from mailkit.kit import MailKit

__all__ = ["password_options", "ready_password"]

F = TypeVar("F", bound=Callable[..., Any])


def password_options(command: F) -> F:
    """`--password`, `--hashed`, `--refuse-known`."""
    for option in (
        click.option("--refuse-known", is_flag=True, help="Refuse a password that is common or known to be stolen."),
        click.option("--hashed", is_flag=True, help="The password is a ready hash, of any common scheme."),
        click.option("--password", metavar="TEXT", help="Others here can read it from the list of processes: better "
                     "left out; it is then asked for, or read from standard input."),
    ):  # fmt: skip
        command = option(command)
    return command


def ready_password(kit: "MailKit", text: str, *, hashed: bool, refuse_known: bool) -> str:
    """The hash to store. Invalid for a hash of no known scheme and a password that cannot be one; Denied
    `password.insecure`. Slow."""
    from mailkit.credentials.arrival import hashed as normal_hash

    if hashed:
        return normal_hash(text, schemes=kit.credentials.schemes)
    if refuse_known and kit.known_password(text):
        raise Denied("password.insecure", "The password is one that is known to be used by others")
    return kit.credentials.hash(text)
