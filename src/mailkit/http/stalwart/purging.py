"""Purges (S9.4): work that comes back by itself is done at once, in the background. And an account's used bytes."""

from typing import Final

from mailkit.errors import NotFound, NotSupported
from mailkit.housekeeping import FORGET
from mailkit.http.declare import request
from mailkit.http.operation import read, slow, write
from mailkit.http.stalwart import fields as take
from mailkit.kit import MailKit
from mailkit.principals.permits import Caller, require_whole_server
from mailkit.storage.api import Tx

__all__ = [
    "get_quota",
    "purge_account",
    "purge_account_keys",
    "purge_accounts",
    "purge_blobs",
    "purge_data",
    "purge_data_of",
    "purge_keys",
    "purge_memory",
    "purge_memory_of",
    "recount_quota",
]

_STORES: Final = ("default",)
"""Ids of stores; there is one, for everything."""

_DATA: Final = ("archive.purge", "receipts.expire", "jobs.cleanup", "journal.trim")
_MEMORY: Final = ("limits.cleanup", "access.expire")
_UNBUILT: Final = ("bayes-global", "bayes-account")
"""Classes of keys that are kept here and cannot be dropped as a whole yet."""
_CLASSES: Final = ("oauth", "rate-auth")
"""Those that can."""


def _soon(kit: MailKit, kinds: tuple[str, ...], tx: Tx) -> None:
    """Beside the periodic jobs of these kinds; asked for twice, they run once (S9.4)."""
    for kind in kinds:
        kit.jobs.schedule(tx, kind, due=kit.clock(), key="asked")


def _check(store: str) -> None:
    if store not in _STORES:
        raise NotFound("store.unknown", "There is no such store", store=store)


def _check_class(prefix: str) -> None:
    if prefix in _UNBUILT:
        raise NotSupported("operation.not_built", f"{prefix} cannot be purged yet")


@request
class PurgeBlobs:
    """Nothing is asked for."""


@write
def purge_blobs(kit: MailKit, ask: PurgeBlobs, caller: Caller, tx: Tx) -> None:
    """Remove content that nobody has referred to for an hour."""
    require_whole_server(caller)
    _soon(kit, ("blobs.purge",), tx)


@request
class PurgeEverything:
    """Nothing is asked for."""


@request
class PurgeStore:
    """Which store."""

    store: str = take.in_path("`default`")


@request
class PurgeKeys(PurgeStore):
    """Which keys of it."""

    prefix: str = take.in_path("A class of keys")


@request
class PurgeAccountKeys(PurgeKeys):
    """Whose."""

    account_id: str = take.in_path("An account's name")


@write
def purge_data(kit: MailKit, ask: PurgeEverything, caller: Caller, tx: Tx) -> None:
    """Remove what is over: archived messages, receipts, ended jobs, old journal entries."""
    require_whole_server(caller)
    _soon(kit, _DATA, tx)


@write
def purge_data_of(kit: MailKit, ask: PurgeStore, caller: Caller, tx: Tx) -> None:
    """The same for one store."""
    require_whole_server(caller)
    _check(ask.store)
    _soon(kit, _DATA, tx)


@write
def purge_memory(kit: MailKit, ask: PurgeEverything, caller: Caller, tx: Tx) -> None:
    """Remove counters, codes, tokens and login events whose time is over."""
    require_whole_server(caller)
    _soon(kit, _MEMORY, tx)


@write
def purge_memory_of(kit: MailKit, ask: PurgeStore, caller: Caller, tx: Tx) -> None:
    """The same for one store."""
    require_whole_server(caller)
    _check(ask.store)
    _soon(kit, _MEMORY, tx)


@write
def purge_keys(kit: MailKit, ask: PurgeKeys, caller: Caller, tx: Tx) -> None:
    """Remove a class of keys. Of those that nothing is kept of here, as of unknown ones: what is over (S9.4)."""
    require_whole_server(caller)
    _check(ask.store)
    _check_class(ask.prefix)
    if ask.prefix in _CLASSES:
        kit.jobs.schedule(tx, FORGET, {"prefix": ask.prefix}, due=kit.clock(), key=ask.prefix)
    else:
        _soon(kit, _MEMORY, tx)


@write
def purge_account_keys(kit: MailKit, ask: PurgeAccountKeys, caller: Caller, tx: Tx) -> None:
    """Remove a class of keys of one account; only spam models have such a class, so it is what is over that goes."""
    require_whole_server(caller)
    _check(ask.store)
    _check_class(ask.prefix)
    _soon(kit, _MEMORY, tx)


@request
class PurgeAccounts:
    """Nothing is asked for."""


@slow
def purge_accounts(kit: MailKit, ask: PurgeAccounts, caller: Caller) -> None:
    """Remove messages and archived messages whose time is over, of every account that the caller reaches."""

    def all_of(tx: Tx) -> None:
        tenant = kit.directory.tenant_number(None, caller, tx=tx)
        if tenant is None:
            _soon(kit, ("mail.expire", "archive.purge"), tx)
            return
        for row in kit.principals.of_tenant(tenant, ("individual", "group"), tx=tx):
            kit.mailstore.upkeep(row.number, tx=tx)

    kit.store.transact(all_of)


@request
class OneAccount:
    """Which account."""

    account_id: str = take.in_path("Its name")


@write
def purge_account(kit: MailKit, ask: OneAccount, caller: Caller, tx: Tx) -> None:
    """Remove an account's messages and archived messages whose time is over, and outdated index entries."""
    row = kit.directory.named(ask.account_id, caller, ("individual", "group"), tx=tx)
    kit.mailstore.upkeep(row.number, tx=tx)


@read
def get_quota(kit: MailKit, ask: OneAccount, caller: Caller) -> int:
    """Bytes that an account keeps; archived messages don't count."""
    with kit.store.snapshot() as tx:
        row = kit.directory.named(ask.account_id, caller, ("individual", "group"), tx=tx)
        return kit.quota.used(tx, row.number)


@slow
def recount_quota(kit: MailKit, ask: OneAccount, caller: Caller) -> int:
    """Count an account's bytes anew."""
    with kit.store.snapshot() as tx:
        row = kit.directory.named(ask.account_id, caller, ("individual", "group"), tx=tx)
    return kit.users.recount(row.number).after
