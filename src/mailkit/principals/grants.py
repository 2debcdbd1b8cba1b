"""Effective permissions, from the store: the roles of a principal, their parents, and its tenant (Stalwart 3.9).

What follows from them is decided by `roles.granted_by`; here they are only looked up. Nothing of it is cached beyond a
transaction, so a changed role counts from the next request on.
"""

from functools import lru_cache

from mailkit.principals.members import Members
from mailkit.principals.records import Principal
from mailkit.principals.roles import ROLES, Role, granted_by
from mailkit.principals.service import Principals
from mailkit.storage.api import ReadTx, Store
from mailkit.storage.calls import OWN, reads

__all__ = ["Grants"]


@lru_cache(maxsize=4096)
def _permissions(
    roles: tuple[str, ...], enabled: tuple[str, ...], disabled: tuple[str, ...], tenant: frozenset[str] | None
) -> frozenset[str]:
    return granted_by(roles, enabled=frozenset(enabled), disabled=frozenset(disabled), tenant=tenant)


class Grants:
    """The service; it keeps nothing but its store."""

    def __init__(self, store: Store, principals: Principals, members: Members) -> None:
        self.store = store
        self._principals = principals
        self._members = members

    @reads
    def of(self, row: Principal, *, roles: tuple[str, ...] | None = None, tx: ReadTx = OWN) -> frozenset[str]:
        """The permissions of a principal, cut down to what its tenant has; with `roles` instead of its built-in ones.

        A tenant that is gone allows nothing.
        """
        bound: frozenset[str] | None = None
        if row.tenant is not None:
            tenant = self._principals.find(row.tenant, tx=tx)
            bound = frozenset() if tenant is None else self._own(tenant, tenant.roles, None, tx)
        return self._own(row, row.roles if roles is None else roles, bound, tx)

    @reads
    def of_role(self, name: str, *, tx: ReadTx = OWN) -> frozenset[str] | None:
        """What a role gives, by name; a built-in one wins over a stored one. None when there is no such role."""
        if name in ROLES:
            return _permissions((name,), (), (), None)
        row = self._principals.find_name(name, tx=tx)
        return None if row is None or row.kind != "role" else self._own(row, row.roles, None, tx)

    def _own(
        self, row: Principal, built_in: tuple[str, ...], bound: frozenset[str] | None, tx: ReadTx
    ) -> frozenset[str]:
        known = self._stored_roles(row.number, tx)
        if not known:
            return _permissions(built_in, row.enabled, row.disabled, bound)
        return granted_by(
            (*built_in, *known),
            known=known,
            enabled=frozenset(row.enabled),
            disabled=frozenset(row.disabled),
            tenant=bound,
        )

    def _stored_roles(self, number: int, tx: ReadTx) -> dict[str, Role]:
        """Every stored role that counts for a principal, parents too, under names that no built-in role has."""
        found: dict[str, Role] = {}
        waiting = [number]
        while waiting:
            for role in self._members.containers(waiting.pop(), tx=tx):
                key = f"#{role.number}"
                if role.kind == "role" and key not in found:
                    found[key] = Role(key, frozenset(role.enabled), frozenset(role.disabled), role.roles)
                    waiting.append(role.number)
        return found
