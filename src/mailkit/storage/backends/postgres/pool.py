"""A few connections, shared: each is one user's at a time."""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from mailkit.errors import Unavailable
from mailkit.storage.backends.postgres.connection import Connection

__all__ = ["Pool"]


class Pool:
    """Up to `size` connections, opened when needed and kept. The last one returned is the first one used again."""

    def __init__(self, connect: Callable[[], Connection], size: int, *, patience: float) -> None:
        self._connect = connect
        self._free = threading.BoundedSemaphore(size)
        self._lock = threading.Lock()
        self._idle: list[Connection] = []
        self._patience = patience
        self._process = os.getpid()
        self._closed = False

    @contextmanager
    def room(self) -> Iterator[None]:
        """Waits until a connection may be taken; Unavailable when none came back in time."""
        self.check()
        if not self._free.acquire(timeout=self._patience):
            raise Unavailable("store.busy", "All connections to PostgreSQL have been in use for long")
        try:
            yield
        finally:
            self._free.release()

    def take(self) -> Connection:
        """A connection that was alive just now."""
        while True:
            self.check()
            with self._lock:
                connection = self._idle.pop() if self._idle else None
            if connection is None:
                return self._connect()
            if connection.alive():
                return connection
            connection.close()

    def give_back(self, connection: Connection) -> None:
        """For the next user."""
        with self._lock:
            if not self._closed:
                self._idle.append(connection)
                return
        connection.close()

    def drop_idle(self) -> None:
        """Forgets all idle connections: the server they led to is gone."""
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def close(self) -> None:
        """Closes what is idle now, and the rest when it is returned."""
        self._closed = True
        if os.getpid() == self._process:
            self.drop_idle()

    def check(self) -> None:
        """Raises Unavailable when the pool is closed, or a parent process's."""
        if self._closed:
            raise Unavailable("store.closed", "The store is closed")
        if os.getpid() != self._process:
            # to use the parent's sockets, or even to close them, would break the parent's transactions
            raise Unavailable("store.forked", "The store was opened before a fork: open it again in the child process")
