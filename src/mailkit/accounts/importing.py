"""Many accounts from a file, in its order, in flat memory; run again, it goes on where it was stopped.

Hashing takes nearly all of the time and is done on all processors ahead of the line that is next. Who is there already,
under the same name and address, is passed over before anything is hashed.
"""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final

from attrs import evolve, frozen

from mailkit.accounts.by import By
from mailkit.accounts.create import NewAccount, main_address
from mailkit.accounts.service import NOBODY_IN_PARTICULAR, Accounts
from mailkit.accounts.userfile import Bad, Good
from mailkit.clock import Clock
from mailkit.credentials.arrival import hashed
from mailkit.credentials.service import Credentials
from mailkit.errors import AlreadyExists, Invalid, MailKitError
from mailkit.principals.addresses import Addresses
from mailkit.principals.records import Principal
from mailkit.principals.service import Principals
from mailkit.storage.api import Tx

__all__ = ["Failed", "Made", "Outcome", "Present", "UserImport"]

_AHEAD: Final = 8
"""Accounts that are prepared ahead, for each processor."""

_TOGETHER: Final = 32
"""Accounts that are made in one transaction."""


@frozen
class Made:
    """An account that was made."""

    line: int
    principal: Principal


@frozen
class Present:
    """An account that was there before, with this name and address; it is left as it is."""

    line: int
    name: str


@frozen
class Failed:
    """A line that made nothing. `name` is empty where the line could not be read."""

    line: int
    name: str
    error: MailKitError


Outcome = Made | Present | Failed
Commit = Callable[[Tx], Principal]
_Begun = tuple[Good, Future[Commit]] | Outcome


class UserImport:
    """The use case. `domain()` is where accounts live that name no address; `by` is for the login log."""

    def __init__(
        self,
        accounts: Accounts,
        principals: Principals,
        addresses: Addresses,
        credentials: Credentials,
        *,
        clock: Clock,
        domain: Callable[[], str],
        by: By = NOBODY_IN_PARTICULAR,
    ) -> None:
        self._accounts = accounts
        self._principals = principals
        self._addresses = addresses
        self._credentials = credentials
        self._clock = clock
        self._domain = domain
        self._by = by

    def run(self, rows: Iterable[Good | Bad], *, threads: int | None = None) -> Iterator[Outcome]:
        """What became of each row, in order. What the rows raise is raised once those before are done; who stops
        asking, or is interrupted, leaves whole accounts only."""
        started = self._clock()
        most = threads or os.cpu_count() or 1
        ahead = _TOGETHER + most * _AHEAD
        pool = ThreadPoolExecutor(most, thread_name_prefix="import")
        waiting: deque[_Begun] = deque()
        try:
            for row in rows:
                waiting.append(self._begun(row, pool))
                if len(waiting) == ahead:
                    yield from self._done([waiting.popleft() for _ in range(_TOGETHER)], started)
            while waiting:
                yield from self._done([waiting.popleft() for _ in range(min(_TOGETHER, len(waiting)))], started)
        finally:
            pool.shutdown(cancel_futures=True)

    def _begun(self, row: Good | Bad, pool: ThreadPoolExecutor) -> _Begun:
        if isinstance(row, Bad):
            return Failed(row.line, "", MailKitError("import.line", row.reason))
        if self._there(row.account) is not None:
            return Present(row.line, row.account.name)
        return row, pool.submit(self._prepared, row.account)

    def _prepared(self, account: NewAccount) -> Commit:
        if account.hashed is not None:
            account = evolve(account, hashed=hashed(account.hashed, "hashed", self._credentials.schemes))
        return self._accounts.prepare(account, by=self._by)

    def _done(self, some: list[_Begun], started: int) -> Iterator[Outcome]:
        """In one transaction if nothing is wrong with any of them, else each in one of its own."""
        ready = [_ready(begun) for begun in some]
        commits = [each[1] for each in ready if isinstance(each, tuple)]
        try:
            made = iter(self._accounts.store.transact(lambda tx: [commit(tx) for commit in commits]))
        except MailKitError:
            made = None
        for each in ready:
            if not isinstance(each, tuple):
                yield each
            elif made is not None:
                yield Made(each[0].line, next(made))
            else:
                yield self._alone(each[0], each[1], started)

    def _alone(self, row: Good, commit: Commit, started: int) -> Outcome:
        name = row.account.name
        try:
            return Made(row.line, self._accounts.store.transact(commit))
        except AlreadyExists as error:
            there = self._there(row.account)
            if there is None:
                return Failed(row.line, name, error)
            if there.created < started:
                return Present(row.line, name)
            said = f"The name {name} was taken by an earlier line, or by somebody else meanwhile"
            return Failed(row.line, name, AlreadyExists(error.code, said, name=name))
        except MailKitError as error:
            return Failed(row.line, name, error)

    def _there(self, account: NewAccount) -> Principal | None:
        """The account with this very name and address, if there is one."""
        row = self._principals.find_name(account.name)
        if row is None or row.kind != account.kind:
            return None
        try:
            wanted = main_address(account, account.name, self._domain())
        except Invalid:
            return None
        address = self._addresses.find(wanted)
        return row if address is not None and address.owner == row.number else None


def _ready(begun: _Begun) -> tuple[Good, Commit] | Outcome:
    """Waits for what is prepared."""
    if not isinstance(begun, tuple):
        return begun
    row, prepared = begun
    try:
        return row, prepared.result()
    except MailKitError as error:
        return Failed(row.line, row.account.name, error)
