"""`secret.key`: a few keys, one a line, `<id in hex> <32 bytes in base64>`; readable by its owner only."""

import base64
import binascii
import os
import secrets
from pathlib import Path
from typing import Protocol

from mailkit.errors import Unavailable
from mailkit.sealing.box import KEY_SIZE, Key

__all__ = ["FileKeys", "Keys", "MemoryKeys", "NoKeys"]


class Keys(Protocol):
    """Where keys are kept."""

    def load(self) -> dict[bytes, Key]:
        """All keys by id; empty when there are none yet."""
        ...

    def first(self) -> Key:
        """The first key, made now if there is none; two processes that ask at once get the same one."""
        ...

    def add(self) -> Key:
        """A new key, kept durably beside the others."""
        ...

    def drop(self, key_id: bytes) -> None:
        """Forgets a key."""
        ...


def _new() -> Key:
    return Key(secrets.token_bytes(4), secrets.token_bytes(KEY_SIZE))


class MemoryKeys:
    """Keys that end with the process, as a store in memory does."""

    def __init__(self) -> None:
        self._keys: dict[bytes, Key] = {}

    def load(self) -> dict[bytes, Key]:
        return dict(self._keys)

    def first(self) -> Key:
        return next(iter(self._keys.values()), None) or self.add()

    def add(self) -> Key:
        key = _new()
        self._keys[key.id] = key
        return key

    def drop(self, key_id: bytes) -> None:
        self._keys.pop(key_id, None)


class NoKeys:
    """For a store that has no folder, until a key file is named."""

    def load(self) -> dict[bytes, Key]:
        return {}

    def first(self) -> Key:
        raise Unavailable(
            "secret.missing", "This store has no folder for secret.key: name one with the setting sealing.key_file"
        )

    def add(self) -> Key:
        return self.first()

    def drop(self, key_id: bytes) -> None:
        pass


class FileKeys:
    """Keys in a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def load(self) -> dict[bytes, Key]:
        """Unavailable when others may read the file, or a line of it is damaged."""
        try:
            with self.path.open("rb") as handle:
                mode = os.fstat(handle.fileno()).st_mode
                text = handle.read()
        except FileNotFoundError:
            return {}
        if mode & 0o077:
            raise Unavailable("secret.readable", f"{self.path} can be read by others: chmod 600 {self.path}")
        keys: dict[bytes, Key] = {}
        for line in text.split(b"\n"):
            if line:
                key = _parse(line)
                if key is None:
                    raise Unavailable("secret.damaged", f"{self.path} has a line that is no key")
                keys[key.id] = key
        return keys

    def first(self) -> Key:
        keys = self.load()
        if not keys:
            key = _new()
            # a file with all of it appears at once or not at all; the process that links second takes the other's
            if self._write({key.id: key}, exclusive=True):
                return key
            keys = self.load()
        return next(iter(keys.values()))

    def add(self) -> Key:
        keys = self.load()
        key = _new()
        keys[key.id] = key
        self._write(keys)
        return key

    def drop(self, key_id: bytes) -> None:
        keys = self.load()
        if keys.pop(key_id, None) is not None:
            self._write(keys)

    def put(self, keys: dict[bytes, Key]) -> None:
        """Keeps these keys and no others: for a copy of the file."""
        self._write(keys)

    def _write(self, keys: dict[bytes, Key], *, exclusive: bool = False) -> bool:
        lines = b"".join(b"%s %s\n" % (k.id.hex().encode(), base64.b64encode(k.secret)) for k in keys.values())
        partial = self.path.with_name(f".{self.path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.write(handle, lines)
            os.fsync(handle)
        finally:
            os.close(handle)
        try:
            if exclusive:
                os.link(partial, self.path)
            else:
                os.replace(partial, self.path)
        except FileExistsError:
            return False
        finally:
            partial.unlink(missing_ok=True)
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        return True


def _parse(line: bytes) -> Key | None:
    head, _, rest = line.partition(b" ")
    try:
        key = Key(bytes.fromhex(head.decode()), base64.b64decode(rest, validate=True))
    except (ValueError, binascii.Error):
        return None
    return key if len(key.id) == 4 and len(key.secret) == KEY_SIZE else None
