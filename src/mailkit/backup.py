"""A consistent copy of a data folder while mail flows.

The law: a file that the copied store refers to is in the copy. Files are copied, then the store, then the files that
came meanwhile; a file goes only an hour after its last reference went, so none that the store's copy knows is lost
between. Content is immutable, so a file copied once needs no second look.

And: what the copied store has sealed opens with the copy's `secret.key`. A rotation adds a key before anything lies
under it and drops one only when nothing does, so the copy gets the keys of right before and right after the store was
copied; that they open it is looked at before the copy is called done.
"""

import os
import shutil
from pathlib import Path

from attrs import frozen

from mailkit.errors import AlreadyExists, Invalid, NotSupported
from mailkit.kit import MailKit
from mailkit.sealing import FileKeys, Sealing
from mailkit.storage.api import Copies
from mailkit.storage.open import open_store

__all__ = ["BackupDone", "backup_folder"]

_KEYS = "secret.key"
_BESIDE = ("format",)


@frozen
class BackupDone:
    """What was copied."""

    bytes: int
    files: int


def backup_folder(kit: MailKit, source: Path, target: Path) -> BackupDone:
    """Copies `source`, which `kit` has open, to a folder that is missing or empty.

    What it returns from is on disk. AlreadyExists when there is something in the target, Invalid when it lies within
    the source, NotSupported for a store that cannot copy itself.
    """
    if not isinstance(kit.store, Copies):
        raise NotSupported("backup.not_supported", "This store has its own way of backing up; see its documentation")
    if target.exists() and any(target.iterdir()):
        raise AlreadyExists("backup.target_exists", f"{target} is not empty", target=str(target))
    if target.resolve().is_relative_to(source.resolve()):
        raise Invalid.field("target", f"{target} lies within {source}", code="backup.target_within")
    target.mkdir(mode=0o700, parents=True, exist_ok=True)
    files = _copy_files(source / "blobs", target / "blobs")
    keys = FileKeys(source / _KEYS)
    before = keys.load()
    kit.store.copy_to(target)
    held = {**before, **keys.load()}
    if held:
        FileKeys(target / _KEYS).put(held)
    files += _copy_files(source / "blobs", target / "blobs")
    for name in _BESIDE:
        if (source / name).exists():
            _copy_durably(source / name, target / name)
    if held:
        _check_keys(target)
    for folder in (target.parent, target, *(path for path in target.rglob("*") if path.is_dir())):
        _sync(folder)
    return BackupDone((target / "data.mdb").stat().st_size, files)


def _check_keys(target: Path) -> None:
    """Unavailable `secret.wrong` when the copied store does not open with the copied keys."""
    store = open_store(str(target))
    try:
        Sealing(store, FileKeys(target / _KEYS)).verify()
    finally:
        store.close()


def _copy_files(source: Path, target: Path) -> int:
    """Copies what is not there yet; a file that vanishes under the walk was condemned and is not missed."""
    copied = 0
    for folder, _, names in os.walk(source):
        for name in names:
            original = Path(folder, name)
            copy = target / original.relative_to(source)
            if copy.exists() or name.startswith("."):
                continue
            copy.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            try:
                _copy_durably(original, copy)
            except FileNotFoundError:
                continue
            copied += 1
    return copied


def _copy_durably(original: Path, copy: Path) -> None:
    partial = copy.with_name(f".{copy.name}.partial")
    shutil.copy2(original, partial)
    with partial.open("rb") as handle:
        os.fsync(handle.fileno())
    partial.rename(copy)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
