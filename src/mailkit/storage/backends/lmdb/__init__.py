"""The default store: LMDB, one file for any number of threads and processes of one machine.

`store` is the face; `sharing` opens each file once per process; `environment` owns the map and its readers; `writer` is
the one thread that writes, in groups; `reading` and `writing` are what transactions see; `failures` translates.
"""

from mailkit.storage.backends.lmdb.store import LmdbStore

__all__ = ["LmdbStore"]
