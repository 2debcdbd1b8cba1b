"""The `mailkit` command. Each subcommand is a module of this package, loaded when it is called."""

import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any, Final

__all__ = ["COMMANDS", "SECTIONS", "build", "main"]

SECTIONS: Final[dict[str, dict[str, str]]] = {
    "Accounts": {
        "user": "Add, list, import, edit, delete and restore users; set passwords; count anew.",
        "group": "Add, list, edit and delete groups.",
        "list": "Add, list, edit and delete mailing lists.",
        "domain": "Add, list, edit, rename and delete domains; make aliases of them.",
        "tenant": "Add, list, edit and delete tenants.",
        "role": "Add, list, edit and delete roles; list what they permit.",
        "resource": "Add, list, edit and delete resources.",
        "location": "Add, list, edit and delete locations.",
        "principal": "List and show whatever has a name; delete many at once.",
    },
    "Addresses": {
        "address": "Add, list, edit and delete addresses; say where mail for one goes.",
        "forward": "Add, list, edit and delete forwarded addresses.",
    },
    "Access": {
        "token": "Create, list and revoke access tokens.",
        "api-key": "Add, list, edit, rotate and delete keys of the management API.",
        "app-password": "Add, list and delete application passwords.",
        "oauth-client": "Add, list, edit and delete OAuth clients.",
    },
    "Mail": {
        "mail": "Restore deleted messages; say how long mail is kept, and why; hold it.",
        "spam": "Train, try and evaluate the spam engine.",
        "auth": "Check SPF, DKIM, ARC, DMARC and iprev of one message.",
    },
    "Server": {
        "serve": "Run the server: both REST dialects, LMTP, background work.",
        "demo": "Make a mail platform, deliver real messages, show how to talk to it.",
        "config": "List, get, set, unset and reload settings.",
        "job": "List and show jobs of the server; run failed ones again.",
        "check": "Verify a data folder: counters, indexes, references.",
        "backup": "Copy a data folder while mail flows.",
        "key": "Rotate secret.key.",
    },
}
"""Subcommands and what they are for, as help groups them; each is `mailkit.cli.<name>:<name>`, a dash an underscore."""

COMMANDS: Final = {name: said for section in SECTIONS.values() for name, said in section.items()}
"""All of them."""

_MODULES: Final = {"list": "mailing_list"}
"""Where the module cannot have the command's name: it would hide a built-in one from this package."""


def build() -> Any:
    """The whole command, a `click.Group`."""
    import click

    from mailkit import __version__
    from mailkit.cli.noun import Noun

    class Commands(Noun):
        """Finds subcommands by name, so that starting one loads nothing of the others."""

        def list_commands(self, ctx: click.Context) -> list[str]:
            return sorted(COMMANDS)

        def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
            if name not in COMMANDS:
                return None
            word = _MODULES.get(name) or name.replace("-", "_")
            command: click.Command = getattr(import_module(f"mailkit.cli.{word}"), word)
            return command

        def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
            for section, rows in SECTIONS.items():
                with formatter.section(section):
                    formatter.write_dl(list(rows.items()), col_max=14)

    group = Commands(
        name="mailkit",
        help="mailkit: a mail platform in one library.",
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120},
    )
    return click.version_option(__version__, prog_name="mailkit")(group)


def main() -> None:
    """The entry point of the `mailkit` script."""
    try:
        run: Callable[..., None] = build()
    except ModuleNotFoundError as error:
        if error.name not in ("click", "rich"):
            raise
        sys.exit("The mailkit command needs an extra: pip install 'mailkit-platform[cli]' (or [server])")
    run()
