"""Settings as a flat map of texts, and reloading them (S8)."""

from collections.abc import Iterable

from mailkit.errors import AlreadyExists
from mailkit.http.declare import answer, request
from mailkit.http.later import OnThread
from mailkit.http.operation import read, slow, write
from mailkit.http.stalwart import fields as take
from mailkit.http.stalwart.fields import pairs
from mailkit.kit import MailKit
from mailkit.principals.permits import Caller, require_whole_server
from mailkit.settings.flat import flat, groups, in_filter
from mailkit.settings.layers import Problem
from mailkit.storage.api import Tx

__all__ = [
    "delete_setting",
    "get_groups",
    "get_keys",
    "get_list",
    "reload_all",
    "reload_some",
    "update_settings",
]


def _values(kit: MailKit) -> dict[str, str]:
    with kit.store.snapshot() as tx:
        rows = dict(kit.settings.rows(tx))
    return flat(kit.settings.current.shown(), rows)


@request
class GetKeys:
    """Which settings."""

    keys: tuple[str, ...] = take.commas("Exact names")
    prefixes: tuple[str, ...] = take.commas("Beginnings of names, up to a dot")


@read
def get_keys(kit: MailKit, ask: GetKeys, caller: Caller) -> dict[str, str]:
    """Settings by name and by prefix; what is not set is left out."""
    require_whole_server(caller)
    prefixes = tuple(prefix if prefix.endswith(".") else f"{prefix}." for prefix in ask.prefixes)
    values = _values(kit)
    return {name: text for name, text in values.items() if name in ask.keys or name.startswith(prefixes or ("\0",))}


@request
class GetList:
    """Which settings."""

    prefix: str | None = take.query("Beginning of the names; by default all")
    page: int = take.number("Page, from 1")
    limit: int = take.number("Settings on a page; 0: all")


@answer
class Listed:
    """Settings below a prefix, without it, and how many there are."""

    items: dict[str, str]
    total: int


@read
def get_list(kit: MailKit, ask: GetList, caller: Caller) -> OnThread[Listed] | Listed:
    """Settings below a prefix."""
    require_whole_server(caller)
    return OnThread(lambda: _list(kit, ask))


def _list(kit: MailKit, ask: GetList) -> Listed:
    prefix = f"{ask.prefix.rstrip('.')}." if ask.prefix else ""
    found = {name[len(prefix) :]: text for name, text in _values(kit).items() if name.startswith(prefix)}
    names = _paged(list(found), ask.page, ask.limit)
    return Listed(items={name: found[name] for name in names}, total=len(found))


def _paged(items: list[str], page: int, limit: int) -> list[str]:
    start = max(page - 1, 0) * limit
    return items[start : start + limit] if limit else items


@request
class GetGroups:
    """Which records."""

    prefix: str | None = take.query("What the names begin with")
    suffix: str | None = take.query("What a record's telling name ends with")
    field: str | None = take.query("Show this field only")
    filter: str | None = take.query("Part of a value, case aside")
    page: int = take.number("Page, from 1")
    limit: int = take.number("Records on a page; 0: all")


@answer
class Records:
    """Records, and how many there are."""

    items: tuple[dict[str, str], ...]
    total: int


@read
def get_groups(kit: MailKit, ask: GetGroups, caller: Caller) -> OnThread[Records] | Records:
    """Settings that belong together, as records."""
    require_whole_server(caller)
    return OnThread(lambda: _groups(kit, ask))


def _groups(kit: MailKit, ask: GetGroups) -> Records:
    values = _values(kit)
    needle = (ask.filter or "").lower()
    rows: Iterable[dict[str, str]] = ()
    if ask.suffix:
        rows = groups(values, ask.prefix or "", ask.suffix, ask.field or "")
    else:
        prefix = f"{ask.prefix.rstrip('.')}." if ask.prefix else ""
        rows = (
            {"_id": name[len(prefix) :], "_value": text} for name, text in values.items() if name.startswith(prefix)
        )
    found = [row for row in rows if not needle or in_filter(needle, *row.values())]
    start = max(ask.page - 1, 0) * ask.limit
    return Records(items=tuple(found[start : start + ask.limit] if ask.limit else found), total=len(found))


# ---------------------------------------------------------------- changes


