"""The command in a process of its own, at a terminal."""

import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from attrs import define

from tests.cli.conftest import environment

__all__ = ["Terminal", "at_terminal"]


@define
class Terminal:
    """A process whose input and output are a terminal; `seen` is all that was on it."""

    process: subprocess.Popen[bytes]
    master: int
    seen: str = ""

    def until(self, text: str) -> None:
        """Reads until the text was on the terminal, or the process ends: then AssertionError."""
        while text not in self.seen:
            assert self._more(), f"{text!r} is not in {self.seen!r}"

    def type(self, text: str) -> None:
        """Types a line."""
        os.write(self.master, f"{text}\n".encode())

    def end(self) -> int:
        """Reads to the end; the exit status."""
        while self._more():
            pass
        return self.process.wait(timeout=30)

    def _more(self) -> bool:
        try:
            data = os.read(self.master, 65536)
        except OSError:  # Linux says so when the other side is closed
            return False
        self.seen += data.decode("utf-8", "replace")
        return bool(data)


@contextmanager
def at_terminal(folder: Path, *words: str) -> Iterator[Terminal]:
    """`mailkit ... --data folder` at a terminal of 200 columns."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "mailkit", *words, "--data", str(folder)],
        env={**environment(), "TERM": "xterm", "COLUMNS": "200"},
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
    )
    os.close(slave)
    try:
        yield Terminal(process, master)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait(timeout=10)
        os.close(master)
