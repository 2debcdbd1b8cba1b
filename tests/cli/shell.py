"""The command in this process, on a real folder; what it printed, and what it left in the store."""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from attrs import frozen
from click.testing import CliRunner, Result

from mailkit import journal
from mailkit.cli import build
from mailkit.storage.open import open_store

__all__ = ["Shell", "state"]


def state(folder: Path) -> str:
    """A digest of every row of a store, and of its journal."""
    store, found = open_store(str(folder)), hashlib.sha256()
    try:
        with store.snapshot() as tx:
            for key, value in tx.scan(b"", b"\xff" * 16):
                found.update(len(key).to_bytes(4, "big") + key + len(value).to_bytes(8, "big") + value)
            for position, entry in journal.read(tx, 0):
                found.update(repr((position, entry)).encode())
    finally:
        store.close()
    return found.hexdigest()


@frozen
class Shell:
    """`mailkit ... --data folder`."""

    folder: Path

    def run(self, *words: str, stdin: str | bytes = "", expect: int | None = 0) -> Result:
        """Runs a command; AssertionError unless it exits with `expect` (None: whatever it does)."""
        settings = {name: None for name in os.environ if name.startswith("MAILKIT_")}
        given = [*words, "--data", str(self.folder)]
        done = CliRunner(env=settings).invoke(build(), given, input=stdin, prog_name="mailkit")
        told = f"mailkit {' '.join(words)}: {done.exit_code}\n{done.stdout}{done.stderr}"
        assert done.exception is None or isinstance(done.exception, SystemExit), told
        assert expect is None or done.exit_code == expect, told
        return done

    def say(self, *words: str, stdin: str | bytes = "") -> str:
        """What a command that succeeds says to people."""
        return self.run(*words, stdin=stdin).stdout

    def lines(self, *words: str, stdin: str | bytes = "") -> list[Any]:
        """What it says to programs, an object a line."""
        return [json.loads(line) for line in self.run(*words, "--json", stdin=stdin).stdout.splitlines()]

    def json(self, *words: str, stdin: str | bytes = "") -> Any:
        """The one object that it says."""
        (found,) = self.lines(*words, stdin=stdin)
        return found

    def refuse(self, *words: str, stdin: str | bytes = "", code: str | None = None) -> str:
        """What is said on standard error by a command that is refused, and changes nothing."""
        before = state(self.folder)
        done = self.run(*words, stdin=stdin, expect=None)
        assert done.exit_code != 0, done.stdout
        assert state(self.folder) == before, words
        if code is not None:
            assert f"[{code}]" in done.stderr
        return done.stderr
