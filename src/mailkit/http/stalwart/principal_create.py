"""POST /principal (S3.3)."""

from collections.abc import Callable

from mailkit.accounts.directory import NewPrincipal as Wanted
from mailkit.accounts.emails import external_of
from mailkit.accounts.secrets import Add
from mailkit.errors import Invalid
from mailkit.http.declare import request
from mailkit.http.operation import prepared
from mailkit.http.stalwart import fields as take
from mailkit.http.stalwart.types import CREATABLE, PERMISSION_PREFIXES
from mailkit.kit import MailKit
from mailkit.principals.permits import Caller, require, require_whole_server
from mailkit.principals.tenancy import ceilings_of
from mailkit.quota import UNLIMITED, Bytes, Quota
from mailkit.storage.api import Tx

__all__ = ["create_principal"]


@request
class NewPrincipal:
    """A principal to be made. `id` and `usedQuota` may be sent back and are not looked at."""

    type: str = take.choice((*CREATABLE, "superuser"), "Kind of principal", default="individual")
    name: str = take.string("Unique over all types", default="")
    description: str | None = take.string("Full name", default=None, nullable=True)
    secrets: tuple[str, ...] = take.strings("Passwords in the clear, or ready hashes")
    emails: tuple[str, ...] = take.strings("Addresses, the main one first; `@domain` for all of a domain")
    quota: int | tuple[int, ...] | None = take.unsigned(
        "Bytes; 0: no limit. For a tenant also a list: bytes, then the most principals of each type",
        default=None,
        or_many=True,
    )
    memberOf: tuple[str, ...] = take.strings("Groups this belongs to")
    members: tuple[str, ...] = take.strings("What belongs to this")
    roles: tuple[str, ...] = take.strings("Roles")
    lists: tuple[str, ...] = take.strings("Mailing lists this belongs to")
    tenant: str | None = take.string("Tenant", default=None, nullable=True)
    enabledPermissions: tuple[str, ...] = take.strings("Permissions beyond those of the roles")
    disabledPermissions: tuple[str, ...] = take.strings("Permissions taken away")
    picture: str | None = take.string("A picture", default=None, nullable=True)
    urls: tuple[str, ...] = take.strings("Redirect addresses of an OAuth client")
    externalMembers: tuple[str, ...] = take.strings("Addresses elsewhere that a list sends to")
    id: None = take.ignored()
    usedQuota: None = take.ignored()


@request
class CreatePrincipal:
    """What is to be made."""

    principal: NewPrincipal = take.body(NewPrincipal)


@prepared
def create_principal(kit: MailKit, ask: CreatePrincipal, caller: Caller) -> Callable[[Tx], int]:
    """Create a principal; the answer is its number."""
    asked = ask.principal
    kind = "individual" if asked.type == "superuser" else asked.type
    require(caller, f"{PERMISSION_PREFIXES[kind]}-create")
    if kind == "tenant":
        require_whole_server(caller)
    give = kit.secrets.prepare([Add(text) for text in asked.secrets if text], new=True)
    quota, ceilings = _quota(asked.quota, kind)
    wanted = Wanted(
        kind,
        asked.name,
        display=asked.description,
        emails=asked.emails,
        quota=quota,
        ceilings=ceilings,
        member_of=asked.memberOf,
        members=asked.members,
        lists=asked.lists,
        roles=asked.roles,
        tenant=asked.tenant,
        enabled=asked.enabledPermissions,
        disabled=asked.disabledPermissions,
        picture=asked.picture,
        urls=asked.urls,
        external=tuple(external_of(text) for text in asked.externalMembers),
    )
    commit = kit.directory.prepare(wanted, caller)

    def make(tx: Tx) -> int:
        number = commit(tx).number
        give(tx, number)
        return number

    return make


def _quota(given: int | tuple[int, ...] | None, kind: str) -> tuple[Quota, dict[str, int]]:
    if not isinstance(given, tuple):
        return (Bytes(given) if given else UNLIMITED), {}
    if kind != "tenant":
        reason = f"A quota by type is for tenants, not for type {kind}"
        raise Invalid("value.invalid", reason, details="Invalid quota value", reason=reason)
    return (Bytes(given[0]) if given and given[0] else UNLIMITED), ceilings_of(given)
