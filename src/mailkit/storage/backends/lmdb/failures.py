"""What LMDB's failures mean to a caller."""

import errno
import os
from pathlib import Path

import lmdb

from mailkit.errors import Corrupt, MailKitError, Unavailable

__all__ = ["NO_ROOM", "meaning", "over"]

NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_ALMOST_NOTHING = 1 << 20
_DAMAGE = (lmdb.CorruptedError, lmdb.PageNotFoundError, lmdb.InvalidError, lmdb.BadChecksumError)


def meaning(error: lmdb.Error | OSError, folder: Path | None = None) -> MailKitError:
    """The mailkit error for a failure of the engine that cannot be mended by running again.

    The engine calls a write that the disk took only a part of an input/output error: with `folder`, what is free
    there decides.
    """
    code = error.errno if isinstance(error, OSError) else error.code
    full = isinstance(error, lmdb.MapFullError | lmdb.DiskError) or code in NO_ROOM
    if full or (code == errno.EIO and folder is not None and _free(folder) < _ALMOST_NOTHING):
        return Unavailable("store.full", f"There is no room left for the store: {error}")
    if isinstance(error, lmdb.TxnFullError):
        return Unavailable("transaction.too_large", "The transaction changes more than the store takes in one commit")
    if isinstance(error, lmdb.ReadersFullError):
        return Unavailable("store.readers", "Too many snapshots are open at once")
    if isinstance(error, _DAMAGE):
        return Corrupt("store.corrupt", f"The store's file is damaged: {error}")
    return Unavailable("store.failed", f"The store failed: {error}")


def _free(folder: Path) -> int:
    disk = os.statvfs(folder)
    return disk.f_bavail * disk.f_frsize


def over(error: lmdb.Error) -> MailKitError:
    """The mailkit error for a read that failed: mostly, the state it read from is gone."""
    if error.code == 0 or isinstance(error, lmdb.BadTxnError):  # no engine code: py-lmdb refused a closed object
        return Unavailable("snapshot.over", "This snapshot or transaction is over: take a new one")
    return meaning(error)
