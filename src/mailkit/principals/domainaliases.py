"""Domain aliases: domains whose addresses are those of another one (WildDuck 2.16)."""

from mailkit import journal
from mailkit.errors import NotFound
from mailkit.ids import Id, new_id
from mailkit.principals.normalise import ascii_domain, normal_domain
from mailkit.principals.records import DomainAlias
from mailkit.principals.tables import ALIAS_BY_NAME, ALIASES, ALIASES_OF, NUMBERS
from mailkit.storage.api import ReadTx, Store, Tx
from mailkit.storage.calls import OWN, reads, writes
from mailkit.types import Page

__all__ = ["DomainAliases"]

_COUNT = "domain alias"


class DomainAliases:
    """The service; it keeps nothing but its store."""

    def __init__(self, store: Store) -> None:
        self.store = store

    @writes
    def add(self, alias: str, domain: str, *, now: int, tx: Tx = OWN) -> DomainAlias:
        """Makes `alias` stand for `domain`, which need not be known; AlreadyExists `alias.exists`."""
        row = DomainAlias(id=new_id(now), alias=normal_domain(alias), domain=normal_domain(domain), created=now)
        ALIASES.put(tx, row, row.id)
        NUMBERS.add(tx, 1, _COUNT)
        self._tell("domainalias.created", row, now, tx)
        return row

    @writes
    def remove(self, id: Id, *, now: int, tx: Tx = OWN) -> DomainAlias:
        """NotFound `alias.not_found`."""
        row = ALIASES.delete(tx, id)
        if row is None:
            raise NotFound("alias.not_found")
        NUMBERS.add(tx, -1, _COUNT)
        self._tell("domainalias.deleted", row, now, tx)
        return row

    @staticmethod
    def _tell(kind: str, row: DomainAlias, now: int, tx: Tx) -> None:
        payload = {"domainalias": row.id, "alias": row.alias, "domain": row.domain}
        journal.add(tx, journal.Entry(kind=kind, at=now, payload=payload))

    @reads
    def get(self, id: Id, *, tx: ReadTx = OWN) -> DomainAlias:
        """By id; NotFound `alias.not_found`."""
        return ALIASES.get(tx, id)

    @reads
    def by_name(self, alias: str, *, tx: ReadTx = OWN) -> DomainAlias:
        """By the alias in any spelling; NotFound `alias.not_found`."""
        row = ALIASES.first(tx, ALIAS_BY_NAME, ascii_domain(normal_domain(alias)))
        if row is None:
            raise NotFound("alias.not_found", alias=alias)
        return row

    @reads
    def of(self, domain: str, *, tx: ReadTx = OWN) -> list[DomainAlias]:
        """The aliases that stand for a domain, oldest first."""
        return [row for _, row in ALIASES.through(tx, ALIASES_OF, ascii_domain(normal_domain(domain)))]

    @reads
    def list_by_name(
        self, *, limit: int, after: str | None = None, reverse: bool = False, tx: ReadTx = OWN
    ) -> Page[DomainAlias]:
        """A page in order of the aliases as A-labels, of those beyond `after`; with `reverse`, those before. Flat."""
        edge = None if after is None else (after,)
        rows = [row for _, row in ALIASES.through(tx, ALIAS_BY_NAME, after=edge, reverse=reverse, limit=limit + 1)]
        more = len(rows) > limit
        rows = rows[:limit]
        before, beyond = (more, edge is not None) if reverse else (edge is not None, more)
        return Page(tuple(reversed(rows) if reverse else rows), NUMBERS.get(tx, _COUNT), before, beyond)
