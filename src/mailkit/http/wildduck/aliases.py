"""Domain aliases, and domains that change their name (W2.16, W2.3)."""

from collections.abc import Iterator

from mailkit.http.declare import UNSET, UnsetType, answer, request
from mailkit.http.later import OnThread
from mailkit.http.operation import read, write
from mailkit.http.paging import Position, position
from mailkit.http.wildduck import fields as take
from mailkit.http.wildduck.fields import Logged, Paged
from mailkit.http.wildduck.reach import tenant_number
from mailkit.http.wildduck.scanning import Found, numbers_of, scan
from mailkit.http.wildduck.times import iso
from mailkit.ids import Id
from mailkit.kit import MailKit
from mailkit.principals.normalise import ascii_domain
from mailkit.principals.permits import Caller, require_whole_server
from mailkit.principals.records import DomainAlias
from mailkit.storage.api import Tx
from mailkit.storage.keyspace import DOMAIN_ALIAS_NAME

__all__ = ["create_alias", "delete_alias", "get_alias", "list_aliases", "rename_domain", "resolve_alias"]

_NAME = "getDomainAliases"
_BATCH = 500


@request
class ListAliases(Paged):
    """Which aliases."""

    query: str | None = take.text(255, "Part of the alias or of the domain", default=None)


@answer
class AliasRow:
    """A domain alias."""

    id: str
    alias: str
    domain: str


@answer
class Aliases:
    """A page of domain aliases, in order of their names."""

    total: int
    page: int
    previousCursor: str | bool
    nextCursor: str | bool
    query: str | UnsetType = UNSET
    results: tuple[AliasRow, ...]


@read
def list_aliases(kit: MailKit, ask: ListAliases, caller: Caller) -> Aliases | OnThread[Aliases]:
    """Domain aliases in order of their names."""
    require_whole_server(caller)
    asked = position(_NAME, next=ask.next, previous=ask.previous, page=ask.page)
    if ask.query:
        return OnThread(lambda: _page(ask, _scan(kit, str(ask.query), asked, ask.limit)))
    page = kit.domain_aliases.list_by_name(limit=ask.limit, after=asked.text(), reverse=asked.backwards)
    return _page(ask, Found(page.items, page.total, page.before, page.after))


def _name(row: DomainAlias) -> str:
    return ascii_domain(row.alias)


def _id(row: DomainAlias) -> str:
    return str(row.id)


def _scan(kit: MailKit, query: str, asked: Position, limit: int) -> Found[DomainAlias]:
    return scan(_matching(kit, query), _name, DOMAIN_ALIAS_NAME.key, asked=asked, limit=limit)


def _matching(kit: MailKit, query: str) -> Iterator[DomainAlias]:
    after: str | None = None
    while True:
        page = kit.domain_aliases.list_by_name(limit=_BATCH, after=after)
        yield from (row for row in page.items if query in row.alias or query in row.domain)
        if not page.after:
            return
        after = _name(page.items[-1])


def _page(ask: ListAliases, found: Found[DomainAlias]) -> Aliases:
    asked = position(_NAME, next=ask.next, previous=ask.previous, page=ask.page)
    numbers = numbers_of(_NAME, asked, ask.page, found, _name, _id)
    return Aliases(
        total=found.total,
        page=numbers.page,
        previousCursor=numbers.previous,
        nextCursor=numbers.next,
        query=UNSET if ask.query is None else ask.query,
        results=tuple(AliasRow(id=str(row.id), alias=row.alias, domain=row.domain) for row in found.rows),
    )


@request
class CreateAlias(Logged):
    """A new domain alias."""

    alias: str = take.text(255, "The domain that stands for another", lower=True)
    domain: str = take.text(255, "The domain that it stands for; need not be known", lower=True)


@answer
class Made:
    """What was made."""

    id: str


@answer
class Done:
    """It is done."""


@write
def create_alias(kit: MailKit, ask: CreateAlias, caller: Caller, tx: Tx) -> Made:
    """Make one domain stand for another."""
    require_whole_server(caller)
    return Made(id=str(kit.domain_aliases.add(ask.alias, ask.domain, now=kit.clock(), tx=tx).id))


@request
class ResolveAlias(Logged):
    """Which alias."""

    alias: str = take.text(255, "The domain that stands for another", lower=True)


@read
def resolve_alias(kit: MailKit, ask: ResolveAlias, caller: Caller) -> Made:
    """The id of a domain alias."""
    require_whole_server(caller)
    return Made(id=str(kit.domain_aliases.by_name(ask.alias).id))


@request
class OneAlias(Logged):
    """Which alias."""

    alias: Id = take.id24("The alias' id")


@answer
class Alias:
    """A domain alias."""

    id: str
    alias: str
    domain: str
    created: str


@read
def get_alias(kit: MailKit, ask: OneAlias, caller: Caller) -> Alias:
    """One domain alias."""
    require_whole_server(caller)
    row = kit.domain_aliases.get(ask.alias)
    return Alias(id=str(row.id), alias=row.alias, domain=row.domain, created=iso(row.created))


@write
def delete_alias(kit: MailKit, ask: OneAlias, caller: Caller, tx: Tx) -> Done:
    """Delete a domain alias."""
    require_whole_server(caller)
    kit.domain_aliases.remove(ask.alias, now=kit.clock(), tx=tx)
    return Done()


# ---------------------------------------------------------------- PUT /addresses/renameDomain


@request
class RenameDomain(Logged):
    """Which domain, and its new name."""

    oldDomain: str = take.text(255, "The domain", lower=True)
    newDomain: str = take.text(255, "Its new name", lower=True)


@answer
class Renamed:
    """How much is changed. With very many addresses a task does the rest; both names find them until it is done."""

    modifiedAddresses: int
    modifiedUsers: int
    modifiedDkim: int
    modifiedAliases: int
    task: str | UnsetType = UNSET


@write
def rename_domain(kit: MailKit, ask: RenameDomain, caller: Caller, tx: Tx) -> Renamed:
    """Give a domain another name, in all its addresses and the aliases that stand for it."""
    done = kit.domain_names.rename(ask.oldDomain, ask.newDomain, tenant=tenant_number(kit, caller, tx), tx=tx)
    return Renamed(
        modifiedAddresses=done.addresses,
        modifiedUsers=done.users,
        modifiedDkim=done.keys,
        modifiedAliases=done.aliases,
        task=UNSET if done.job is None else str(done.job),
    )
