"""Where principals and addresses are kept, and every way to find them."""

from collections.abc import Iterator
from typing import Any

from mailkit.principals.normalise import ascii_domain, login_view
from mailkit.principals.records import KINDS, Address, Deleted, DomainAlias, DomainRename, Principal
from mailkit.storage import keyspace
from mailkit.storage.codec import Codec
from mailkit.storage.tables import Counter, Index, Table, Unique

__all__ = [
    "ADDRESSES",
    "ALIASES",
    "ALIASES_OF",
    "ALIAS_BY_NAME",
    "BY_DOMAIN",
    "BY_ID",
    "BY_KIND_ID",
    "BY_KIND_NAME",
    "BY_LOGIN",
    "BY_NAME",
    "BY_OWNER",
    "BY_TENANT",
    "BY_VIEW",
    "DELETED",
    "DELETED_BY_ID",
    "DOMAIN_COUNT",
    "KIND_COUNT",
    "NUMBERS",
    "PRINCIPALS",
    "RENAMES",
    "TENANT_COUNT",
]


def _login(row: Principal) -> Iterator[tuple[Any, ...]]:
    if row.kind == "individual":
        yield (login_view(row.name),)


BY_ID = Unique[Principal](keyspace.PRINCIPAL_ID, lambda row: [(row.id,)])
BY_NAME = Unique[Principal](
    keyspace.PRINCIPAL_NAME, lambda row: [(row.name,)], code="principal.exists", fields=lambda row: {"name": row.name}
)
BY_LOGIN = Unique[Principal](
    keyspace.LOGIN_VIEW, _login, code="principal.exists", fields=lambda row: {"name": row.name}
)
BY_KIND_NAME = Index[Principal](keyspace.KIND_NAME, lambda row: [(KINDS[row.kind], row.name, row.number)])
BY_KIND_ID = Index[Principal](keyspace.KIND_ID, lambda row: [(KINDS[row.kind], row.id, row.number)])
KIND_COUNT = Counter(keyspace.KIND_COUNT)
TENANT_COUNT = Counter(keyspace.TENANT_COUNT)


def _tenant(row: Principal) -> Iterator[tuple[Any, ...]]:
    if row.tenant is not None:
        yield row.tenant, KINDS[row.kind], row.name, row.number


BY_TENANT = Index[Principal](keyspace.TENANT_NAME, _tenant)

NUMBERS = Counter(keyspace.COUNTERS)
"""`principal`: the highest number given out so far; `address`, `domain alias`: how many there are."""

_REMEMBERED = 1_000
"""Records kept as they were read: every request and every delivery asks for the same few, several times."""

PRINCIPALS = Table[Principal](
    keyspace.PRINCIPAL,
    Codec(Principal, remember=_REMEMBERED),
    indexes=[BY_ID, BY_NAME, BY_LOGIN, BY_KIND_NAME, BY_KIND_ID, BY_TENANT],
    missing="principal.not_found",
)

DELETED_BY_ID = Unique[Deleted](keyspace.DELETED_ID, lambda row: [(row.principal.id,)])
DELETED = Table[Deleted](keyspace.DELETED, Codec(Deleted), indexes=[DELETED_BY_ID], missing="account.not_found")

BY_VIEW = Unique[Address](
    keyspace.ADDRESS_VIEW, lambda row: [(row.view,)], code="address.exists", fields=lambda row: {"address": row.value}
)
BY_OWNER = Index[Address](keyspace.OWNER_ADDRESS, lambda row: [(row.owner, row.id)])
BY_DOMAIN = Index[Address](keyspace.DOMAIN_ADDRESS, lambda row: [(row.domain, row.id)])
DOMAIN_COUNT = Counter(keyspace.DOMAIN_COUNT)

ADDRESSES = Table[Address](
    keyspace.ADDRESS,
    Codec(Address, remember=_REMEMBERED),
    indexes=[BY_VIEW, BY_OWNER, BY_DOMAIN],
    missing="address.not_found",
)

ALIAS_BY_NAME = Unique[DomainAlias](
    keyspace.DOMAIN_ALIAS_NAME,
    lambda row: [(ascii_domain(row.alias),)],
    code="alias.exists",
    fields=lambda row: {"alias": row.alias},
)
ALIASES_OF = Index[DomainAlias](keyspace.DOMAIN_ALIAS_TARGET, lambda row: [(ascii_domain(row.domain), row.id)])
ALIASES = Table[DomainAlias](
    keyspace.DOMAIN_ALIAS, Codec(DomainAlias), indexes=[ALIAS_BY_NAME, ALIASES_OF], missing="alias.not_found"
)
RENAMES = Table[DomainRename](keyspace.DOMAIN_RENAME, Codec(DomainRename))
