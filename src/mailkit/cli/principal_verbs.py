"""The commands that every kind of principal has: add, list, show, edit, delete."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from mailkit.cli.acting import by_command
from mailkit.cli.asking import sure, yes_option
from mailkit.cli.fields import FIELDS, field_options
from mailkit.cli.finding import find_principal
from mailkit.cli.kinds import a_kind
from mailkit.cli.noun import Noun
from mailkit.cli.opening import making_kit, with_kit
from mailkit.cli.output import Output, size
from mailkit.cli.principal_changes import changes_of, values_of
from mailkit.cli.principal_view import show, view, views
from mailkit.cli.values import CEILING, QUOTA, TENANT_QUOTA

if TYPE_CHECKING:
    from mailkit.accounts.edit import Change
    from mailkit.kit import MailKit
    from mailkit.principals.records import Principal
    from mailkit.storage.api import Tx

__all__ = ["add_command", "changed", "delete_command", "edit_command", "list_command", "principal_noun", "show_command"]

F = TypeVar("F", bound=Callable[..., Any])

_ACCOUNTS: Final = ("individual", "group")
_DAY: Final = 86_400_000


def principal_noun(kind: str, help: str, *, columns: Iterable[str] = ("name", "display")) -> Noun:
    """The group of commands about one kind of principals; `columns` are those of the table that people see."""
    group = Noun(a_kind(kind).command, help=help)
    for command in (
        add_command(kind),
        list_command(kind, tuple(columns)),
        show_command(kind),
        edit_command(kind),
        delete_command(kind),
    ):
        group.add_command(command)
    return group


def _quota_options(kind: str) -> Callable[[F], F]:
    """Options of kinds that have a quota; for others none."""

    def add(command: F) -> F:
        if kind == "tenant":
            command = click.option(
                "--most", metavar="TYPE=N", type=CEILING, multiple=True,
                help="How many principals of a type it may have; 0: any number. Repeatable.",
            )(command)  # fmt: skip
            said = "Bytes that all its accounts may keep together, as in 10GiB, or 'unlimited'."
            return click.option("--quota", metavar="SIZE", type=TENANT_QUOTA, help=said)(command)
        if kind == "group":
            said = "Bytes that it may keep, as in 10GiB; 'unlimited'; or 'default': the setting quota.default."
            return click.option("--quota", metavar="SIZE", type=QUOTA, help=said)(command)
        return command

    return add


# ---------------------------------------------------------------- add


def add_command(kind: str) -> click.Command:
    """`add NAME`."""
    fields = FIELDS[kind]
    opening = making_kit if kind in ("domain", "tenant") else with_kit

    @click.command("add", help=f"Add the {a_kind(kind).noun} NAME.")
    @click.argument("name")
    @field_options(fields, editing=False)
    @_quota_options(kind)
    @opening
    def add(kit: "MailKit", out: Output, name: str, **given: Any) -> None:
        from mailkit.accounts.directory import NewPrincipal
        from mailkit.principals.permits import LOCAL_ADMINISTRATOR
        from mailkit.quota import UNLIMITED

        wanted = NewPrincipal(
            kind,
            name,
            quota=given.get("quota") or UNLIMITED,
            ceilings={each: n for each, n in given.get("most") or () if n},
            **values_of(fields, given),
        )
        commit = kit.directory.prepare(wanted, LOCAL_ADMINISTRATOR)
        shown = kit.transact(lambda tx: view(kit, commit(tx), tx))
        out.say(shown, f"{shown['name']} is {a_kind(kind)} here")

    return add


# ---------------------------------------------------------------- list, show


def list_command(kind: str, columns: tuple[str, ...]) -> click.Command:
    """`list`."""

    @click.command("list", help=f"List {a_kind(kind).noun}s by name.")
    @click.option(
        "--filter", "needle", default="", metavar="TEXT", help="Part of the name, display name or an address."
    )
    @click.option("--tenant", metavar="NAME", help="Those of this tenant only.")
    @with_kit
    def list_(kit: "MailKit", out: Output, needle: str, tenant: str | None) -> None:
        number = None
        if tenant is not None:
            with kit.store.snapshot() as tx:
                number = find_principal(kit, tenant, "tenant", tx).number
        out.rows(views(kit, (kind,), needle=needle.lower(), tenant=number), columns)

    return list_


def show_command(kind: str | None) -> click.Command:
    """`show NAME`."""
    noun = "principal" if kind is None else a_kind(kind).noun

    @click.command("show", help=f"Show the {noun} NAME.")
    @click.argument("name")
    @with_kit
    def show_(kit: "MailKit", out: Output, name: str) -> None:
        with kit.store.snapshot() as tx:
            shown = view(kit, find_principal(kit, name, kind, tx), tx)
        show(out, shown)

    return show_


# ---------------------------------------------------------------- edit


def edit_command(kind: str) -> click.Command:
    """`edit NAME`."""
    fields = FIELDS[kind]

    @click.command("edit", help=f"Change the {a_kind(kind).noun} NAME: everything that is said, or nothing.")
    @click.argument("name")
    @_name_option(kind)
    @field_options(fields, editing=True)
    @_quota_options(kind)
    @with_kit
    def edit(kit: "MailKit", out: Output, name: str, new_name: str | None = None, **given: Any) -> None:
        from mailkit.accounts.edit import Change

        changes = changes_of(fields, given)
        if new_name is not None:
            changes = (Change("set", "name", new_name), *changes)
        if not (changes or given.get("quota") is not None or given.get("most")):
            raise click.UsageError("Say what to change; --help lists what can be.")

        def store(tx: "Tx") -> tuple[dict[str, Any], dict[str, Any]]:
            row = find_principal(kit, name, kind, tx)
            before = view(kit, row, tx)
            row = changed(kit, row, (*changes, *_tenant_quota(row, given)), tx)
            if kind == "group" and given.get("quota") is not None:
                row = kit.users.change(row, _only_quota(given["quota"]), tx=tx)
            return before, view(kit, row, tx)

        before, after = kit.transact(store)
        out.say(after, f"{after['name']} is changed" if before != after else f"{after['name']} is what it was")

    return edit


def _name_option(kind: str) -> Callable[[F], F]:
    """`--name`; a domain has a command of its own for that."""
    if kind == "domain":
        return _nothing
    return click.option("--name", "new_name", metavar="NAME", help="Another name.")


def _nothing(command: F) -> F:
    return command


def changed(kit: "MailKit", row: "Principal", changes: "tuple[Change, ...]", tx: "Tx") -> "Principal":
    """The principal after these changes, none of which is slow."""
    from mailkit.principals.permits import LOCAL_ADMINISTRATOR

    return kit.editor.apply(row, changes, LOCAL_ADMINISTRATOR, tx=tx) if changes else row


def _only_quota(quota: Any) -> Any:
    from mailkit.accounts.users import UserChanges

    return UserChanges(quota=quota)


def _tenant_quota(row: "Principal", given: dict[str, Any]) -> "tuple[Change, ...]":
    """A tenant's quota and ceilings are one list; what is not given stays."""
    from mailkit.accounts.edit import Change
    from mailkit.principals.tenancy import quota_array
    from mailkit.quota import UNLIMITED, decode, effective

    if row.kind != "tenant" or (given["quota"] is None and not given["most"]):
        return ()
    storage = effective(decode(row.quota) if given["quota"] is None else given["quota"], UNLIMITED)
    ceilings = {kind: n for kind, n in {**row.ceilings, **dict(given["most"])}.items() if n}
    return (Change("set", "quota", quota_array(storage or 0, ceilings)),)


