"""Writes cli.md, the page of all commands: `python docs/cli.py`."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import click

from mailkit.cli import SECTIONS, build

PAGE = Path(__file__).with_suffix(".md")

INTRODUCTION = """\
# The command line

    pip install 'mailkit-platform[cli]'
    mailkit user add jane --address jane@example.org     # asks for a password
    mailkit user edit jane --quota 10GiB --add-tag staff
    mailkit group add crew --address crew@example.org --member jane
    mailkit address resolve crew@example.org

Every command works beside a running server, on the same data folder: `--data DIR`, or a database's URL, or the setting
`store` of the file that `--config` (or `MAILKIT_CONFIG`) names, or `MAILKIT_STORE`. A folder that is not there is made
by the commands that put the first thing into it, and is an error to all others.

- **For programs**: `--json` prints one object a line, on standard output. Keys are called as the options that set them;
  sizes are bytes, durations milliseconds, times ISO 8601 in UTC. What is not set is `null` or an empty list.
- **For people**: a list is a table at a terminal, and lines of cells separated by tabs in a pipe. Progress and remarks
  are on standard error. Control characters in names are not printed.
- **Exit status**: 0 it is done; 1 it was refused, or some of many failed; 2 the command line is wrong; 130 interrupted.
- **Refusals** are one line on standard error, `mailkit: <reason> [<code>]`, or with `--json` an object with `error`,
  `code` and, for refused input, `fields`. Nothing has changed then: an `edit` does everything it is told, or nothing.
- **Deleting** asks first; `--yes` doesn't ask, and has to be there where nobody can be asked.
- **Secrets** are asked for at a terminal, without echo, or read as one line of standard input. Those that are made here
  are printed once and never again.
- **Lists** of an `edit`: `--member` says what they are from now on (`''`: empty), `--add-member` and `--remove-member`
  change them.
- **Names**: a user is found by login, by address or by id; whatever else has a name, by name or id.

In a script:

    mailkit user list --json --tag staff | jq -r .name
    mailkit user show jane --json | jq '.used < .quota'
    KEY=$(mailkit api-key add ci --role admin)
    pwgen 24 1 | mailkit user passwd jane
    mailkit user edit jane --limit recipients=500 || echo "nothing has changed"

Completion, in bash: `eval "$(_MAILKIT_COMPLETE=bash_source mailkit)"`; zsh and fish alike.

"""

BY_OPERATION = """\
## What the APIs do, by command

Operations of the REST dialects that are about accounts, addresses and settings, and the commands that do the same.

"""

WILDDUCK: Mapping[str, tuple[str, ...]] = {
    "getUsers": ("user list",),
    "createUser": ("user add", "user import"),
    "resolveUser": ("user show",),
    "getUser": ("user show", "user limits"),
    "updateUser": ("user edit", "user passwd", "user disable", "user enable", "user suspend", "user unsuspend"),
    "deleteUser": ("user delete",),
    "logoutUser": ("user logout",),
    "recalculateQuota": ("user recount",),
    "recalculateQuotaAllUsers": ("user recount",),
    "resetUserPassword": ("user reset-password",),
    "restoreUserInfo": ("user deleted",),
    "cancelUserDelete": ("user restore",),
    "getAddresses": ("address list",),
    "createUserAddress": ("address add",),
    "getUserAddresses": ("address list",),
    "getUserAddress": ("address show",),
    "deleteUserAddress": ("address delete",),
    "updateUserAddress": ("address edit",),
    "getUserAddressregister": ("address known",),
    "createForwardedAddress": ("forward add",),
    "updateForwardedAddress": ("forward edit",),
    "deleteForwardedAddress": ("forward delete",),
    "getForwardedAddress": ("forward show", "forward list"),
    "resolveAddress": ("address resolve",),
    "renameDomain": ("domain rename",),
    "getASPs": ("app-password list",),
    "createASP": ("app-password add",),
    "getASP": ("app-password list",),
    "deleteASP": ("app-password delete",),
    "getDomainAliases": ("domain aliases",),
    "createDomainAlias": ("domain alias",),
    "resolveDomainAlias": ("domain aliases",),
    "getDomainAlias": ("domain aliases",),
    "deleteDomainAlias": ("domain unalias",),
    "getSettings": ("config list",),
    "createSetting": ("config set",),
    "getSetting": ("config get",),
    "getAuthlog": ("user log",),
    "getAuthlogEvent": ("user log",),
    "disable2FA": ("user edit",),
}
"""Operation -> commands. Autoreplies of forwarded addresses, and single second factors, have none."""

_NOUNS = ("user", "group", "list", "domain", "tenant", "role", "api-key", "oauth-client", "resource", "location")

STALWART: Mapping[str, tuple[str, ...]] = {
    "getPrincipal": ("principal list", *(f"{noun} list" for noun in _NOUNS)),
    "postPrincipal": tuple(f"{noun} add" for noun in _NOUNS),
    "getPrincipalPrincipalId": ("principal show", *(f"{noun} show" for noun in _NOUNS)),
    "patchPrincipalPrincipalId": (*(f"{noun} edit" for noun in _NOUNS), "user passwd", "api-key rotate"),
    "deletePrincipalPrincipalId": tuple(f"{noun} delete" for noun in _NOUNS),
    "deletePrincipalBulk": ("principal delete-all",),
    "getSettingsKeys": ("config get", "config list"),
    "getSettingsGroup": ("config groups",),
    "getSettingsList": ("config list",),
    "postSettings": ("config set", "config unset"),
    "deleteSettingsKey": ("config unset",),
    "getReload": ("config reload",),
    "getReloadSlash": ("config reload",),
    "getReloadWhat": ("config reload",),
    "getStoreQuotaAccountId": ("user show",),
    "deleteStoreQuotaAccountId": ("user recount",),
}

_EVERYWHERE = ("--data", "--config", "--json")


def leaves(command: click.Command, words: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command that does something, with the words that call it."""
    if not isinstance(command, click.Group):
        yield words, command
        return
    context = click.Context(command)
    for word in command.list_commands(context):
        found = command.get_command(context, word)
        assert found is not None
        yield from leaves(found, (*words, word))


