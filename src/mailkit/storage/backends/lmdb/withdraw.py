"""Taking back a store that was made for nothing: whoever opens its folder meanwhile gets another one.

The lock is the log's: while it is held exclusively nobody has the store open, and whoever waits for it finds that the
log has gone with its folder, and begins anew.
"""

import os
import secrets
import shutil
from collections.abc import Container
from pathlib import Path

import lmdb

from mailkit.storage.backends.lmdb.log import CommitLog, possible
from mailkit.storage.backends.lmdb.sharing import is_open

__all__ = ["withdraw"]


def withdraw(folder: Path, harmless: Container[bytes]) -> bool:
    """Removes a folder with everything in it, if nobody has its store open, and no row is in there but those whose
    keys are `harmless`. True when it is gone."""
    if not possible() or not (folder / "data.mdb").exists() or is_open(folder):
        return False
    log = CommitLog(folder)
    try:
        if not (log.alone and log.at_rest and _holds_nothing(folder, harmless)):
            return False
        aside = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}")
        os.rename(folder, aside)
    finally:
        log.close()
    shutil.rmtree(aside)
    return True


def _holds_nothing(folder: Path, harmless: Container[bytes]) -> bool:
    with lmdb.open(os.fspath(folder), readonly=True, lock=False, max_dbs=2) as engine:
        rows, journal = (engine.open_db(name, create=False) for name in (b"rows", b"journal"))
        with engine.begin() as txn:
            keys = [key for key, _ in zip(txn.cursor(rows).iternext(values=False), range(100), strict=False)]
            empty: bool = txn.stat(journal)["entries"] == 0
            return empty and len(keys) < 100 and all(key in harmless for key in keys)
