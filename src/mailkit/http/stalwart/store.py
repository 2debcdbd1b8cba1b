"""Maintenance of what is stored (S9.4)."""

from mailkit.http.declare import request
from mailkit.http.operation import write
from mailkit.http.stalwart import fields as take
from mailkit.kit import MailKit
from mailkit.principals.permits import Caller
from mailkit.storage.api import Tx

__all__ = ["reindex_account", "reindex_all"]


@request
class ReindexAll:
    """Nothing is asked for."""


@write
def reindex_all(kit: MailKit, ask: ReindexAll, caller: Caller, tx: Tx) -> None:
    """Make the search index of every account anew, in the background; of the caller's tenant, if it is in one."""
    kit.rebuild_indexes(tx, kit.directory.tenant_number(None, caller, tx=tx))


@request
class ReindexAccount:
    """Which account."""

    account_id: str = take.in_path("Its name")


@write
def reindex_account(kit: MailKit, ask: ReindexAccount, caller: Caller, tx: Tx) -> None:
    """Make the search index of an account anew, in the background."""
    row = kit.directory.named(ask.account_id, caller, ("individual", "group"), tx=tx)
    kit.search.rebuild(row.number, tx=tx)
