"""A store by its address: `memory:`, a folder, `postgresql://...`, or a plug-in's own scheme."""

import re
from importlib.metadata import entry_points
from pathlib import Path

from mailkit.errors import Invalid, NotSupported
from mailkit.storage.api import BlobStore, Store
from mailkit.storage.keyspace import FORMAT

__all__ = ["folder_of", "open_blobs", "open_store", "withdraw"]

_SCHEME = re.compile(r"([a-z][a-z0-9+.-]+):", re.ASCII)
_POSTGRES = ("postgresql", "postgres")


def folder_of(where: str) -> Path | None:
    """The data folder that an address names; None when it is a URL."""
    return None if _SCHEME.match(where) else Path(where)


def open_store(where: str) -> Store:
    """Opens the store, making a folder that is not there (only its owner may enter).

    NotSupported when nothing installed serves the scheme, or its driver is missing; the message says what to install.
    """
    found = _SCHEME.match(where)
    if found is None:
        from mailkit.storage.backends.lmdb import LmdbStore

        folder = Path(where)
        if folder.exists() and not folder.is_dir():
            raise Invalid.field("store", f"{where} is a file, not a data folder", code="store.not_a_folder")
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return LmdbStore(folder)
    scheme = found[1]
    if scheme == "memory":
        from mailkit.storage.backends.memory import MemoryStore

        return MemoryStore()
    if scheme in _POSTGRES:
        try:
            from mailkit.storage.backends.postgres import PostgresStore
        except ModuleNotFoundError as error:
            extra = "PostgreSQL needs an extra: pip install 'mailkit-platform[postgres]'"
            raise NotSupported("store.driver_missing", extra) from error
        return PostgresStore(where)
    for point in entry_points(group="mailkit.stores", name=scheme):
        opened: Store = point.load()(where)
        return opened
    raise NotSupported("store.unknown_scheme", f"No store is installed for {scheme}: addresses", scheme=scheme)


def withdraw(where: str) -> bool:
    """Removes a data folder that was made for nothing: one that nobody has open, and in which there is nothing.
    Anything else stays as it is. True when it is gone."""
    folder = folder_of(where)
    if folder is None:
        return False
    from mailkit.storage.backends.lmdb.withdraw import withdraw as withdraw_folder

    return withdraw_folder(folder, {FORMAT.key()})


def open_blobs(where: str, store: Store) -> BlobStore:
    """Where large content goes: beside the data of a folder, else into the store itself."""
    folder = folder_of(where)
    if folder is not None:
        from mailkit.storage.backends.files import FileBlobs

        return FileBlobs(folder / "blobs")
    from mailkit.storage.backends.instore import StoreBlobs

    return StoreBlobs(store)
