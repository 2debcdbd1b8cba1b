"""What administrators do with users: log out, count again, restore (W2.1)."""

from mailkit.accounts.by import By
from mailkit.errors import NotFound
from mailkit.http.declare import UNSET, UnsetType, answer, request
from mailkit.http.operation import read, slow, write
from mailkit.http.wildduck import fields as take
from mailkit.http.wildduck.fields import Logged
from mailkit.http.wildduck.reach import tenant_number, user_within
from mailkit.http.wildduck.times import iso
from mailkit.ids import Id
from mailkit.kit import MailKit
from mailkit.principals.permits import Caller, hidden
from mailkit.principals.records import Deleted, Profile
from mailkit.storage.api import ReadTx, Tx

__all__ = ["logout_user", "recount_all", "recount_user", "restore_info", "restore_user"]


@request
class Logout(Logged):
    """Which user, and why."""

    user: Id = take.id24("The user, or `me`")
    reason: str = take.text(128, "What the user is told", default="Logout requested from API")


@answer
class Done:
    """It is done."""


@write
def logout_user(kit: MailKit, ask: Logout, caller: Caller, tx: Tx) -> Done:
    """Close a user's sessions and update streams; access tokens stay."""
    kit.users.logout(user_within(kit, ask.user, caller, tx=tx), ask.reason, tx=tx)
    return Done()


@request
class OneUser(Logged):
    """Which user."""

    user: Id = take.id24("The user, or `me`")


@request
class Nothing(Logged):
    """No parameters of its own."""


@answer
class Recounted:
    """Bytes now, and as they were thought to be."""

    storageUsed: int
    previousStorageUsed: int


@slow
def recount_user(kit: MailKit, ask: OneUser, caller: Caller) -> Recounted:
    """Count a user's bytes anew."""

    with kit.store.snapshot() as tx:
        row = user_within(kit, ask.user, caller, tx=tx)
    done = kit.users.recount(row.number)
    return Recounted(storageUsed=done.after, previousStorageUsed=done.before)


@answer
class Scheduled:
    """The task that does it."""

    task: str


@write
def recount_all(kit: MailKit, ask: Nothing, caller: Caller, tx: Tx) -> Scheduled:
    """Count everybody's bytes anew, in the background."""
    if caller.tenant is not None:
        raise NotFound("path.unknown", "All users are for the server's administrators to count")
    return Scheduled(task=str(kit.users.recount_all(tx=tx)))


# ---------------------------------------------------------------- deleted users


@answer
class DeletedUser:
    """A deleted user whose data is still there."""

    user: str
    username: str
    storageUsed: int
    tags: tuple[str, ...] | UnsetType = UNSET
    deleted: str
    recoverableAddresses: tuple[str, ...]


def _buried(kit: MailKit, id: Id, caller: Caller, tx: ReadTx) -> Deleted:
    row = kit.principals.buried(id, tx=tx)
    foreign = caller.tenant is not None and row.principal.tenant != tenant_number(kit, caller, tx)
    if row.principal.kind != "individual" or foreign:
        raise NotFound("account.not_found", "This account does not exist", id=str(id))
    return row


@read
def restore_info(kit: MailKit, ask: OneUser, caller: Caller) -> DeletedUser:
    """A deleted user that may be restored."""
    with kit.store.snapshot() as tx:
        row = _buried(kit, ask.user, caller, tx)
        tags = (row.principal.profile or Profile()).tags
        addresses = (kit.addresses.where_now(one, tx=tx) for one in row.rows)
        return DeletedUser(
            user=str(ask.user),
            username=row.principal.name,
            storageUsed=max(0, kit.quota.used(tx, row.principal.number)),
            tags=tags if tags and "tags" not in hidden(caller, "users") else UNSET,
            deleted=iso(row.at),
            recoverableAddresses=tuple(one.value for one in addresses if one is not None),
        )


@answer
class Recovered:
    """Addresses that came back, and which of them is the main one."""

    recovered: int
    main: str | UnsetType = UNSET


@answer
class RestoredUser:
    """What came back, and the task that will not run."""

    code: str
    user: str
    task: str | UnsetType = UNSET
    addresses: Recovered


@write
def restore_user(kit: MailKit, ask: OneUser, caller: Caller, tx: Tx) -> RestoredUser:
    """Restore a deleted user with the addresses that are still free."""
    _buried(kit, ask.user, caller, tx)
    done = kit.accounts.restore(ask.user, by=By(ask.ip, ask.sess), tx=tx)
    return RestoredUser(
        code="RequestProcessed" if done.job is None else "TaskCancelled",
        user=str(ask.user),
        task=UNSET if done.job is None else str(done.job),
        addresses=Recovered(recovered=len(done.addresses), main=UNSET if done.main is None else done.main),
    )
