"""One connection: statements out, results in, several to a round trip. On libpq directly, through psycopg's wrapper.

psycopg's cursors adapt Python's types to SQL's and back, which a store of bytes does not need: without them a
transaction costs the client a third of the time.
"""

import select
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import psycopg
from psycopg import pq
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from mailkit.errors import Conflict, MailKitError, Unavailable
from mailkit.storage.backends.postgres.statements import PREPARED

__all__ = ["Connection", "Lost", "Statement"]

Statement = tuple[bytes, Sequence[bytes]]
"""The name of a prepared statement and its parameters."""

Rows = list[tuple[bytes | None, ...]]

_RUN_AGAIN = {b"40001", b"40P01"}
_UNKNOWN = b"40003"
_MADE_MEANWHILE = ("23505", "42P07", "42710")


class Lost(Exception):
    """The connection is gone, and with it the answer to what was sent last."""


class Connection:
    """Not safe to share: the pool gives it to one user at a time."""

    def __init__(self, url: str, settings: str, *, patience: float) -> None:
        """Raises Unavailable when there is no server, or it refuses. `patience`: seconds to wait for any answer."""
        defaults = {
            "connect_timeout": "5",
            "application_name": "mailkit",
            "keepalives_idle": "15",
            "keepalives_interval": "5",
            "keepalives_count": "3",
        }
        try:
            given = conninfo_to_dict(url)
            self._psycopg = psycopg.connect(make_conninfo(url, **{k: v for k, v in defaults.items() if k not in given}))
        except psycopg.Error as error:
            raise Unavailable("store.unavailable", f"PostgreSQL cannot be reached: {_first_line(error)}") from error
        self._pg = self._psycopg.pgconn
        self._patience = patience
        self._owed = 0
        self._poll = select.poll()
        self._poll.register(self._pg.socket, select.POLLIN)
        self._both = select.poll()
        self._both.register(self._pg.socket, select.POLLIN | select.POLLOUT)
        try:
            self.simple(settings)
        except MailKitError:
            self.close()
            raise

    def simple(self, sql: str) -> list[list[tuple[Any, ...]]]:
        """Runs statements that are not prepared, separated by semicolons, in one transaction. For setting up.

        Raises Conflict when others did the same at the same time, and Unavailable.
        """
        try:
            with self._psycopg.cursor() as cursor:
                cursor.execute(sql.encode())
                found = []
                while True:
                    found.append(cursor.fetchall() if cursor.description else [])
                    if not cursor.nextset():
                        break
            self._psycopg.commit()
        except psycopg.Error as error:
            with suppress(psycopg.Error):  # of a connection that broke nothing is left to roll back
                self._psycopg.rollback()
            if isinstance(error, psycopg.OperationalError) and error.sqlstate not in ("40001", "40P01"):
                raise Unavailable("store.unavailable", f"PostgreSQL failed: {_first_line(error)}") from error
            if error.sqlstate in ("40001", "40P01", *_MADE_MEANWHILE):
                raise Conflict("store.conflict") from error
            raise Unavailable("store.failed", f"PostgreSQL refused: {_first_line(error)}") from error
        return found

    def prepare(self) -> None:
        """Prepares all statements; from here on only `run` may be used. The tables must be there."""
        self._pg.enter_pipeline_mode()
        try:
            for name, sql in PREPARED.items():
                self._pg.send_prepare(name, sql.encode())
            self._pg.pipeline_sync()
            self._collect(len(PREPARED))
        except (psycopg.OperationalError, Lost) as error:
            raise Unavailable("store.unavailable", f"PostgreSQL failed: {error}") from error

    def run(self, *statements: Statement) -> list[Rows]:
        """Sends all, waits for all, returns the rows of each.

        Raises what the first failing one means (Conflict `store.conflict`, or Unavailable), or Lost.
        """
        try:
            self._settle()
            self._send(statements)
            return self._collect(len(statements))
        except psycopg.OperationalError as error:
            raise Lost(_first_line(error)) from error

    def send(self, *statements: Statement) -> None:
        """Sends without waiting. Failures show up nowhere but in the state of the connection."""
        try:
            self._settle()
            self._send(statements)
            self._owed = len(statements)
        except psycopg.OperationalError as error:
            raise Lost(_first_line(error)) from error

    def _send(self, statements: Sequence[Statement]) -> None:
        for name, parameters in statements:
            self._pg.send_query_prepared(name, parameters, [1] * len(parameters), 1)
        self._pg.pipeline_sync()
        while self._pg.flush():
            # more than the socket takes at once; the server may have to say something before it reads on
            if not self._both.poll(self._patience * 1000):
                raise psycopg.OperationalError("PostgreSQL takes no more")
            self._pg.consume_input()

    def _settle(self) -> None:
        if self._owed:
            count, self._owed = self._owed, 0
            try:
                self._collect(count)
            except MailKitError:
                pass  # the end of a transaction that nobody waits for: over either way

    def _collect(self, count: int) -> list[Rows]:
        found: list[Rows] = []
        failure: MailKitError | None = None
        deadline = time.monotonic() + self._patience
        pg = self._pg
        while True:
            while pg.is_busy():
                if not self._poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
                    self.close()
                    raise Lost("no answer")
                pg.consume_input()
            result = pg.get_result()
            if result is None:
                if pg.status != pq.ConnStatus.OK:
                    raise Lost(_first_line(pg.get_error_message()))
                continue  # between the results of two statements
            status = result.status
            if status == pq.ExecStatus.TUPLES_OK:
                columns = range(result.nfields)
                found.append([tuple(result.get_value(row, at) for at in columns) for row in range(result.ntuples)])
            elif status == pq.ExecStatus.COMMAND_OK:
                found.append([])
            elif status == pq.ExecStatus.PIPELINE_SYNC:
                break
            elif status != pq.ExecStatus.PIPELINE_ABORTED and failure is None:
                failure = self._meaning(result)
        if failure is not None:
            raise failure
        assert len(found) == count
        return found

    def _meaning(self, result: pq.abc.PGresult) -> MailKitError:
        state = result.error_field(pq.DiagnosticField.SQLSTATE)
        if state is None:
            raise Lost(_first_line(result.get_error_message()))
        said = _first_line(result.get_error_message())
        if state in _RUN_AGAIN:
            return Conflict("store.conflict")
        if state == _UNKNOWN or (state[:2] in (b"08", b"57") and state != b"57014"):
            raise Lost(said)  # shutting down, or a proxy that lost its server
        if state == b"57014":
            return Unavailable("store.timeout", "A statement took too long and was stopped")
        if state[:2] == b"53":
            return Unavailable("store.full", f"PostgreSQL has no room left: {said}")
        return Unavailable("store.failed", f"PostgreSQL refused: {said}")

    def alive(self) -> bool:
        """False when the server has said good-bye while nobody was listening. Costs no round trip."""
        try:
            while self._poll.poll(0):
                self._pg.consume_input()
                if self._pg.status != pq.ConnStatus.OK:
                    return False
        except psycopg.OperationalError:
            return False
        return self._pg.status == pq.ConnStatus.OK

    def in_transaction(self) -> bool:
        """True when a transaction is open or failed, as far as the server's last answer told."""
        return self._pg.transaction_status != pq.TransactionStatus.IDLE

    def close(self) -> None:
        """Closes it; what was under way is rolled back by the server."""
        self._psycopg.close()


def _first_line(error: object) -> str:
    return str(error).strip().split("\n", 1)[0]
