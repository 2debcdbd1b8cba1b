"""Used bytes, charged and credited in the transaction that stores and removes.

The law: a tenant's used bytes are the sum of its accounts'.
"""

from collections.abc import Callable

from attrs import evolve, frozen

from mailkit.errors import OverQuota
from mailkit.quota.admit import Admission, Refused, Usage, admit
from mailkit.quota.amounts import Bytes, Quota, Unlimited, effective
from mailkit.storage.api import ReadTx, Tx
from mailkit.storage.keyspace import QUOTA_USED
from mailkit.storage.tables import Counter

__all__ = ["Holder", "QuotaService"]


@frozen
class Holder:
    """What the owner of principals knows: the quota of an account or tenant, and the number of an account's tenant."""

    quota: Quota
    tenant: int | None = None


class QuotaService:
    """Keeps account of bytes by principal number.

    `holder(tx, number)` is asked, inside the transaction, for the quota and tenant of a principal (deleted but not yet
    purged ones included). `default()` says what Inherit stands for, at the time; a tenant that inherits has no limit.
    """

    def __init__(
        self, holder: Callable[[ReadTx, int], Holder], default: Callable[[], Bytes | Unlimited] = Unlimited
    ) -> None:
        self._holder = holder
        self._default = default
        self._used = Counter(QUOTA_USED)

    def used(self, tx: ReadTx, number: int) -> int:
        """Bytes kept by an account, or by all accounts of a tenant."""
        return self._used.get(tx, number)

    def usage(self, tx: ReadTx, account: int) -> Usage:
        """Used and allowed bytes of an account, its tenant aside."""
        return self._account(tx, account, self._holder(tx, account))

    def ask(self, tx: ReadTx, account: int, size: int) -> Admission:
        """Whether `size` bytes more would be taken now, and if not, who is full."""
        return self._admit(tx, account, size, self._holder(tx, account))

    def room(self, tx: ReadTx, account: int) -> int | None:
        """Bytes that an account may still keep, by its own quota and its tenant's; None for any number, 0 when it has
        too many already."""
        holder = self._holder(tx, account)
        found = [self._account(tx, account, holder)]
        if holder.tenant is not None:
            found.append(self._tenant(tx, holder.tenant))
        free = [usage.allowed - usage.used for usage in found if usage.allowed is not None]
        return max(0, min(free)) if free else None

    def charge(self, tx: Tx, account: int, size: int) -> None:
        """Counts `size` bytes more for an account and its tenant.

        Raises OverQuota, with the fields `who`, `used`, `allowed` and `size`, when either has no room for them.
        """
        holder = self._holder(tx, account)
        decision = self._admit(tx, account, size, holder)
        if isinstance(decision, Refused):
            raise _over_quota(decision)
        self._add(tx, account, holder.tenant, size)

    def credit(self, tx: Tx, account: int, size: int) -> None:
        """Counts `size` bytes less; Corrupt when more comes back than was charged."""
        self._add(tx, account, self._holder(tx, account).tenant, -size)

    def recount(self, tx: Tx, account: int, used: int) -> int:
        """Sets an account's used bytes to what was counted anew, its tenant's along with them; no admission is asked.

        Returns by how much the old figure was too low (negative: too high). With 0 it is the last step of a purge.
        """
        drift = used - self.used(tx, account)
        self._add(tx, account, self._holder(tx, account).tenant, drift)
        return drift

    def move(self, tx: Tx, account: int, *, old: int | None, new: int | None) -> None:
        """Takes an account's bytes from its old tenant to its new one; OverQuota when the new one has no room.

        To be called in the transaction that changes the account's tenant.
        """
        size = self.used(tx, account)
        if old == new or not size:
            return
        if new is not None:
            decision = admit(size, account=self._tenant(tx, new))
            if isinstance(decision, Refused):
                raise _over_quota(evolve(decision, who="tenant"))
            self._used.add(tx, size, new)
        if old is not None:
            self._used.add(tx, -size, old)

    def _admit(self, tx: ReadTx, account: int, size: int, holder: Holder) -> Admission:
        tenant = None if holder.tenant is None else self._tenant(tx, holder.tenant)
        return admit(size, account=self._account(tx, account, holder), tenant=tenant)

    def _account(self, tx: ReadTx, account: int, holder: Holder) -> Usage:
        return Usage(self.used(tx, account), effective(holder.quota, self._default()))

    def _tenant(self, tx: ReadTx, tenant: int) -> Usage:
        return Usage(self.used(tx, tenant), effective(self._holder(tx, tenant).quota, Unlimited()))

    def _add(self, tx: Tx, account: int, tenant: int | None, size: int) -> None:
        self._used.add(tx, size, account)
        if tenant is not None:
            self._used.add(tx, size, tenant)


def _over_quota(refused: Refused) -> OverQuota:
    code = "tenant.over_quota" if refused.who == "tenant" else None
    return OverQuota(
        code, refused.reason, who=refused.who, used=refused.used, allowed=refused.allowed, size=refused.size
    )
