"""Whom a caller reaches. A caller inside a tenant sees its tenant's accounts only; others don't exist for it."""

from typing import TYPE_CHECKING

from mailkit.errors import NotFound
from mailkit.ids import Id
from mailkit.principals.permits import Caller
from mailkit.principals.records import Principal
from mailkit.storage.api import ReadTx

if TYPE_CHECKING:
    from mailkit.kit import MailKit

__all__ = ["tenant_number", "user_within"]


def tenant_number(kit: "MailKit", caller: Caller, tx: ReadTx) -> int | None:
    """The number of the caller's tenant; None for a caller without one."""
    return None if caller.tenant is None else kit.principals.by_id(caller.tenant, tx=tx).number


def user_within(kit: "MailKit", id: Id, caller: Caller, *, tx: ReadTx) -> Principal:
    """The user with this id; NotFound `user.not_found`, also when it belongs to another tenant than the caller."""
    row = kit.principals.user(id, tx=tx)
    if caller.tenant is not None and row.tenant != tenant_number(kit, caller, tx):
        raise NotFound("user.not_found", id=str(id))
    return row
