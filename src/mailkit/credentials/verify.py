"""`mailkit check` for credentials: every row has its index entries, every entry its row, every counter is right.

What lies in an account's tables goes with the account at once; entries by time go when their time comes. So an entry by
time whose account is gone is no finding.
"""

import struct
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from typing import Any, Generic, TypeVar

from attrs import field, frozen

from mailkit.credentials import tables
from mailkit.credentials.appservice import APP_KEY
from mailkit.credentials.records import (
    AppPassword,
    AuthEvent,
    Challenge,
    Grant,
    Revoked,
    Secrets,
    Token,
    WebAuthnCredential,
)
from mailkit.credentials.service import TEMPORARY_KEY
from mailkit.credentials.tokens import LIFETIME
from mailkit.errors import MailKitError
from mailkit.storage import keyspace
from mailkit.storage.api import Store
from mailkit.storage.keyspace import Space
from mailkit.storage.tables import Table
from mailkit.storage.verify import Finding, error, notice, rows
from mailkit.storage.walk import walk

__all__ = ["verify"]

T = TypeVar("T")
Parts = tuple[Any, ...]
Entry = tuple[Space, Parts, bytes]


@frozen
class _Linked(Generic[T]):
    """A table and its entries elsewhere: those that a row demands, and per index which row an entry belongs to."""

    table: Table[T]
    demands: Callable[[Parts, T], Iterator[Entry]]
    indexes: dict[Space, Callable[[Parts, bytes], Parts]] = field(factory=dict)


def _token(parts: Parts, row: Token) -> Iterator[Entry]:
    (key,) = parts
    if row.owner is not None:
        yield keyspace.OWNER_TOKEN, (row.owner, key), b""
    if row.ttl is not None:
        yield keyspace.TOKEN_END, (row.created + LIFETIME, key), b""


def _asp(parts: Parts, row: AppPassword) -> Iterator[Entry]:
    owner, id = parts
    if row.lookup is not None:
        yield keyspace.ASP_LOOKUP, (owner, row.lookup), bytes(id)
    if row.expires is not None:
        yield keyspace.ASP_END, (row.expires, owner, id), b""


def _webauthn(parts: Parts, row: WebAuthnCredential) -> Iterator[Entry]:
    owner, id = parts
    yield keyspace.WEBAUTHN_RAW, (owner, tables.raw_digest(row.raw_id)), bytes(id)


def _challenge(parts: Parts, row: Challenge) -> Iterator[Entry]:
    owner, digest = parts
    yield keyspace.CHALLENGE_END, (row.expires, owner, digest), b""


def _event(parts: Parts, row: AuthEvent) -> Iterator[Entry]:
    owner, id = parts
    yield keyspace.AUTHLOG_END, (row.expires, owner, id), b""


def _grant(parts: Parts, row: Grant) -> Iterator[Entry]:
    (digest,) = parts
    yield keyspace.GRANT_END, (row.expires, digest), b""
    if row.user_code is not None and row.account is None:
        yield keyspace.USER_CODE, (row.user_code,), bytes(digest)


def _revoked(parts: Parts, row: Revoked) -> Iterator[Entry]:
    (grant,) = parts
    yield keyspace.REVOKED_END, (row.until, grant), b""


_GLOBAL: tuple[_Linked[Any], ...] = (
    _Linked(
        tables.TOKENS,
        _token,
        {keyspace.OWNER_TOKEN: lambda parts, _: parts[1:], keyspace.TOKEN_END: lambda parts, _: parts[1:]},
    ),
    _Linked(
        tables.GRANTS,
        _grant,
        {keyspace.GRANT_END: lambda parts, _: parts[1:], keyspace.USER_CODE: lambda _, value: (value,)},
    ),
    _Linked(tables.REVOKED, _revoked, {keyspace.REVOKED_END: lambda parts, _: parts[1:]}),
)
_OF_ACCOUNT: tuple[_Linked[Any], ...] = (
    _Linked(tables.ASPS, _asp, {keyspace.ASP_LOOKUP: lambda parts, value: (parts[0], value)}),
    _Linked(tables.WEBAUTHN, _webauthn, {keyspace.WEBAUTHN_RAW: lambda parts, value: (parts[0], value)}),
    _Linked(tables.CHALLENGES, _challenge),
    _Linked(tables.AUTHLOG, _event),
)
_BY_TIME: tuple[_Linked[Any], ...] = (
    _Linked(tables.ASPS, _asp, {keyspace.ASP_END: lambda parts, _: parts[1:]}),
    _Linked(tables.CHALLENGES, _challenge, {keyspace.CHALLENGE_END: lambda parts, _: parts[1:]}),
    _Linked(tables.AUTHLOG, _event, {keyspace.AUTHLOG_END: lambda parts, _: parts[1:]}),
)
_PLAIN: tuple[Table[Any], ...] = (tables.LAST_LOGIN, tables.KNOWN, tables.USED_CODES)


