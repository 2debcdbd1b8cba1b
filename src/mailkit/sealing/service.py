"""Sealing over the store: which key is in force, and keys for other uses that are sealed themselves."""

import secrets
import threading

from msgspec import field

from mailkit.errors import Corrupt, Unavailable
from mailkit.sealing.box import KEY_SIZE, NONCE_SIZE, Key, key_id_of, open_box, seal_box
from mailkit.sealing.keyfile import Keys
from mailkit.storage import keyspace
from mailkit.storage.api import ReadTx, Store, Tx
from mailkit.storage.codec import Codec, Record
from mailkit.storage.tables import Table

__all__ = ["NAMED", "Sealing"]


class _State(Record, frozen=True, kw_only=True):
    current: bytes = field(name="c")
    checks: dict[str, bytes] = field(name="k")  # key id in hex -> check value


class _Named(Record, frozen=True, kw_only=True):
    sealed: bytes = field(name="s")


_STATE = Table[_State](keyspace.SEALING, Codec(_State))
NAMED = Table[_Named](keyspace.NAMED_KEY, Codec(_Named))


class Sealing:
    """The service; threads may share one."""

    def __init__(self, store: Store, keys: Keys) -> None:
        self.store = store
        self._keys = keys
        self._loaded: dict[bytes, Key] = {}
        self._named: dict[str, tuple[bytes, bytes]] = {}  # name -> (sealed, plain)
        self._lock = threading.Lock()

    def verify(self) -> None:
        """Unavailable `secret.wrong` unless every key that values lie under is there. Called at start: nothing may run
        with a wrong key, for it would seal what the right one cannot open."""
        with self.store.snapshot() as tx:
            state = _STATE.find(tx)
        if state is None:
            return
        loaded = self._keys.load()
        for text, check in state.checks.items():
            key = loaded.get(bytes.fromhex(text))
            if key is None or key.check != check:
                raise Unavailable(
                    "secret.wrong",
                    f"secret.key is not the one this store was used with: it lacks the key {text}",
                    key=text,
                )

    def seal(self, tx: Tx, plain: bytes, *, owner: str) -> bytes:
        """Seals under the key in force. `owner` names the row it is for, and is needed to open it."""
        return seal_box(self._current(tx), plain, owner=owner, nonce=secrets.token_bytes(NONCE_SIZE))

    def unseal(self, sealed: bytes, *, owner: str) -> bytes:
        """What was sealed. Corrupt `sealed.corrupt`; Unavailable `secret.wrong` when its key is not in the file."""
        return open_box(self._key(key_id_of(sealed)), sealed, owner=owner)

    def named_key(self, tx: Tx, name: str) -> bytes:
        """A random key of 32 bytes for one use (`app-passwords`), made at its first; it outlives rotations."""
        row = NAMED.find(tx, name)
        if row is None:
            plain = secrets.token_bytes(KEY_SIZE)
            NAMED.put(tx, _Named(sealed=self.seal(tx, plain, owner=_named(name))), name)
            return plain
        return self._open_named(name, row)

    def find_named_key(self, tx: ReadTx, name: str) -> bytes | None:
        """The same, or None when it was never used."""
        row = NAMED.find(tx, name)
        return None if row is None else self._open_named(name, row)

    def _open_named(self, name: str, row: _Named) -> bytes:
        known = self._named.get(name)
        if known is not None and known[0] == row.sealed:
            return known[1]
        plain = self.unseal(row.sealed, owner=_named(name))
        self._named[name] = (row.sealed, plain)
        return plain

    def check_named(self, name: str, sealed: bytes) -> bytes:
        """The id of the key that a named key lies under; Corrupt, Unavailable when it does not open."""
        self.unseal(sealed, owner=_named(name))
        return key_id_of(sealed)

    # rotation: see `rotate`

    def begin(self, store_key: Key, tx: Tx) -> None:
        """Puts a key in force that the file holds already."""
        state = _STATE.find(tx)
        checks = {} if state is None else state.checks
        _STATE.put(tx, _State(current=store_key.id, checks={**checks, store_key.id.hex(): store_key.check}))

    def new_key(self) -> Key:
        """A key that is in the file and not in force yet."""
        return self._keys.add()

    def current_id(self, tx: ReadTx) -> bytes | None:
        """The id of the key in force; None while nothing was ever sealed."""
        state = _STATE.find(tx)
        return None if state is None else state.current

    def reseal(self, tx: Tx, sealed: bytes, *, owner: str) -> bytes | None:
        """The value under the key in force; None when it lies under it already."""
        if key_id_of(sealed) == self.current_id(tx):
            return None
        return self.seal(tx, self.unseal(sealed, owner=owner), owner=owner)

    def reseal_named(self, tx: Tx) -> None:
        """Brings the named keys under the key in force."""
        for (name,), row in list(NAMED.scan(tx)):
            sealed = self.reseal(tx, row.sealed, owner=_named(name))
            if sealed is not None:
                NAMED.put(tx, _Named(sealed=sealed), name)

    def others(self, tx: ReadTx) -> list[bytes]:
        """The keys that values may lie under, apart from the one in force."""
        state = _STATE.get(tx)
        return [bytes.fromhex(text) for text in state.checks if bytes.fromhex(text) != state.current]

    def retire(self, tx: Tx, key_ids: list[bytes]) -> None:
        """Notes that no value lies under these keys any more; afterwards `drop` may take them out of the file."""
        state = _STATE.get(tx)
        gone = {key_id.hex() for key_id in key_ids}
        _STATE.put(tx, _State(current=state.current, checks={k: v for k, v in state.checks.items() if k not in gone}))

    def drop(self, key_ids: list[bytes]) -> None:
        """Takes retired keys out of the file."""
        for key_id in key_ids:
            self._keys.drop(key_id)
            self._loaded.pop(key_id, None)

    def _current(self, tx: Tx) -> Key:
        state = _STATE.find(tx)
        if state is not None:
            return self._key(state.current, state.checks.get(state.current.hex()))
        key = self._keys.first()
        self.begin(key, tx)
        return key

    def _key(self, key_id: bytes, check: bytes | None = None) -> Key:
        key = self._loaded.get(key_id)
        if key is None:
            with self._lock:
                self._loaded = self._keys.load()  # another process may have added it
                key = self._loaded.get(key_id)
        if key is None:
            raise Unavailable("secret.wrong", f"secret.key lacks the key {key_id.hex()}", key=key_id.hex())
        if check is not None and key.check != check:
            raise Corrupt("secret.wrong", f"The key {key_id.hex()} of secret.key is another one")
        return key


def _named(name: str) -> str:
    return f"key:{name}"
