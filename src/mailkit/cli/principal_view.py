"""A principal as commands show it: the names are those of the options that set it."""

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from mailkit.cli.fields import FIELDS
from mailkit.cli.output import Output, size
from mailkit.cli.paged import PAGE, paged
from mailkit.principals.relations import field_of

if TYPE_CHECKING:
    from mailkit.kit import MailKit
    from mailkit.principals.records import Principal
    from mailkit.storage.api import ReadTx

__all__ = ["show", "view", "views"]

_KEEPING: Final = ("individual", "group", "tenant")


def _members(kit: "MailKit", row: "Principal", tx: "ReadTx") -> list[str]:
    return [member.name for member in kit.members.of(row.number, tx=tx)]


def _addresses(kit: "MailKit", row: "Principal", tx: "ReadTx") -> list[str]:
    return [address.value for address in kit.addresses.listed(row, tx=tx)]


def _tenant(kit: "MailKit", row: "Principal", tx: "ReadTx") -> str | None:
    found = None if row.tenant is None else kit.principals.find(row.tenant, tx=tx)
    return None if found is None else found.name


def _external(kit: "MailKit", row: "Principal", tx: "ReadTx") -> list[str]:
    return list(row.targets)


def _belongs(field: str) -> "Callable[[MailKit, Principal, ReadTx], list[str]]":
    def read(kit: "MailKit", row: "Principal", tx: "ReadTx") -> list[str]:
        names = [each.name for each in kit.members.containers(row.number, tx=tx) if field_of(each.kind) == field]
        return [*row.roles, *names] if field == "roles" else names

    return read


_READ: "Final[Mapping[str, Callable[[MailKit, Principal, ReadTx], Any]]]" = {
    "display": lambda kit, row, tx: row.display,
    "addresses": _addresses,
    "contacts": lambda kit, row, tx: list(row.contacts),
    "members": _members,
    "groups": _belongs("memberOf"),
    "lists": _belongs("lists"),
    "roles": _belongs("roles"),
    "tenant": _tenant,
    "permissions": lambda kit, row, tx: list(row.enabled),
    "denied": lambda kit, row, tx: list(row.disabled),
    "picture": lambda kit, row, tx: row.picture,
    "redirects": lambda kit, row, tx: list(row.urls),
    "external": _external,
}


def view(kit: "MailKit", row: "Principal", tx: "ReadTx") -> dict[str, Any]:
    """All that is told of a principal of any kind; never a secret."""
    from mailkit.quota import UNLIMITED, decode, effective

    shown: dict[str, Any] = {"id": str(row.id), "number": row.number, "type": row.kind, "name": row.name}
    shown |= {field.key: _READ[field.key](kit, row, tx) for field in FIELDS[row.kind]}
    if row.kind in _KEEPING:
        own = decode(row.quota)
        shown["quota"] = effective(own, UNLIMITED) if row.kind == "tenant" else kit.quota.usage(tx, row.number).allowed
        shown["used"] = kit.quota.used(tx, row.number)
    if row.kind == "tenant":
        shown["most"] = dict(row.ceilings)
        shown["users"] = kit.principals.tenant_count(row.number, "individual", tx=tx)
    if row.kind == "domain":
        shown["address_count"] = kit.addresses.domain_size(row.number, tx=tx)
        shown["adopted"] = not row.implicit
        shown["aliases"] = [alias.alias for alias in kit.domain_aliases.of(row.name, tx=tx)]
    return shown


def show(out: Output, shown: dict[str, Any]) -> None:
    """Prints one."""
    words = {name: size(shown[name]) for name in ("quota", "used") if name in shown}
    out.record(shown, **words)


def views(
    kit: "MailKit", kinds: tuple[str, ...], *, needle: str = "", tenant: int | None = None
) -> Iterator[dict[str, Any]]:
    """Principals of some kinds by name, in flat memory: those that have `needle` (lower-case) in their name, display
    name or an address, and of a tenant if one is given."""
    from mailkit.accounts.bulk import matches

    def read(after: str | None) -> tuple[list[dict[str, Any]], str | None]:
        with kit.store.snapshot() as tx:
            rows = kit.principals.list_by_name(kinds, limit=PAGE, after=after, tx=tx)
            found = [
                view(kit, row, tx)
                for row in rows
                if not row.hidden and tenant in (None, row.tenant) and matches(kit.directory, row, needle, tx)
            ]
        return found, rows[-1].name if len(rows) == PAGE else None

    return paged(read)
