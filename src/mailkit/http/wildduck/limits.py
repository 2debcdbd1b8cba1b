"""A user's limits, as GET /users/{user} shows them (W2.1)."""

from typing import TYPE_CHECKING

from mailkit.http.declare import UNSET, UnsetType, answer
from mailkit.limits import settings as keys
from mailkit.principals.records import Principal, Profile
from mailkit.settings.registry import Key
from mailkit.storage.api import ReadTx

if TYPE_CHECKING:
    from mailkit.kit import MailKit

__all__ = ["Limit", "UserLimits", "limits_of"]

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
    usage = kit.quota.usage(tx, row.number)
    own = profile.limits

    def allowed(name: str, default: Key[int] | int) -> int:
        return own.get(name) or (default if isinstance(default, int) else kit.settings.get(default))

    def counted(name: str, default: Key[int]) -> Limit:
        return Limit(allowed=allowed(name, default), used=0, ttl=False)

    return UserLimits(
        quota=Limit(allowed=_LARGEST if usage.allowed is None else usage.allowed, used=max(0, usage.used)),
        recipients=counted("recipients", keys.RECIPIENTS_PER_DAY),
        forwards=counted("forwards", keys.FORWARDS_PER_DAY),
        received=counted("receivedMax", keys.RECEIVED_PER_MINUTE),
        filters=Limit(allowed=allowed("filters", keys.FILTERS), used=0),
        imapUpload=counted("imapMaxUpload", keys.IMAP_UPLOAD),
        imapDownload=counted("imapMaxDownload", keys.IMAP_DOWNLOAD),
        pop3Download=counted("pop3MaxDownload", keys.POP3_DOWNLOAD),
        pop3MaxMessages=Limit(allowed=allowed("pop3MaxMessages", _POP3_MESSAGES)),
        imapMaxConnections=Limit(allowed=allowed("imapMaxConnections", _IMAP_CONNECTIONS), used=0),
    )