# ---------------------------------------------------------------- delete


def delete_command(kind: str) -> click.Command:
    """`delete NAME`."""
    word = a_kind(kind)
    said = f"Delete the {word.noun} NAME with its addresses and memberships."
    if kind == "group":
        said += " Its mail goes by a job of the server."

    @click.command("delete", help=said)
    @click.argument("name")
    @_after_days(kind)
    @yes_option
    @with_kit
    def delete(kit: "MailKit", out: Output, name: str, yes: bool, after_days: int | None = None) -> None:
        with kit.store.snapshot() as tx:
            row = find_principal(kit, name, kind, tx)
            kept = kit.quota.used(tx, row.number) if kind == "group" else 0
        mail = f" with {size(kept)} of mail" if kept else ""
        sure(f"Delete the {word.noun} {row.name}{mail}?", yes)

        def store(tx: "Tx") -> None:
            now = kit.principals.get(row.number, tx=tx)
            if after_days is None:
                kit.directory.delete(now, tx=tx)
            else:
                kit.accounts.delete(now.id, due=kit.clock() + after_days * _DAY, by=by_command(), tx=tx)

        kit.transact(store)
        out.say({"id": str(row.id), "number": row.number, "name": row.name}, f"{row.name} is deleted")

    return delete


def _after_days(kind: str) -> Callable[[F], F]:
    def add(command: F) -> F:
        if kind not in _ACCOUNTS:
            return command
        said = "Keep the data that long; until then 'mailkit user restore ID' brings it back."
        return click.option("--after-days", type=click.IntRange(0), metavar="N", help=said)(command)

    return add
