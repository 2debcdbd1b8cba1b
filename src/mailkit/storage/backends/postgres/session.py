"""One transaction on the server, from its first statement to its end."""

import random
import time
from collections.abc import Iterator

from mailkit.errors import Conflict, MailKitError, Unavailable
from mailkit.storage.api import check_key, check_space
from mailkit.storage.backends.postgres.connection import Connection, Lost, Rows, Statement
from mailkit.storage.backends.postgres.pool import Pool
from mailkit.storage.backends.postgres.statements import (
    BEGIN,
    BEGIN_READING,
    COMMIT,
    ENTRIES_PER_TRANSACTION,
    ROLLBACK,
    bytes_array,
    int8,
    int8_array,
    to_int,
)
from mailkit.storage.overlay import Overlay

__all__ = ["Session", "changes"]

_ATTEMPTS = 20
"""Times that what nobody has seen the answer of is asked again."""

_LONGEST_PAUSE = 0.05
"""Seconds between two attempts, at the most: whoever is in the way needs time to get out of it."""

_REMEMBERED = 100
"""Statements that a snapshot can do over again."""

_FIRST_ROWS = 32
_MOST_ROWS = 1000
_BATCH_BYTES = 1 << 20
_PORTION_BYTES = 16 << 20


class Session:
    """Reads one state of the store: that of its first statement.

    Used by one thread, like every transaction.
    """

    def __init__(self, pool: Pool, base: int, *, reading: bool) -> None:
        self._pool = pool
        self._base = base
        self._begin: Statement = (BEGIN_READING if reading else BEGIN, ())
        self._connection: Connection | None = None
        self._failure: MailKitError | None = None
        self._over = False
        self._reading = reading
        self._seen: list[tuple[Statement, int]] = []  # what a snapshot has shown, as hashes

    # --- what a transaction reads ----------------------------------------------------------------------------------

    def get(self, key: bytes) -> bytes | None:
        check_key(key)
        rows = self._ask((b"get", (key,)))
        return rows[0][0] if rows else None

    def scan(
        self, start: bytes, stop: bytes, *, reverse: bool = False, limit: int | None = None
    ) -> Iterator[tuple[bytes, bytes]]:
        name = b"down" if reverse else b"up"
        left = limit
        size = _FIRST_ROWS
        while start < stop and left != 0:
            count = size if left is None else min(size, left)
            rows = self._ask((name, (start, stop, int8(count))))
            yield from rows  # type: ignore[misc]  # neither column is ever null
            if len(rows) < count:
                return
            left = None if left is None else left - count
            last = rows[-1][0]
            assert last is not None
            if reverse:
                stop = last
            else:
                start = last + b"\x00"
            # up to a megabyte next time, judging by this one
            taken = sum(len(value or b"") for _, value in rows) // len(rows) + 64
            size = max(1, min(_MOST_ROWS, 4 * size, _BATCH_BYTES // taken))

    def appended(self, space: bytes, after: int = 0, *, limit: int | None = None) -> Iterator[tuple[int, bytes]]:
        check_space(space)
        left = limit
        while left != 0:
            count = _MOST_ROWS // 4 if left is None else min(_MOST_ROWS // 4, left)
            rows = self._ask((b"appended", (space, int8(_position(after)), int8(self._base), int8(count))))
            for position, value in rows:
                assert value is not None
                yield (after := to_int(position)), value
            if len(rows) < count:
                return
            left = None if left is None else left - count

    def head(self, space: bytes) -> int:
        check_space(space)
        return to_int(self._ask((b"head", (int8(self._base),)))[0][0])

    def look(self) -> None:
        """Decides on the state to show now. A transaction that writes need not: its order is settled at its end."""
        self._ask((b"look", ()))

    # --- its life --------------------------------------------------------------------------------------------------

    def _ask(self, statement: Statement) -> Rows:
        if self._over:
            raise Unavailable("store.over", "The transaction is over")
        if self._failure is not None:
            raise self._failure
        try:
            rows = self._connection.run(statement)[0] if self._connection else self._first(statement)
        except Lost as lost:
            self._discard()
            self._failure = Unavailable("store.unavailable", f"The connection to PostgreSQL broke: {lost}")
            raise self._failure from None
        except MailKitError as failure:
            if not isinstance(failure, Conflict) or (again := self._over_again(statement)) is None:
                self._failure = failure
                raise
            rows = again
        if self._reading and len(self._seen) <= _REMEMBERED:
            self._seen.append((statement, hash(tuple(rows))))
        return rows

    def _first(self, statement: Statement) -> Rows:
        # nobody has seen anything of this transaction yet: it may begin again as often as it takes
        for attempt in range(_ATTEMPTS):
            connection = self._connection = self._pool.take()
            try:
                return connection.run(self._begin, statement)[1]
            except Lost:
                self._discard()
                self._pool.drop_idle()
                if attempt:
                    raise
            except Conflict:
                self._return(rollback=True)
                if attempt == _ATTEMPTS - 1:
                    raise
                _pause(attempt)
        raise AssertionError

    def _over_again(self, statement: Statement) -> Rows | None:
        """A snapshot that fits no order becomes a later one, if that shows all the same so far; else None."""
        if not self._reading or len(self._seen) > _REMEMBERED:
            return None
        for attempt in range(_ATTEMPTS):
            self._return(rollback=True)
            _pause(attempt)
            connection = self._connection = self._pool.take()
            try:
                _, *rows = connection.run(self._begin, *(seen for seen, _ in self._seen), statement)
            except Conflict:
                continue
            except Lost:
                self._discard()
                return None
            same = all(hash(tuple(now)) == then for now, (_, then) in zip(rows, self._seen, strict=False))
            return rows[-1] if same else None
        return None

    def commit(self, statements: list[Statement]) -> None:
        """Ends it with these changes. Conflict when it cannot have run alone; see the package for lost connections."""
        self._over = True
        if self._failure is not None:
            failure = self._failure
            self._return(rollback=True)
            raise failure
        if self._connection is None:
            if not statements:
                return
            self._connection = self._pool.take()
            statements = [self._begin, *statements]
        elif not self._connection.alive():
            self._discard()
            raise Unavailable("store.unavailable", "The connection to PostgreSQL broke before the commit")
        try:
            self._connection.run(*statements, (COMMIT, ()))
        except Lost as lost:
            self._discard()
            self._pool.drop_idle()
            if not statements:
                # nothing was to be written; but whether what was read holds was not told
                raise Unavailable("store.unavailable", f"The connection to PostgreSQL broke: {lost}") from None
            raise Unavailable(
                "store.outcome_unknown",
                f"The connection to PostgreSQL broke during a commit, which may have happened: {lost}",
            ) from None
        except MailKitError:
            self._return(rollback=True)
            raise
        self._return()

    def leave(self) -> None:
        """Ends a snapshot. Nobody waits for that: what it has read is valid (a reader is no pivot: it is refused
        while it reads, or not at all)."""
        self._over = True
        connection = self._connection
        if connection is None:
            return
        if self._failure is not None:
            self._return(rollback=True)
            return
        try:
            connection.send((COMMIT, ()))
        except Lost:
            self._discard()
        else:
            self._return()

    def abandon(self) -> None:
        """Ends it without changes, whatever state it is in."""
        self._over = True
        self._return(rollback=True)

    def _return(self, *, rollback: bool = False) -> None:
        connection, self._connection = self._connection, None
        if connection is None:
            return
        if rollback and connection.in_transaction():
            try:
                connection.send((ROLLBACK, ()))
            except Lost:
                connection.close()
                return
        self._pool.give_back(connection)

    def _discard(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


def _pause(attempt: int) -> None:
    time.sleep(random.random() * min(_LONGEST_PAUSE, 0.0005 * 2**attempt))


def changes(overlay: Overlay, base: int) -> list[Statement]:
    """What an overlay has gathered, as statements. Keys in order, so that two writers don't wait crosswise."""
    statements: list[Statement] = []
    keys = sorted(overlay.writes)
    puts = [(key, value) for key in keys if (value := overlay.writes[key]) is not None]
    gone = [key for key in keys if overlay.writes[key] is None]
    for some in _portions(puts):
        if len(some) == 1:
            statements.append((b"put", some[0]))
        else:
            statements.append((b"put_all", (bytes_array([k for k, _ in some]), bytes_array([v for _, v in some]))))
    if gone:
        statements.append((b"delete", (bytes_array(gone),)))
    if len(overlay.entries) > ENTRIES_PER_TRANSACTION:
        raise ValueError(f"a transaction appends at most {ENTRIES_PER_TRANSACTION} entries")
    if overlay.entries:
        spaces, values = zip(*overlay.entries, strict=True)
        numbers = int8_array(range(len(values)))
        statements.append((b"append", (int8(base), bytes_array(spaces), numbers, bytes_array(values))))
    for space, through in sorted(overlay.trims.items()):
        statements.append((b"trim", (space, int8(_position(through)))))
    return statements


def _portions(puts: list[tuple[bytes, bytes]]) -> Iterator[list[tuple[bytes, bytes]]]:
    """Lists whose bytes fit into a parameter with room to spare."""
    some: list[tuple[bytes, bytes]] = []
    size = 0
    for pair in puts:
        if some and size + len(pair[1]) > _PORTION_BYTES:
            yield some
            some, size = [], 0
        some.append(pair)
        size += len(pair[1])
    if some:
        yield some


def _position(given: int) -> int:
    """The nearest position that a bigint holds."""
    return max(-1, min(given, (1 << 63) - 1))
