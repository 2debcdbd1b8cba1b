"""Memberships: which principals belong to which groups, lists, roles. Kept by number, in both directions at once."""

from collections.abc import Iterator

from attrs import frozen

from mailkit.principals.records import Principal
from mailkit.principals.relations import Field, field_of
from mailkit.principals.service import Principals
from mailkit.storage import keyspace
from mailkit.storage.api import ReadTx, Store, Tx
from mailkit.storage.calls import OWN, reads, writes

__all__ = ["Members", "Ties"]


@frozen
class Ties:
    """What a principal belonged to and what belonged to it, by number."""

    containers: tuple[int, ...]
    members: tuple[int, ...]


class Members:
    """The service; it keeps nothing but its store."""

    def __init__(self, store: Store, principals: Principals) -> None:
        self.store = store
        self._principals = principals

    @writes
    def add(self, container: int, member: int, *, tx: Tx = OWN) -> bool:
        """Puts `member` into `container`; False when it is in there. Whether the kinds fit is the caller's to see."""
        key = keyspace.MEMBER.key(container, member)
        if tx.get(key) is not None:
            return False
        tx.put(key, b"")
        tx.put(keyspace.MEMBER_OF.key(member, container), b"")
        return True

    @writes
    def remove(self, container: int, member: int, *, tx: Tx = OWN) -> bool:
        """Takes `member` out of `container`; False when it is not in there."""
        key = keyspace.MEMBER.key(container, member)
        if tx.get(key) is None:
            return False
        tx.delete(key)
        tx.delete(keyspace.MEMBER_OF.key(member, container))
        return True

    @reads
    def ties(self, number: int, *, tx: ReadTx = OWN) -> Ties:
        """Both directions."""
        return Ties(tuple(_others(tx, keyspace.MEMBER_OF, number)), tuple(_others(tx, keyspace.MEMBER, number)))

    @writes
    def forget(self, number: int, *, tx: Tx = OWN) -> Ties:
        """Removes every membership of a principal, in both directions, and returns what there was."""
        found = self.ties(number, tx=tx)
        for container in found.containers:
            self.remove(container, number, tx=tx)
        for member in found.members:
            self.remove(number, member, tx=tx)
        return found

    def of(self, container: int, *, tx: ReadTx) -> Iterator[Principal]:
        """What belongs to a principal, in order of number; lazily, in the caller's snapshot."""
        return (self._principals.get(number, tx=tx) for number in _others(tx, keyspace.MEMBER, container))

    def containers(self, member: int, *, tx: ReadTx) -> Iterator[Principal]:
        """What a principal belongs to directly, in order of number; lazily, in the caller's snapshot."""
        return (self._principals.get(number, tx=tx) for number in _others(tx, keyspace.MEMBER_OF, member))

    @reads
    def by_field(self, member: int, *, tx: ReadTx = OWN) -> dict[Field, list[Principal]]:
        """What a principal belongs to, by the field in which that shows."""
        found: dict[Field, list[Principal]] = {"memberOf": [], "lists": [], "roles": []}
        for row in self.containers(member, tx=tx):
            found[field_of(row.kind)].append(row)
        return found


def _others(tx: ReadTx, space: keyspace.Space, number: int) -> list[int]:
    return [space.parts(key)[1] for key, _ in tx.scan(*space.range(number))]
