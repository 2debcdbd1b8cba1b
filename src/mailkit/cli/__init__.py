"""The `mailkit` command. Each subcommand is a module of this package, loaded when it is called."""

import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any, Final

__all__ = ["COMMANDS", "main"]

COMMANDS: Final[dict[str, str]] = {
    "auth": "Check SPF, DKIM, ARC, DMARC and iprev of one message.",
    "backup": "Copy a data folder while mail flows.",
    "check": "Verify a data folder: counters, indexes, references.",
    "config": "Show every setting with its value and where it comes from.",
    "demo": "Make a mail platform, deliver real messages, show how to talk to it.",
    "domain": "Add, list, rename and remove domains; make aliases of them.",
    "key": "Rotate secret.key.",
    "mail": "Restore deleted messages; say how long mail is kept, and why; hold it.",
    "serve": "Run the server: both REST dialects, LMTP, background work.",
    "spam": "Train, try and evaluate the spam engine.",
    "token": "Create access tokens.",
    "user": "Add, list, import, delete and restore users; set passwords.",
}
"""Subcommand -> what it is for; each is `mailkit.cli.<name>:<name>`."""


def _group() -> Any:
    import click

    class Commands(click.Group):
        """Finds subcommands by name, so that starting one loads nothing of the others."""

        def list_commands(self, ctx: click.Context) -> list[str]:
            return sorted(COMMANDS)

        def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
            if name not in COMMANDS:
                return None
            command: click.Command = getattr(import_module(f"mailkit.cli.{name}"), name)
            return command

        def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
            with formatter.section("Commands"):
                formatter.write_dl(sorted(COMMANDS.items()))

        def resolve_command(
            self, ctx: click.Context, args: list[str]
        ) -> tuple[str | None, click.Command | None, list[str]]:
            if args and args[0] not in COMMANDS:
                from difflib import get_close_matches

                near = get_close_matches(args[0], COMMANDS, n=1)
                hint = f" Did you mean {near[0]!r}?" if near else ""
                ctx.fail(f"There is no command {args[0]!r}.{hint}")
            return super().resolve_command(ctx, args)

    from mailkit import __version__

    group = Commands(help="mailkit: a mail platform in one library.")
    return click.version_option(__version__, prog_name="mailkit")(group)


def main() -> None:
    """The entry point of the `mailkit` script."""
    try:
        run: Callable[..., None] = _group()
    except ModuleNotFoundError as error:
        if error.name not in ("click", "rich"):
            raise
        sys.exit("The mailkit command needs an extra: pip install 'mailkit-platform[cli]' (or [server])")
    from mailkit.errors import MailKitError

    try:
        run()
    except MailKitError as error:
        sys.exit(f"mailkit: {error.message} [{error.code}]")
