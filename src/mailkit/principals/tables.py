"""Where principals and addresses are kept, and every way to find them."""

from collections.abc import Iterator
from typing import Any

from mailkit.principals.normalise import login_view
from mailkit.principals.records import KINDS, Address, Deleted, Principal
from mailkit.storage import keyspace
from mailkit.storage.codec import Codec
from mailkit.storage.tables import Counter, Index, Table, Unique

__all__ = [
    "ADDRESSES",
    "BY_ID",
    "BY_KIND_ID",
    "BY_KIND_NAME",
    "BY_LOGIN",
    "BY_NAME",
    "BY_OWNER",
    "BY_VIEW",
    "DELETED",
    "DOMAIN_COUNT",
    "KIND_COUNT",
    "NUMBERS",
    "PRINCIPALS",
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

NUMBERS = Counter(keyspace.COUNTERS)
"""`principal`: the highest number given out so far."""

PRINCIPALS = Table[Principal](
    keyspace.PRINCIPAL,
    Codec(Principal),
    indexes=[BY_ID, BY_NAME, BY_LOGIN, BY_KIND_NAME, BY_KIND_ID],
    missing="principal.not_found",
)

DELETED = Table[Deleted](keyspace.DELETED, Codec(Deleted), missing="principal.not_found")

BY_VIEW = Unique[Address](
    keyspace.ADDRESS_VIEW, lambda row: [(row.view,)], code="address.exists", fields=lambda row: {"address": row.value}
)
BY_OWNER = Index[Address](keyspace.OWNER_ADDRESS, lambda row: [(row.owner, row.id)])
DOMAIN_COUNT = Counter(keyspace.DOMAIN_COUNT)

ADDRESSES = Table[Address](keyspace.ADDRESS, Codec(Address), indexes=[BY_VIEW, BY_OWNER], missing="address.not_found")
