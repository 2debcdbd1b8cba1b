"""How often somebody may try to prove who he is: counted before the proof is looked at, in all processes together.

Which counters an attempt has is decided in `credentials.attempts`; here they are asked, counted and reset.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Final

from mailkit.credentials.attempts import Counters, Policy, counters
from mailkit.credentials.authlog import Authlog
from mailkit.errors import RateLimited
from mailkit.limits import Limited, Limits
from mailkit.settings.kinds import Network
from mailkit.storage.api import ReadTx, Store, Tx

__all__ = ["Tries"]

_AT_ONCE: Final = 32
"""Attempts that are being counted at once: the store commits them together."""


class Tries:
    """The service; `policy()` and `exempt()` are the present settings."""

    def __init__(
        self,
        store: Store,
        authlog: Authlog,
        *,
        policy: Callable[[], Policy] = Policy,
        exempt: Callable[[], Sequence[Network]] = tuple,
    ) -> None:
        self.store = store
        self._authlog = authlog
        self._limits = Limits()
        self._policy = policy
        self._exempt = exempt
        # a disk is slow where a processor is fast: what counts attempts waits while passwords are verified
        self._aside = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="mailkit-login")

    def begin(self, number: int | None, name: str, ip: str | None, *, now: int, tx: ReadTx) -> Counters:
        """The counters of an attempt from an address (None: not told), on an account or, where there is none, on a
        name. RateLimited `login.limited` when there were too many failures already."""
        known = number is not None and self._authlog.knows(number, ip, now=now, tx=tx)
        account = f"?{name.strip().lower()}" if number is None else str(number)
        found = counters(account, ip, known=known, policy=self._policy(), exempt=self._exempt())
        for counter in (*found.shared, *((found.own,) if found.own else ())):
            asked = self._limits.ask(tx, counter.who, counter.what, 1, counter.limit, now=now)
            if isinstance(asked, Limited):
                raise _limited(asked.retry_after)
        return found

    @contextmanager
    def counting(self, found: Counters, *, now: int) -> Iterator[None]:
        """Counts the attempt while the block runs. RateLimited at its end, whatever it found out, when this was one too
        many."""
        own = found.own
        if own is None:
            yield
            return

        def count(tx: Tx) -> None:
            self._limits.take(tx, own.who, own.what, 1, own.limit, now=now)

        counted = self._aside.submit(self.store.transact, count)
        try:
            yield
        finally:
            try:
                counted.result()
            except RateLimited as error:
                raise _limited(error.fields["retry_after"]) from None

    def failed(self, found: Counters, *, now: int, tx: Tx) -> None:
        """Counts a failure where only failures count."""
        for counter in found.shared:
            self._limits.count(tx, counter.who, counter.what, 1, counter.limit, now=now)

    def succeeded(self, found: Counters, *, tx: Tx) -> None:
        """Forgets what was counted before a success."""
        if found.own is not None:
            self._limits.reset(tx, found.own.who, found.own.what)


def _limited(retry_after: int | None) -> RateLimited:
    return RateLimited("login.limited", "Authentication was rate limited", retry_after=retry_after)
