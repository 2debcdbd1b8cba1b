"""The job that removes a deleted account's data, or what is left of another principal: step by step, each of them done
exactly once."""

from collections.abc import Callable
from typing import Final

from mailkit import journal
from mailkit.accounts.limits import AccountLimits
from mailkit.credentials.authlog import Authlog
from mailkit.credentials.service import Credentials
from mailkit.files.service import Files
from mailkit.jobs import Later, Step
from mailkit.mailstore.erase import erase_step
from mailkit.mailstore.service import MailStore
from mailkit.principals.records import Principal
from mailkit.principals.service import Principals
from mailkit.storage.api import ReadTx, Tx

__all__ = ["PURGE", "purge_handler"]

PURGE: Final = "account.purge"

_LOOK_AGAIN: Final = 3_600_000


def purge_handler(
    principals: Principals,
    credentials: Credentials,
    authlog: Authlog,
    mailstore: MailStore,
    files: Files,
    limits: AccountLimits,
) -> Callable[[Step], Later | None]:
    """Removes messages first (their blobs and bytes are given back), then everything else, then the buried record.

    An account that lingers is first put out of reach; its secrets go at once, its mail in a later run. While there is
    a hold on it nothing goes, whatever has gone before; it is looked at again every hour.
    """

    def purge(step: Step) -> Later | None:
        account: int = step.args["account"]
        total: int = step.progress.get("messages", 0)

        def held(tx: ReadTx) -> bool:
            return mailstore.holds.stops_purge(account, tx=tx)

        def erase(tx: Tx) -> tuple[int, bool] | None:
            if held(tx):
                return None
            if not step.progress:
                principals.close(account, tx=tx)  # from now on it is too late to restore it
            if files.erase_some(account, tx=tx) or authlog.erase_some(account, tx=tx):
                step.save(tx, {**step.progress, "messages": total})
                return 0, False
            removed, done = erase_step(account, blobs=mailstore.blobs, quota=mailstore.quota, tx=tx)
            if not done:
                step.save(tx, {**step.progress, "messages": total + removed})
                return removed, False
            row = principals.find_any(account, tx=tx)
            principals.forget(account, tx=tx)
            credentials.forget(account, tx=tx)
            limits.leave(account, tx=tx)
            if not step.progress.get("closed"):
                completed(row, tx)
            step.finish(tx)
            return removed, True

        def completed(row: Principal | None, tx: Tx) -> None:
            if row is None:
                return  # no account: only what lay in its tables goes
            payload = {"user": row.id, "messages": total, "task": step.job.id}
            entry = journal.Entry(kind="user.delete.completed", account=account, at=step.now(), payload=payload)
            journal.add(tx, entry)

        def close(tx: Tx) -> bool:
            if held(tx):
                return False
            row = principals.find_any(account, tx=tx)
            principals.close(account, tx=tx)
            credentials.forget(account, tx=tx)
            completed(row, tx)
            step.save(tx, {"closed": step.now()})
            return True

        linger: int = step.args.get("linger", 0)
        if linger and "closed" not in step.progress:
            return Later(step.now() + (linger if step.transact(close) else _LOOK_AGAIN))
        while True:
            outcome = step.transact(erase)
            if outcome is None:
                return Later(step.now() + _LOOK_AGAIN)
            removed, done = outcome
            if done:
                return None
            total += removed
            if step.stopping:
                return Later(step.now())

    return purge
