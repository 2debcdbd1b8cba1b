"""PATCH /principal/{principal_id} (S3.6)."""

from collections.abc import Callable
from typing import Any

from mailkit.accounts.edit import Change
from mailkit.errors import NotFound
from mailkit.http.declare import request
from mailkit.http.operation import prepared
from mailkit.http.stalwart import fields as take
from mailkit.http.stalwart.fields import values
from mailkit.http.stalwart.types import PERMISSION_PREFIXES
from mailkit.kit import MailKit
from mailkit.principals.permits import Caller, require
from mailkit.storage.api import Tx

__all__ = ["patch_principal"]

_FIELDS = (
    "name", "type", "description", "picture", "secrets", "quota", "usedQuota", "emails", "memberOf", "lists", "roles",
    "members", "enabledPermissions", "disabledPermissions", "urls", "externalMembers", "tenant",
)  # fmt: skip


@request
class OneChange:
    """A change of one field."""

    action: str = take.choice(("set", "addItem", "removeItem"), "What is done")
    field: str = take.choice(_FIELDS, "What it is done to")
    value: Any = values("A text, a number, or a list of either")


@request
class PatchPrincipal:
    """Which principal, and its changes."""

    principal_id: str = take.in_path("Its name")
    changes: tuple[OneChange, ...] = take.body(OneChange, "Applied in order, all or none", many=True)


@prepared
def patch_principal(kit: MailKit, ask: PatchPrincipal, caller: Caller) -> Callable[[Tx], None]:
    """Change a principal."""
    action: Any
    changes = []
    for change in ask.changes:
        action = change.action
        changes.append(Change(action, change.field, change.value))
    ready = kit.editor.prepare(tuple(changes))

    def store(tx: Tx) -> None:
        row = kit.principals.by_name(ask.principal_id, tx=tx)
        if not kit.directory.within(row, caller, tx=tx):
            raise NotFound("principal.not_found", name=ask.principal_id)
        require(caller, f"{PERMISSION_PREFIXES[row.kind]}-update")
        kit.editor.apply(row, ready, caller, tx=tx)

    return store
