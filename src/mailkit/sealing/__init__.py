"""Sealing: what must be read back (TOTP seeds, DKIM keys, relay passwords) lies encrypted in the store.

    sealed = sealing.seal(tx, b"seed", owner="totp:7")      # beside the row that keeps it
    sealing.unseal(tx, sealed, owner="totp:7")              # Corrupt for any other owner, or one bit changed

AES-256-GCM (NIST SP 800-38D) under a key of `secret.key`, with the owner as associated data: a value moved to another
row opens no more. `box` is the pure part, `keyfile` the file, `service` knows which key is in force, `rotate` is the
job that brings every value under a new key.

The law: the store names the key in force and holds a check value of every key that values may lie under; the file holds
the keys. A key goes into the file before the store names it, and leaves the file only after no value lies under it.
"""

from mailkit.sealing.keyfile import FileKeys, Keys, MemoryKeys, NoKeys
from mailkit.sealing.service import Sealing

__all__ = ["FileKeys", "Keys", "MemoryKeys", "NoKeys", "Sealing"]
