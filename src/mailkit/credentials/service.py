"""Secrets in the store: set and verify passwords, issue, check and revoke tokens."""

import secrets

from attrs import frozen
from msgspec.structs import replace

from mailkit.credentials.passwords import Cost, spend_one_verification, verify_password
from mailkit.credentials.records import SECRETS_CODEC, TOKEN_CODEC, Secrets, Token
from mailkit.credentials.tokens import key_of, renewal_due, state
from mailkit.errors import Denied
from mailkit.storage import keyspace
from mailkit.storage.api import ReadTx, Store, Tx
from mailkit.storage.calls import OWN, reads, writes
from mailkit.storage.tables import Table

__all__ = ["CheckedToken", "Credentials"]

SECRETS = Table[Secrets](keyspace.SECRETS, SECRETS_CODEC)
TOKENS = Table[Token](keyspace.TOKEN, TOKEN_CODEC)


@frozen
class CheckedToken:
    """A token that is known and alive. `renew` says that `Credentials.renew` should be called with `key`."""

    key: bytes
    row: Token
    renew: bool


class Credentials:
    """The service; it keeps its store and the cost of a password hash."""

    def __init__(self, store: Store, cost: Cost | None = None) -> None:
        self.store = store
        self.cost = cost or Cost()

    @writes
    def set_password(self, owner: int, hashed: str | None, *, now: int, tx: Tx = OWN) -> None:
        """Stores a ready hash (`passwords.hash_password`), or None for "cannot log in with a password"."""
        row = SECRETS.find(tx, owner) or Secrets()
        SECRETS.put(tx, replace(row, password=hashed, changed=now), owner)

    @reads
    def has_password(self, owner: int, *, tx: ReadTx = OWN) -> bool:
        """True when a permanent password is set."""
        row = SECRETS.find(tx, owner)
        return row is not None and row.password is not None

    @reads
    def password_hash(self, owner: int | None, *, tx: ReadTx = OWN) -> str | None:
        """What `verify` needs; to be read in a snapshot that is closed before the slow part."""
        row = None if owner is None else SECRETS.find(tx, owner)
        return None if row is None else row.password

    def verify(self, hashed: str | None, password: str) -> bool:
        """Compares outside any transaction. Without a hash it costs the same and says no."""
        if hashed is None:
            spend_one_verification(self.cost)
            return False
        return verify_password(hashed, password, self.cost)

    @writes
    def issue_token(
        self,
        role: str,
        *,
        now: int,
        owner: int | None = None,
        auth_version: int = 0,
        ttl: int | None = None,
        description: str = "",
        token: str | None = None,
        tx: Tx = OWN,
    ) -> str:
        """A new token, shown this once. Without `ttl` (ms) it lives until it is revoked."""
        token = token or secrets.token_hex(20)
        key = key_of(token)
        assert key is not None
        row = Token(role=role, created=now, owner=owner, auth_version=auth_version, ttl=ttl, description=description)
        TOKENS.put(tx, row, key)
        if owner is not None:
            tx.put(keyspace.OWNER_TOKEN.key(owner, key), b"")
        return token

    @reads
    def check_token(self, token: str, *, now: int, tx: ReadTx = OWN) -> CheckedToken:
        """The token's record; Denied `token.invalid` when it is malformed, unknown or dead.

        Whether its owner still exists, and with the same auth version, is the caller's to see.
        """
        key = key_of(token)
        row = None if key is None else TOKENS.find(tx, key)
        if key is None or row is None or state(row, now) != "valid":
            raise Denied("token.invalid", "Invalid access token")
        return CheckedToken(key, row, renewal_due(row, now))

    @writes
    def renew(self, key: bytes, *, now: int, tx: Tx = OWN) -> None:
        """Starts the idle time anew, at most once per 24th of it."""
        row = TOKENS.find(tx, key)
        if row is not None and renewal_due(row, now):
            TOKENS.put(tx, replace(row, renewed=now), key)

    @writes
    def revoke(self, token: str, *, tx: Tx = OWN) -> bool:
        """Ends a token; False when there was none."""
        key = key_of(token)
        row = None if key is None else TOKENS.delete(tx, key)
        if row is not None and row.owner is not None:
            tx.delete(keyspace.OWNER_TOKEN.key(row.owner, key))
        return row is not None

    @writes
    def forget(self, owner: int, *, tx: Tx = OWN) -> None:
        """Removes every secret and token of a principal."""
        SECRETS.delete(tx, owner)
        for key, _ in list(tx.scan(*keyspace.OWNER_TOKEN.range(owner))):
            TOKENS.delete(tx, keyspace.OWNER_TOKEN.parts(key)[1])
            tx.delete(key)