def page() -> str:
    """The whole page."""
    root, context = build(), click.Context(build())
    parts = [INTRODUCTION, BY_OPERATION]
    for title, table in (("WildDuck", WILDDUCK), ("Stalwart", STALWART)):
        parts.append(f"| {title} | commands |\n|---|---|\n")
        parts += [f"| `{name}` | {_some(commands)} |\n" for name, commands in table.items()]
        parts.append("\n")
    for section, words in SECTIONS.items():
        parts.append(f"## {section}\n\n")
        for word in words:
            parts += [_entry(path, command) for path, command in leaves(root.get_command(context, word), (word,))]
    return "".join(parts).rstrip() + "\n"


def _some(commands: tuple[str, ...]) -> str:
    return ", ".join(f"`{command}`" for command in commands)


def _entry(words: tuple[str, ...], command: click.Command) -> str:
    arguments = [_argument(each) for each in command.params if isinstance(each, click.Argument)]
    options = [each for each in command.params if isinstance(each, click.Option)]
    own = [each for each in options if each.opts[0] not in _EVERYWHERE]
    text = f"### {' '.join(['mailkit', *words, *arguments])}\n\n{_help(command)}\n\n"
    if own:
        text += "| option | |\n|---|---|\n" + "".join(map(_row, own)) + "\n"
    also = [each.opts[0] for each in options if each.opts[0] in _EVERYWHERE]
    return text + (f"Also {', '.join(f'`{name}`' for name in also)}.\n\n" if also and len(also) < 3 else "")


def _help(command: click.Command) -> str:
    paragraphs = (command.help or "").strip().split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs).replace("*", "\\*")


def _argument(argument: click.Argument) -> str:
    name = argument.metavar or (argument.name or "").upper() + ("..." if argument.nargs == -1 else "")
    return name if argument.required or name.startswith("[") else f"[{name}]"


def _row(option: click.Option) -> str:
    names = [f"`{name}`" for name in (*option.opts, *option.secondary_opts)]
    value = "" if option.is_flag else f" {_value(option)}"
    said = " ".join((option.help or "").split())
    if option.show_default and not option.is_flag:
        default = option.show_default if isinstance(option.show_default, str) else option.default
        said += f" [default: {default}]"
    said += " Required." if option.required else ""
    return f"| {', '.join(names)}{value} | {said} |\n".replace("*", "\\*")


def _value(option: click.Option) -> str:
    if isinstance(option.type, click.Choice) and option.metavar is None:
        return "\\|".join(str(choice) for choice in option.type.choices)
    numbers = isinstance(option.type, (click.IntRange, click.types.IntParamType))
    return option.metavar or ("N" if numbers else "TEXT")


if __name__ == "__main__":
    PAGE.write_text(page())
