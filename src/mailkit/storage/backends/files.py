"""A BlobStore in a folder: one file for each content, named by its SHA-256 in hexadecimal.

    ab/ab3f...   content, in 256 folders by the first byte
    tmp/...      being written

A file is written in `tmp`, synced, renamed to its place, and the folder synced: a name that is there has its whole
content, after a power cut too. What an interrupted writer leaves lies in `tmp` and is removed by `clean`.
"""

import hashlib
import os
import re
import secrets
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from mailkit.errors import Conflict, Corrupt, NotFound, Unavailable

__all__ = ["FileBlobs"]

_FOLDER = re.compile(r"[0-9a-f]{2}")
_NAME = re.compile(r"[0-9a-f]{64}")


class FileBlobs:
    """See the module. Any number of threads and processes may use one folder.

    `sync=False` gives up durability, for tests and imports that can be repeated.
    """

    def __init__(self, root: Path | str, *, sync: bool = True) -> None:
        self.root = Path(root)
        self._sync = sync
        self._synced: set[str] = set()  # folders whose own entry this process knows to be on disk
        self._lock = threading.Lock()
        with _reported():
            (self.root / "tmp").mkdir(mode=0o700, parents=True, exist_ok=True)
            self._sync_folder(self.root.parent)

    def put(self, digest: bytes, chunks: Iterable[bytes]) -> int:
        place = self._place(digest)
        temporary = self.root / "tmp" / secrets.token_hex(12)
        try:
            size = self._write(temporary, digest, chunks)
            with _reported():
                self._make_folder(place.parent)
                try:
                    os.rename(temporary, place)
                except FileNotFoundError:
                    raise Conflict("blob.gone", "The upload took so long that it was given up") from None
                self._sync_folder(place.parent)
        except BaseException:
            with suppress(OSError):
                temporary.unlink()
            raise
        return size

    def _write(self, path: Path, digest: bytes, chunks: Iterable[bytes]) -> int:
        hashed, size = hashlib.sha256(), 0
        with _reported():
            file = open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb", buffering=0)  # noqa: SIM115  # closed below
        with file:
            for chunk in chunks:  # what the source raises is the caller's own
                hashed.update(chunk)
                size += len(chunk)
                rest = memoryview(chunk)
                with _reported():
                    while rest:
                        rest = rest[file.write(rest) :]
            if hashed.digest() != digest:
                raise Corrupt("blob.digest", "The content is not what its name says", digest=digest.hex())
            if self._sync:
                with _reported():
                    os.fsync(file.fileno())
        return size

    def open(self, digest: bytes, start: int = 0) -> BinaryIO:
        with _reported():
            try:
                file = open(self._place(digest), "rb")  # noqa: SIM115  # the caller closes it
            except FileNotFoundError:
                raise NotFound("blob.missing", "There is no such content", digest=digest.hex()) from None
        if start:
            file.seek(start)
        return file

    def delete(self, digest: bytes) -> None:
        # not synced: a name that a power cut brings back is found by the sweep
        with _reported(), suppress(FileNotFoundError):
            self._place(digest).unlink()

    def list(self, after: bytes = b"") -> Iterator[bytes]:
        last = after.hex()
        for folder in _names(self.root, _FOLDER):
            if folder >= last[:2]:
                yield from (bytes.fromhex(name) for name in _names(self.root / folder, _NAME) if name > last)

    def clean(self, before: int) -> int:
        """Removes what writers left in `tmp` that was last written to before `before` (UTC milliseconds)."""
        removed = 0
        with _reported():
            for entry in os.scandir(self.root / "tmp"):
                with suppress(FileNotFoundError):
                    if entry.stat().st_mtime_ns // 1_000_000 < before:
                        os.unlink(entry)
                        removed += 1
        return removed

    def _place(self, digest: bytes) -> Path:
        if len(digest) != 32:
            raise ValueError(f"a digest has 32 bytes, not {len(digest)}")
        name = digest.hex()
        return self.root / name[:2] / name

    def _make_folder(self, folder: Path) -> None:
        with self._lock:
            if folder.name in self._synced:
                return
            folder.mkdir(mode=0o700, exist_ok=True)
            # also when it was there: its maker may not have come to syncing the entry yet
            self._sync_folder(self.root)
            self._synced.add(folder.name)

    def _sync_folder(self, folder: Path) -> None:
        if not self._sync:
            return
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


@contextmanager
def _reported() -> Iterator[None]:
    """What the file system refuses (no space, no permission, a broken disk) is Unavailable to callers."""
    try:
        yield
    except OSError as error:
        raise Unavailable("blobs.unavailable", f"The blob folder failed: {error}") from error


def _names(folder: Path, pattern: re.Pattern[str]) -> list[str]:
    with _reported(), suppress(FileNotFoundError):
        return sorted(name for name in os.listdir(folder) if pattern.fullmatch(name))
    return []
