"""`PostgresStore`: the store itself."""

import asyncio
import random
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import psycopg

from mailkit.errors import Conflict
from mailkit.storage.api import ReadTx, Tx
from mailkit.storage.backends.postgres.connection import Connection
from mailkit.storage.backends.postgres.herald import Herald
from mailkit.storage.backends.postgres.pool import Pool
from mailkit.storage.backends.postgres.schema import ready
from mailkit.storage.backends.postgres.session import Session, changes
from mailkit.storage.backends.postgres.statements import session
from mailkit.storage.overlay import Overlay

__all__ = ["PostgresStore"]

T = TypeVar("T")

_LOSSES_BEFORE_THE_TURNSTILE = 2
_LONGEST_PAUSE = 0.05
_POLL_SECONDS = 0.5
_HIDDEN_POLL_SECONDS = 0.02
_HIDDEN_SECONDS = 2.0


class PostgresStore:
    """A store in the tables `mailkit_*` of a database, for any number of threads, processes and machines.

    `url` is what libpq takes (`postgresql://user@host/database?...`). `connections` is how many this process may
    open for transactions (waiting for an append space takes two more). `statement_timeout`: seconds for one
    statement. `idle_timeout`: seconds that a transaction may do nothing. `patience`: seconds that `transact` goes on
    after conflicts, and that a caller waits for a free connection; then Conflict or Unavailable `store.busy`.

    Every operation may block. After a fork, the child has to open its own store.
    """

    def __init__(
        self,
        url: str,
        *,
        connections: int = 16,
        statement_timeout: float = 30.0,
        idle_timeout: float = 60.0,
        patience: float = 10.0,
    ) -> None:
        """Makes the tables when they are missing. Unavailable when there is no server, or the tables are newer."""
        self._url = url
        self._patience = patience
        self._settings = session(int(statement_timeout * 1000), int(idle_timeout * 1000))
        self._answer_within = statement_timeout + 5.0
        first = self._bare()
        try:
            self._base = ready(first)
            first.prepare()
        except BaseException:
            first.close()
            raise
        self._pool = Pool(self._connect, connections, patience=patience)
        self._pool.give_back(first)
        self._herald = Herald(lambda: psycopg.connect(url, autocommit=True, connect_timeout=5))
        self._turnstile = threading.Lock()
        self._threads = ThreadPoolExecutor(connections, thread_name_prefix="mailkit-postgres")

    @property
    def reads_block(self) -> bool:
        return True

    def transact(self, fn: Callable[[Tx], T]) -> T:
        deadline = time.monotonic() + self._patience
        losses = 0
        while True:
            try:
                if losses < _LOSSES_BEFORE_THE_TURNSTILE:
                    return self._once(fn)
                # who keeps losing goes one at a time, so that at least this process's losers don't beat each other
                with self._turnstile:
                    return self._once(fn)
            except Conflict as conflict:
                if conflict.code != "store.conflict":
                    raise
            losses += 1
            if time.monotonic() > deadline:
                raise Conflict("store.busy", f"The transaction lost {losses} times in a row")
            time.sleep(random.random() * min(_LONGEST_PAUSE, 0.0005 * 2**losses))

    def _once(self, fn: Callable[[Tx], T]) -> T:
        with self.transaction() as tx:
            return fn(tx)

    async def atransact(self, fn: Callable[[Tx], T]) -> T:
        self._pool.check()
        return await asyncio.get_running_loop().run_in_executor(self._threads, self.transact, fn)

    @contextmanager
    def transaction(self) -> Iterator[Tx]:
        with self._pool.room():
            below = Session(self._pool, self._base, reading=False)
            overlay = Overlay(below)
            try:
                yield overlay
                statements = changes(overlay, self._base)
            except Exception:
                below.commit([])  # may raise Conflict instead: then the reason was not a real one
                raise
            except BaseException:
                below.abandon()
                raise
            below.commit(statements)
        if overlay.entries:
            self._herald.tell()

    @contextmanager
    def snapshot(self) -> Iterator[ReadTx]:
        """The state of now. A later read that fits no order of the transactions raises Conflict: only when
        the snapshot could not be moved, unnoticed, to a later state that does (what it has shown has changed)."""
        with self._pool.room():
            reading = Session(self._pool, self._base, reading=True)
            try:
                reading.look()
                yield reading
            finally:
                reading.leave()

    def wait(self, space: bytes, after: int, timeout: float) -> bool:
        """See `storage.api.Waits`. Commits of other processes are notified, and looked for twice a second."""
        deadline = time.monotonic() + timeout
        hidden_until = 0.0
        while True:
            news = self._herald.news()
            with self.snapshot() as tx:
                if any(tx.appended(space, after, limit=1)):
                    return True
            now = time.monotonic()
            if now >= deadline:
                return False
            # what was announced may still hide behind an older transaction that is running
            poll = _HIDDEN_POLL_SECONDS if now < hidden_until else _POLL_SECONDS
            if self._herald.wait(news, min(poll, deadline - now)):
                hidden_until = time.monotonic() + _HIDDEN_SECONDS

    def close(self) -> None:
        self._herald.close()
        self._pool.close()
        self._threads.shutdown(wait=False)

    def _connect(self) -> Connection:
        connection = self._bare()
        try:
            connection.prepare()
        except BaseException:
            connection.close()
            raise
        return connection

    def _bare(self) -> Connection:
        return Connection(self._url, self._settings, patience=self._answer_within)

    def __enter__(self) -> "PostgresStore":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
