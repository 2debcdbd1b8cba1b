"""A user's limits, as GET /users/{user} shows them (W2.1)."""

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

from mailkit.accounts.limits import COUNTED
from mailkit.http.declare import UNSET, UnsetType, answer
from mailkit.limits import settings as keys
from mailkit.principals.records import Principal, Profile
from mailkit.quota import decode, effective
from mailkit.quota.settings import DEFAULT as QUOTA_DEFAULT
from mailkit.settings.snapshot import Snapshot
from mailkit.storage.api import ReadTx

if TYPE_CHECKING:
    from mailkit.kit import MailKit

__all__ = ["Limit", "UserLimits", "limits_of", "quota_of", "seconds"]

_LARGEST = (1 << 53) - 1
_POP3_MESSAGES = 250
_IMAP_CONNECTIONS = 15


@answer
class Limit:
    """What is allowed, what is used of it, and the seconds until that is forgotten (false: nothing is counted)."""

    allowed: int
    used: int | UnsetType = UNSET
    ttl: int | bool | UnsetType = UNSET


@answer
class UserLimits:
    """Every limit of an account."""

    quota: Limit
    recipients: Limit
    forwards: Limit
    received: Limit
    filters: Limit
    imapUpload: Limit
    imapDownload: Limit
    pop3Download: Limit
    pop3MaxMessages: Limit
    imapMaxConnections: Limit


def limits_of(kit: "MailKit", row: Principal, profile: Profile, tx: ReadTx) -> UserLimits:
    """The limits that count for an account: its own where it has one, else the server's."""
    snapshot = kit.settings.current
    allowed, used = quota_of(kit, row, tx)
    if not profile.limits and kit.account_limits.untouched(row, tx=tx):  # most accounts at most times
        return UserLimits(quota=Limit(allowed=allowed, used=used), **_servers(snapshot))
    limits = _uncounted(snapshot, profile.limits)
    for one in kit.account_limits.explain(row, tx=tx):
        limits[one.counted.shown] = Limit(allowed=one.allowed, used=one.used, ttl=seconds(one.ttl))
    return UserLimits(quota=Limit(allowed=allowed, used=used), **limits)


def seconds(ttl: int | None) -> int | bool:
    """How long a counter lives, as WildDuck says it; false for none."""
    return False if ttl is None else -(-ttl // 1000)


def quota_of(kit: "MailKit", row: Principal, tx: ReadTx) -> tuple[int, int]:
    """Bytes allowed and used. No limit shows as the largest whole number of a JavaScript client."""
    allowed = effective(decode(row.quota), kit.settings.get(QUOTA_DEFAULT))
    return _LARGEST if allowed is None else allowed, max(0, kit.quota.used(tx, row.number))


@lru_cache(maxsize=1)
def _servers(snapshot: Snapshot) -> dict[str, Limit]:
    """The server's limits with nothing used of them, made once per settings snapshot."""
    counted = {one.shown: Limit(allowed=snapshot.get(one.default), used=0, ttl=False) for one in COUNTED}
    return {**_uncounted(snapshot, {}), **counted}


def _uncounted(snapshot: Snapshot, own: Mapping[str, int]) -> dict[str, Limit]:
    return {
        "filters": Limit(allowed=own.get("filters") or snapshot.get(keys.FILTERS), used=0),
        "pop3MaxMessages": Limit(allowed=own.get("pop3MaxMessages") or _POP3_MESSAGES),
        "imapMaxConnections": Limit(allowed=own.get("imapMaxConnections") or _IMAP_CONNECTIONS, used=0),
    }
