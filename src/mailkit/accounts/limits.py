"""What an account may do in a day or a minute: which counter, how much of it, and what is left (WildDuck 3.11).

A limit is the account's own where it has one, else the server's setting, looked up when it is asked for. Counting
stands in the transaction of what is counted; only downloads, which change nothing, are counted by process
(`limits.metered`).
"""

from collections.abc import Callable, Iterator
from typing import Final

from attrs import frozen

from mailkit.clock import Clock
from mailkit.errors import RateLimited
from mailkit.limits import Limit, Limits, Status
from mailkit.limits import settings as keys
from mailkit.limits.decide import Limited
from mailkit.limits.metered import Metered
from mailkit.principals.records import Principal, Profile
from mailkit.settings.registry import Key
from mailkit.storage.api import ReadTx, Store, Tx

__all__ = [
    "COUNTED", "DOWNLOAD", "FORWARD", "OWN_LIMITS", "POP3_DOWNLOAD", "RECEIVE", "SEND", "UPLOAD", "AccountLimits",
    "Counted", "Explained",
]  # fmt: skip

_DAY: Final = 86_400_000


@frozen
class Counted:
    """Something that is counted by account."""

    name: str
    """The user's own limit: its name in `Profile.limits`, which is WildDuck's."""
    counter: str
    shown: str
    """The name under which WildDuck shows it."""
    default: Key[int]
    doing: str
    """In words, for whoever is refused."""
    length: int = _DAY

    @property
    def period(self) -> str:
        """In words."""
        return "daily" if self.length == _DAY else "minute's"


SEND: Final = Counted("recipients", "recipients", "recipients", keys.RECIPIENTS_PER_DAY, "sending")
"""Per recipient of what is submitted. Nothing submits yet."""
FORWARD: Final = Counted("forwards", "forwards", "forwards", keys.FORWARDS_PER_DAY, "forwarding")
"""Per target. Nothing forwards yet."""
RECEIVE: Final = Counted("receivedMax", "received", "received", keys.RECEIVED_PER_MINUTE, "receiving", 60_000)
"""Per message and recipient address."""
UPLOAD: Final = Counted("imapMaxUpload", "imap.upload", "imapUpload", keys.IMAP_UPLOAD, "upload")
"""Bytes of messages that clients store, by whatever protocol."""
DOWNLOAD: Final = Counted("imapMaxDownload", "imap.download", "imapDownload", keys.IMAP_DOWNLOAD, "download")
"""Bytes of messages and attachments that clients fetch, by whatever protocol but POP3."""
POP3_DOWNLOAD: Final = Counted("pop3MaxDownload", "pop3.download", "pop3Download", keys.POP3_DOWNLOAD, "download")
"""Bytes that POP3 clients fetch. There is no POP3 yet."""

COUNTED: Final = (SEND, FORWARD, RECEIVE, UPLOAD, DOWNLOAD, POP3_DOWNLOAD)
OWN_LIMITS: Final = (
    "recipients", "forwards", "filters", "imapMaxUpload", "imapMaxDownload", "pop3MaxDownload", "pop3MaxMessages",
    "imapMaxConnections", "receivedMax",
)  # fmt: skip
"""What an account may have a limit of its own for: names in `Profile.limits`, which are WildDuck's."""

_BY_NAME: Final = {counted.name: counted for counted in COUNTED}


@frozen
class Explained:
    """One limit of an account: what is allowed and why, how much is used, and for how long (ms; None: not at all)."""

    counted: Counted
    allowed: int
    own: bool
    """True: the account's own; False: the server's setting."""
    used: int
    ttl: int | None

    @property
    def reason(self) -> str:
        """In words."""
        source = "the account's own limit" if self.own else f"the setting {self.counted.default.name}"
        left = f"{self.used} of {self.allowed} used ({source})"
        return left if self.ttl is None else f"{left}, forgotten in {-(-self.ttl // 1000)} s"