@request
class OneChange:
    """Settings to be stored (`insert`), removed by name (`delete`) or by prefix (`clear`)."""

    type: str = take.choice(("insert", "delete", "clear"), "What is done")
    prefix: str | None = take.string("Beginning of the names", default=None, nullable=True)
    values: tuple[tuple[str, str], ...] = pairs("Names (below the prefix) and texts")
    assert_empty: bool | None = take.boolean("Refuse when something is there already", default=None)
    keys: tuple[str, ...] | None = take.strings("Names", default=None)
    filter: str | None = take.string("Only what has this in its name or text", default=None, nullable=True)


@request
class UpdateSettings:
    """Changes, in order."""

    changes: tuple[OneChange, ...] = take.body(OneChange, many=True)


@write
def update_settings(kit: MailKit, ask: UpdateSettings, caller: Caller, tx: Tx) -> None:
    """Store and remove settings, all or none. They count from the next reload on; some at once."""
    require_whole_server(caller)
    for change in ask.changes:
        rows: dict[str, str | None]
        if change.type == "insert":
            rows = _inserted(kit, change, tx)
        elif change.type == "delete":
            if change.keys is None:
                raise take.missing("keys")
            rows = dict.fromkeys(change.keys)
        else:
            rows = _cleared(kit, change, tx)
        if rows:
            kit.settings.write(rows, now=kit.clock(), tx=tx)


def _inserted(kit: MailKit, change: OneChange, tx: Tx) -> dict[str, str | None]:
    if change.assert_empty is None:
        raise take.missing("assert_empty")
    below = f"{change.prefix}." if change.prefix else ""
    rows: dict[str, str | None] = {below + name: text for name, text in change.values}
    if change.assert_empty:
        there = dict(kit.settings.rows(tx, below)) if below else dict(kit.settings.rows(tx))
        if (below and there) or (not below and next(iter(rows), None) in there):
            raise AlreadyExists("settings.not_empty", "There are such settings already")
    return rows


def _cleared(kit: MailKit, change: OneChange, tx: Tx) -> dict[str, str | None]:
    if change.prefix is None:
        raise take.missing("prefix")
    needle = change.filter or ""
    found = kit.settings.rows(tx, change.prefix)
    return {name: None for name, text in found if not needle or in_filter(needle, name, text)}


@request
class DeleteSetting:
    """Which setting."""

    key: str = take.in_path("Its name")


@write
def delete_setting(kit: MailKit, ask: DeleteSetting, caller: Caller, tx: Tx) -> None:
    """Remove one setting."""
    require_whole_server(caller)
    kit.settings.write({ask.key: None}, now=kit.clock(), tx=tx)


# ---------------------------------------------------------------- reload


@request
class Reload:
    """Whether to apply what is found."""

    dry_run: bool = take.present("Only say what is wrong", name="dry-run")


@request
class ReloadSome:
    """What to reload; settings are one whole, so it is all of them."""

    what: str = take.in_path("A kind of settings")
    dry_run: bool = take.present("Only say what is wrong", name="dry-run")


@answer
class Reloaded:
    """What was found, by name. With errors nothing was applied."""

    warnings: dict[str, dict[str, str]]
    errors: dict[str, dict[str, str]]


@slow
def reload_all(kit: MailKit, ask: Reload, caller: Caller) -> Reloaded:
    """Read all settings again and, if there is nothing wrong with them, apply them in every process."""
    return _reload(kit, caller, ask.dry_run)


@slow
def reload_some(kit: MailKit, ask: ReloadSome, caller: Caller) -> Reloaded:
    """The same as reloading everything."""
    return _reload(kit, caller, ask.dry_run)


def _reload(kit: MailKit, caller: Caller, dry_run: bool) -> Reloaded:
    require_whole_server(caller)
    report = kit.settings.reload(dry_run=dry_run)
    values = _values(kit)
    return Reloaded(
        warnings={problem.name: _told(problem, values) for problem in report.warnings},
        errors={problem.name: _told(problem, values) for problem in report.errors},
    )


def _told(problem: Problem, values: dict[str, str]) -> dict[str, str]:
    if problem.kind == "unknown":
        return {"type": "unread", "value": values.get(problem.name, "")}
    return {"type": "parse" if problem.kind == "value" else "build", "error": problem.message}
