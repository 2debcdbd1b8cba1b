"""DELETE /principal/{principal_id} and DELETE /principal (S3.5)."""

from mailkit.accounts.bulk import matching
from mailkit.errors import Invalid, NotFound
from mailkit.http.declare import request
from mailkit.http.operation import slow, write
from mailkit.http.stalwart import fields as take
from mailkit.http.stalwart.types import CREATABLE, PERMISSION_PREFIXES
from mailkit.kit import MailKit
from mailkit.principals.permits import Caller, require
from mailkit.storage.api import Tx

__all__ = ["delete_principal", "delete_principals"]


@request
class DeletePrincipal:
    """Which principal."""

    principal_id: str = take.in_path("Its name")


@write
def delete_principal(kit: MailKit, ask: DeletePrincipal, caller: Caller, tx: Tx) -> None:
    """Delete a principal with its memberships and addresses; an account's mail goes in the background."""
    row = kit.principals.by_name(ask.principal_id, tx=tx)
    if not kit.directory.within(row, caller, tx=tx):
        raise NotFound("principal.not_found", name=ask.principal_id)
    require(caller, f"{PERMISSION_PREFIXES[row.kind]}-delete")
    kit.directory.delete(row, tx=tx)


@request
class DeletePrincipals:
    """Which principals."""

    type: str | None = take.query("Of this type")
    confirm: str | None = take.query("Must be `true`")
    filter: str | None = take.query("Part of the name, description or an address")
    tenant: str | None = take.query("Of this tenant only")


@slow
def delete_principals(kit: MailKit, ask: DeletePrincipals, caller: Caller) -> bool:
    """Delete all principals of a type that match, in the background; the answer is whether any did."""
    if ask.type not in CREATABLE or ask.confirm != "true":
        raise Invalid("value.required", "`type` must be a type of principals and `confirm` must be true")
    require(caller, f"{PERMISSION_PREFIXES[ask.type]}-delete")
    with kit.store.snapshot() as tx:
        tenant = kit.directory.tenant_number(ask.tenant, caller, tx=tx)
    needle = (ask.filter or "").lower()
    if next(matching(kit.directory, ask.type, needle, tenant), None) is None:
        return False
    kit.store.transact(lambda tx: kit.schedule_bulk_delete(tx, str(ask.type), needle, tenant))
    return True