class AccountLimits:
    """The use case. `setting(key)` is the present value of a setting."""

    def __init__(self, store: Store, limits: Limits, *, clock: Clock, setting: Callable[[Key[int]], int]) -> None:
        self._limits = limits
        self._metered = Metered(store, limits)
        self._clock = clock
        self._setting = setting

    def window(self, row: Principal, counted: Counted) -> Limit:
        """How much of something an account may do, and in which time."""
        return Limit(self._own(row, counted) or self._setting(counted.default), counted.length)

    @staticmethod
    def _own(row: Principal, counted: Counted) -> int:
        if counted is FORWARD and row.forwarding is not None:
            return row.forwarding.limit
        return (row.profile or Profile()).limits.get(counted.name, 0)

    def take(self, row: Principal, counted: Counted, n: int, *, tx: Tx) -> Status:
        """Counts `n` more; RateLimited when all that is allowed is used already."""
        try:
            return self._limits.take(
                tx, _who(row.number), counted.counter, n, self.window(row, counted), now=self._clock()
            )
        except RateLimited as refused:
            raise _refusal(counted, refused.fields["retry_after"]) from refused

    def ask(self, row: Principal, counted: Counted, *, tx: ReadTx) -> Limited | None:
        """Why nothing more may be done; None when it may. Counts nothing."""
        window = self.window(row, counted)
        status = self._metered.status(tx, _who(row.number), counted.counter, window, now=self._clock())
        if window.allowed is None or status.used < window.allowed:
            return None
        return Limited(status.used, window.allowed, status.ttl)

    def check(self, row: Principal, counted: Counted, *, tx: ReadTx) -> None:
        """RateLimited when nothing more may be done; counts nothing."""
        refused = self.ask(row, counted, tx=tx)
        if refused is not None:
            raise _refusal(counted, refused.retry_after)

    def receive(self, row: Principal, *, enforced: bool, tx: Tx) -> str | None:
        """Counts a message that an account receives; why it may not, else None.

        An account's own limit is always kept. The server's is published, and kept if it is `enforced`: the gateway in
        front may do so already, and an import brings more than a minute's mail (WildDuck enforces it in the gateway).
        """
        refused = self.ask(row, RECEIVE, tx=tx)
        if refused is None:
            self.take(row, RECEIVE, 1, tx=tx)
            return None
        return refused.reason if enforced or self._own(row, RECEIVE) else None

    def note(self, row: Principal, counted: Counted, n: int) -> Callable[[], None] | None:
        """Counts `n` more of what changes nothing else; returns what there is to write, on a thread, if anything."""
        who, window = _who(row.number), self.window(row, counted)
        if not self._metered.note(who, counted.counter, n, window, now=self._clock()):
            return None
        return lambda: self._metered.write(who, counted.counter, window, now=self._clock())

    def untouched(self, row: Principal, *, tx: ReadTx) -> bool:
        """True when surely nothing is used of any limit: cheaper than to ask for each."""
        return not self._metered.known(tx, _who(row.number))

    def explain(self, row: Principal, *, tx: ReadTx) -> Iterator[Explained]:
        """Every limit of an account."""
        for counted in COUNTED:
            window = self.window(row, counted)
            status = self._metered.status(tx, _who(row.number), counted.counter, window, now=self._clock())
            yield Explained(counted, window.allowed or 0, bool(self._own(row, counted)), status.used, status.ttl)

    def restart(self, number: int, name: str, *, tx: Tx) -> None:
        """Starts the counter anew that belongs to an account's own limit of this name."""
        counted = _BY_NAME.get(name)
        if counted is not None:
            self._limits.reset(tx, _who(number), counted.counter)
            self._metered.reset(_who(number), counted.counter)


def _who(number: int) -> str:
    return f"account:{number}"


def _refusal(counted: Counted, wait: int | None) -> RateLimited:
    expires = "" if wait is None else f" Limit expires in {_in_words(wait)}."
    message = f"You reached a {counted.period} {counted.doing} limit for your account.{expires}"
    return RateLimited(None, message, what=counted.counter, retry_after=wait)


def _in_words(ms: int) -> str:
    """Roughly, in the largest unit that there is at least one of."""
    for length, unit in ((3_600_000, "hour"), (60_000, "minute"), (1000, "second")):
        if ms >= length or unit == "second":
            n = max(1, round(ms / length))
            return f"{n} {unit}{'s' * (n != 1)}"
    raise AssertionError
