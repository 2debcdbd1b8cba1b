"""Content stored once and counted: what messages and files are built on.

The law, from which everything here follows:

1. Content is named by its SHA-256. Its row counts the references to it, and is changed in the transaction that makes
   or drops a reference. A row is there as long as its bytes are: whoever finds the row may refer to it.
2. Small content (up to `INLINE_MAX`) travels in the transaction that refers to it. Larger content is first a file in
   the BlobStore; `prepare` writes it and registers a row with no reference yet.
3. **A file's name is never used twice.** It is the SHA-256 of a fresh id followed by the content. A purger that was
   stopped for an hour between its decision and its `delete` can therefore never hit what a writer has stored since,
   and no lease, lock or clock decides whether bytes are lost.
4. A file has a row from before it is written until after it is deleted: `writing`, `kept`, `condemned`. A file without
   a row is a stray (an older database was restored, or a purge took the row of a writer that slept for an hour);
   `sweep` gives it a row, and the purge does the rest.
5. `hold` demands the content's row; without it the naming transaction fails with Conflict `blob.gone`, and the writer
   prepares again. `Blobs.transact` is that loop.

A crash at any step leaves bytes that nobody refers to, never a reference without bytes.
"""

from mailkit.storage.blobs.counted import Blobs
from mailkit.storage.blobs.prepared import INLINE_MAX, Prepared
from mailkit.storage.blobs.purge import GRACE, Purged, purge, sweep

__all__ = ["GRACE", "INLINE_MAX", "Blobs", "Prepared", "Purged", "purge", "sweep"]
