"""Tells other processes that something was appended, and hears it from them: LISTEN and NOTIFY.

NOTIFY inside a transaction would make all appending transactions commit one after the other (the server holds a lock
from there to the end of the commit), so it comes afterwards, from a thread of its own, once for all commits of a few
milliseconds. That a notification is lost (a crash, a server that has none) only delays: waiting also polls.
"""

import threading
from collections.abc import Callable

import psycopg

from mailkit.errors import Unavailable

__all__ = ["Herald"]

_CHANNEL = "mailkit_log"
_GATHER_SECONDS = 0.005
_RETRY_SECONDS = 1.0


class Herald:
    """Its threads begin with the first need for them, and each has a connection."""

    def __init__(self, connect: Callable[[], "psycopg.Connection[tuple[object, ...]]"]) -> None:
        self._connect = connect
        self._changed = threading.Condition()
        self._news = 0
        self._to_tell = threading.Event()
        self._closing = threading.Event()
        self._threads: dict[str, threading.Thread] = {}

    def news(self) -> int:
        """A number that changes when something may have been appended, here or elsewhere."""
        self._begin("listen", self._listen)
        return self._news

    def wait(self, seen: int, timeout: float) -> bool:
        """Waits until the number is another than `seen`."""
        with self._changed:
            return self._changed.wait_for(lambda: self._news != seen or self._closing.is_set(), timeout)

    def tell(self) -> None:
        """Something was appended and committed."""
        self._arrived()
        self._to_tell.set()
        self._begin("tell", self._tell)

    def close(self) -> None:
        """Ends the threads."""
        self._closing.set()
        self._to_tell.set()
        if "listen" in self._threads:
            self._begin("tell", self._tell)  # its last word wakes the listener
        self._arrived()
        for thread in list(self._threads.values()):
            thread.join(2 * _RETRY_SECONDS)

    def _begin(self, name: str, work: Callable[[], None]) -> None:
        if name in self._threads:
            return
        with self._changed:
            if name not in self._threads:
                self._threads[name] = threading.Thread(target=work, name=f"mailkit-{name}", daemon=True)
                self._threads[name].start()

    def _arrived(self) -> None:
        with self._changed:
            self._news += 1
            self._changed.notify_all()

    def _tell(self) -> None:
        connection = None
        last = False
        while not last:
            self._to_tell.wait()
            last = self._closing.is_set()
            self._to_tell.clear()
            try:
                connection = connection or self._connect()
                connection.execute(f"notify {_CHANNEL}")
            except (psycopg.Error, Unavailable):
                if connection is not None:
                    connection.close()
                connection = None
            self._closing.wait(_GATHER_SECONDS)
        if connection is not None:
            connection.close()

    def _listen(self) -> None:
        while not self._closing.is_set():
            try:
                with self._connect() as connection:
                    connection.execute(f"listen {_CHANNEL}")
                    self._arrived()  # whatever came before anybody listened
                    while not self._closing.is_set():
                        for _ in connection.notifies(timeout=_RETRY_SECONDS, stop_after=1):
                            self._arrived()
            except (psycopg.Error, Unavailable):
                self._closing.wait(_RETRY_SECONDS)
