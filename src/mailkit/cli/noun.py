"""How the command and its groups behave: near words are suggested, and a refusal is one line and exit status 1."""

import json
from difflib import get_close_matches
from typing import IO, Any, Final

import click

from mailkit.cli.printable import printable
from mailkit.errors import Invalid, MailKitError

__all__ = ["AS_JSON", "Failed", "Noun", "said", "told"]

AS_JSON: Final = "mailkit.json"
"""Where a context keeps whether output is for programs."""

_SAME: Final = (
    ("add", "create", "new", "make"),
    ("delete", "remove", "rm", "del", "destroy", "unset", "drop", "revoke"),
    ("edit", "set", "update", "change", "modify"),
    ("show", "get", "info", "view", "status"),
    ("list", "ls", "all"),
    ("passwd", "password"),
)
"""Words that people try for one another; they are suggested, never taken."""


def said(error: MailKitError) -> str:
    """An error in words: what it says and, where it keeps that apart, why."""
    reason = error.fields.get("reason")
    return f"{error.message}: {reason}" if reason and str(reason) not in error.message else error.message


def told(error: MailKitError, **more: object) -> dict[str, Any]:
    """An error as programs read it: words, code and, of refused input, the reason for each field."""
    shown: dict[str, Any] = {**more, "error": said(error), "code": error.code}
    if isinstance(error, Invalid) and error.errors:
        shown["fields"] = {each.dotted: each.message for each in error.errors}
    return shown


class Failed(click.ClickException):
    """What the platform refused: exit status 1, `mailkit: <words> [<code>]` on standard error, or JSON."""

    def __init__(self, error: MailKitError, *, as_json: bool) -> None:
        super().__init__(error.message)
        self.error = error
        self._as_json = as_json

    def show(self, file: IO[Any] | None = None) -> None:
        plain = f"mailkit: {printable(said(self.error))} [{self.error.code}]"
        click.echo(json.dumps(told(self.error)) if self._as_json else plain, file=file, err=True)


def near(word: str, words: list[str]) -> str | None:
    """The one of `words` that somebody who typed `word` may have meant."""
    for group in _SAME:
        if word in group and (found := [other for other in group if other in words]):
            return found[0]
    return next(iter(get_close_matches(word, words, n=1)), None)


def _sentence(command: click.Command | None) -> str:
    """What a list of commands says of one: the first sentence, whole."""
    said = " ".join((command.help if command and command.help else "").split("\n\n")[0].split())
    return said.partition(". ")[0].rstrip(".") + "."


class Noun(click.Group):
    """A group of commands about one kind of thing."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        rows = [(word, _sentence(self.get_command(ctx, word))) for word in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        words = self.list_commands(ctx)
        if args and args[0] not in words and not args[0].startswith("-"):
            meant = near(args[0], words)
            hint = f" Did you mean {meant!r}?" if meant else ""
            ctx.fail(f"There is no command {args[0]!r}.{hint}")
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except MailKitError as error:
            raise Failed(error, as_json=bool(ctx.meta.get(AS_JSON))) from error
