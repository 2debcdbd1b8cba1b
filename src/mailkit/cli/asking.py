"""What is asked of the person at the terminal: secrets, and whether it is meant."""

import sys
from collections.abc import Callable
from typing import Any, TypeVar

import click

from mailkit.cli.printable import is_text

__all__ = ["secret", "sure", "yes_option"]

F = TypeVar("F", bound=Callable[..., Any])


def secret(prompt: str, given: str | None = None, *, confirm: bool = True) -> str:
    """A secret: the one `given`, else a line of standard input or, on a terminal, asked for without echo; twice with
    `confirm`."""
    if given is not None:
        return given
    if not sys.stdin.isatty():
        try:
            line = sys.stdin.readline().rstrip("\r\n")
        except UnicodeDecodeError:  # some locales are strict with it, others keep the bytes
            line = "\udc80"
        if not line:
            raise click.UsageError(f"{prompt}: standard input is empty.")
        if not is_text(line):
            raise click.UsageError(f"{prompt}: standard input is not UTF-8.")
        return line
    asked: str = click.prompt(prompt, hide_input=True, confirmation_prompt=confirm, err=True)
    return asked


def yes_option(command: F) -> F:
    """`--yes`: don't ask."""
    return click.option("--yes", "-y", is_flag=True, help="Don't ask.")(command)


def sure(question: str, yes: bool) -> None:
    """Asks, and ends the command on anything but yes; where nobody can be asked, `--yes` has to be there."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise click.UsageError(f"{question} Say --yes: there is nobody to ask.")
    click.confirm(question, abort=True, err=True)