def verify(
    store: Store,
    numbers: Collection[int],
    unseal: Callable[[int, Secrets], object],
    keys: Collection[str],
) -> Iterator[Finding]:
    """Looks at everything. `numbers` are those of all principals, deleted ones included; `unseal` opens the sealed
    seeds of one, or raises what is wrong with them; `keys` are the named keys there are."""
    known = set(numbers)
    keyed: set[str] = set()
    factors: Counter[int] = Counter()
    for key, row in rows(store, tables.SECRETS):
        (owner,) = keyspace.SECRETS.parts(key)
        if isinstance(row, Finding):
            yield row
            continue
        factors[owner] = row.webauthn
        if row.temporary is not None and row.temporary.lookup is not None:
            keyed.add(TEMPORARY_KEY)
        if owner not in known:
            yield error("secrets", f"principal {owner}, whose they are, is not there")
        try:
            unseal(owner, row)
        except MailKitError as problem:
            yield error("secrets", f"principal {owner}: a TOTP seed does not open: {problem.message}")
    for linked in _GLOBAL:
        yield from _rows_of(store, linked)
        yield from _entries_of(store, linked)
    for key, token in rows(store, tables.TOKENS):
        if not isinstance(token, Finding) and token.owner is not None and token.owner not in known:
            yield error("token", f"{key.hex()}: principal {token.owner}, whose it is, is not there")
    for owner in sorted(known):
        if next(walk(store, *keyspace.ASP_LOOKUP.range(owner), step=1), None) is not None:
            keyed.add(APP_KEY)
        yield from _account(store, owner, factors[owner])
    for name in sorted(keyed - set(keys)):
        yield error("sealing", f"the key '{name}' is not there: what is kept by it can never be right again")
    for linked in _BY_TIME:
        yield from _entries_of(store, linked, of=known)


def _account(store: Store, owner: int, factors: int) -> Iterator[Finding]:
    counts: Counter[Table[Any]] = Counter()
    for linked in _OF_ACCOUNT:
        yield from _rows_of(store, linked, owner, counts=counts)
        yield from _entries_of(store, linked, owner)
    for plain in _PLAIN:
        yield from (row for _, row in rows(store, plain, owner) if isinstance(row, Finding))
    with store.snapshot() as tx:
        passwords, events = tables.ASP_COUNT.get(tx, owner), tables.AUTHLOG_COUNT.get(tx, owner)
    for what, counted, there in (
        ("application passwords", passwords, counts[tables.ASPS]),
        ("login events", events, counts[tables.AUTHLOG]),
        ("WebAuthn credentials", factors, counts[tables.WEBAUTHN]),
    ):
        if counted != there:
            yield error("credentials", f"account {owner}: the counter says {counted} {what}, there are {there}")
    yield from _latest(store, owner)


def _rows_of(
    store: Store, linked: _Linked[Any], *prefix: object, counts: Counter[Table[Any]] | None = None
) -> Iterator[Finding]:
    space = linked.table.space
    for key, row in rows(store, linked.table, *prefix):
        if counts is not None:
            counts[linked.table] += 1
        if isinstance(row, Finding):
            yield row
            continue
        with store.snapshot() as tx:
            for index, parts, value in linked.demands(space.parts(key), row):
                if tx.get(index.key(*parts)) != value:
                    yield error(space.name, f"{key.hex()}: its entry in '{index.name}' is missing or not its own")


def _entries_of(
    store: Store, linked: _Linked[Any], *prefix: object, of: Collection[int] | None = None
) -> Iterator[Finding]:
    """Entries that no row demands; with `of`, entries by time, of these accounts only."""
    for index, row_of in linked.indexes.items():
        for key, value in walk(store, *index.range(*prefix)):
            parts = index.parts(key)
            if of is not None and parts[1] not in of:
                continue
            primary = row_of(parts, value)
            try:
                with store.snapshot() as tx:
                    row = linked.table.find(tx, *primary)
            except MailKitError:
                continue  # the row was found to be unreadable already
            except (ValueError, TypeError, struct.error):
                row = None  # what the entry points to is no key
            if row is None or (index, parts, value) not in linked.demands(primary, row):
                yield error(index.name, f"{key.hex()} belongs to no row that claims it")


def _latest(store: Store, owner: int) -> Iterator[Finding]:
    """Which line a further event of a kind is added to: a line of that kind. Without one, events are merged less."""
    for key, value in walk(store, *keyspace.AUTHLOG_KEY.range(owner)):
        try:
            with store.snapshot() as tx:
                row = tables.AUTHLOG.find(tx, owner, value)
        except MailKitError:
            continue
        except (ValueError, TypeError, struct.error):
            row = None
        if row is None or row.key != keyspace.AUTHLOG_KEY.parts(key)[1]:
            yield error("login event", f"{key.hex()}: the latest of its kind is not there, or of another kind")
    for key, line in rows(store, tables.AUTHLOG, owner):
        if isinstance(line, Finding):
            continue
        with store.snapshot() as tx:
            if tx.get(keyspace.AUTHLOG_KEY.key(owner, line.key)) is None:
                yield notice("login event", f"{key.hex()}: no event will be added to it")
