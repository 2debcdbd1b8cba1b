"""Secrets in the store: set and verify passwords, issue, check, list and revoke tokens."""

import hmac
import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from threading import BoundedSemaphore

from attrs import frozen
from msgspec.structs import replace

from mailkit.credentials import tables
from mailkit.credentials.apppasswords import digest
from mailkit.credentials.passwords import Cost, Verdict, hash_password, is_foreign, verify_password
from mailkit.credentials.records import Secrets, Temporary, Token
from mailkit.credentials.schemes import SCHEMES, Scheme
from mailkit.credentials.tables import SECRETS, TOKENS
from mailkit.credentials.tokens import LIFETIME, key_of, renewal_due, state
from mailkit.errors import Denied, Unavailable
from mailkit.sealing import MemoryKeys, Sealing
from mailkit.storage import keyspace
from mailkit.storage.api import ReadTx, Store, Tx
from mailkit.storage.calls import OWN, reads, writes

__all__ = ["TEMPORARY_KEY", "TEMPORARY_LIFE", "CheckedToken", "Credentials"]

TEMPORARY_LIFE = 24 * 3_600_000
"""How long a temporary password is good, in ms after it was set (W3.3)."""

TEMPORARY_KEY = "temporary-passwords"
"""The named key that generated ones are kept by."""

_PATIENCE = 20.0  # seconds that a verification waits for its turn


@frozen
class CheckedToken:
    """A token that is known and alive. `renew` says that `Credentials.renew` should be called with `key`."""

    key: bytes
    row: Token
    renew: bool


class Credentials:
    """The service; it keeps its store, the cost of a password hash, what seals, and the schemes it understands.

    At most `at_once` passwords are verified at a time (two for each processor): each takes 19 MiB. Hashes of other
    schemes, which may cost a hundred times as much, get half of these turns at most: they never keep the others out.
    """

    def __init__(
        self,
        store: Store,
        cost: Cost | None = None,
        *,
        sealing: Sealing | None = None,
        at_once: int | None = None,
        schemes: Sequence[Scheme] = (),
    ) -> None:
        self.store = store
        self.cost = cost or Cost()
        self.sealing = sealing or Sealing(store, MemoryKeys())
        self.schemes = (*SCHEMES, *schemes)
        turns = at_once or 2 * (os.cpu_count() or 1)
        self._turns = BoundedSemaphore(turns)
        self._foreign = BoundedSemaphore(max(1, turns // 2))

    # passwords

    def verify(self, hashed: str | None, password: str) -> Verdict:
        """Compares outside any transaction, slowly; without a hash it costs the same and says no.

        Unavailable `login.busy` when too many others are being verified for too long.
        """
        with ExitStack() as turns:
            if is_foreign(hashed, self.cost):
                turns.enter_context(_turn(self._foreign))
            turns.enter_context(_turn(self._turns))
            return verify_password(hashed, password, self.cost, known=self.schemes)

    def hash(self, password: str) -> str:
        """The hash to store; Invalid for a password that is empty or too long. Slow."""
        with _turn(self._turns):
            return hash_password(password, self.cost)

    @reads
    def secrets(self, owner: int, *, tx: ReadTx = OWN) -> Secrets:
        """What a principal has; empty when it has nothing."""
        return SECRETS.find(tx, owner) or Secrets()

    @writes
    def change(self, owner: int, row: Secrets, *, tx: Tx = OWN) -> None:
        """Stores changed secrets."""
        SECRETS.put(tx, row, owner)

    @writes
    def set_password(self, owner: int, hashed: str | None, *, now: int, tx: Tx = OWN) -> None:
        """Stores a ready hash (`hash`), or None for "cannot log in with a password"; a temporary one is discarded."""
        row = SECRETS.find(tx, owner) or Secrets()
        SECRETS.put(tx, replace(row, password=hashed, changed=now, more=(), temporary=None), owner)

    @writes
    def upgrade(self, owner: int, old: str, new: str, *, tx: Tx = OWN) -> None:
        """Puts a new hash of the same password in the place of the old one, if that is still there."""
        row = SECRETS.find(tx, owner) or Secrets()
        if row.password == old:
            SECRETS.put(tx, replace(row, password=new), owner)
        elif old in row.more:
            SECRETS.put(tx, replace(row, more=tuple(new if each == old else each for each in row.more)), owner)
        elif row.temporary is not None and row.temporary.hash == old:
            SECRETS.put(tx, replace(row, temporary=replace(row.temporary, hash=new)), owner)

    @writes
    def set_temporary(
        self,
        owner: int,
        *,
        now: int,
        hashed: str | None = None,
        generated: str | None = None,
        valid_after: int = 0,
        tx: Tx = OWN,
    ) -> None:
        """A password for a day, beside the permanent one: a ready hash of a chosen one, or a generated one itself.

        A generated one has 12 letters (56 bits) and lives a day, so its keyed hash is enough, and a login costs no
        second verification.
        """
        lookup = None if generated is None else self._temporary_lookup(tx, owner, generated)
        temporary = Temporary(created=now, valid_after=valid_after, hash=hashed, lookup=lookup)
        row = SECRETS.find(tx, owner) or Secrets()
        SECRETS.put(tx, replace(row, temporary=temporary), owner)

    def _temporary_lookup(self, tx: Tx, owner: int, password: str) -> bytes:
        return digest(self.sealing.named_key(tx, TEMPORARY_KEY), owner, password)

    def is_generated_temporary(self, row: Secrets, owner: int, password: str, *, tx: ReadTx) -> bool:
        """True for the generated temporary password itself; whether it is still good is the caller's to see."""
        key = self.sealing.find_named_key(tx, TEMPORARY_KEY)
        if key is None or row.temporary is None or row.temporary.lookup is None:
            return False
        return hmac.compare_digest(row.temporary.lookup, digest(key, owner, password.strip()))

    @reads
    def has_password(self, owner: int, *, tx: ReadTx = OWN) -> bool:
        """True when a password is set, permanent or temporary."""
        return self.secrets(owner, tx=tx).has_password

    @reads
    def password_hash(self, owner: int | None, *, tx: ReadTx = OWN) -> str | None:
        """What `verify` needs; to be read in a snapshot that is closed before the slow part."""
        row = None if owner is None else SECRETS.find(tx, owner)
        return None if row is None else row.password

    # tokens

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
        if ttl is not None:
            tx.put(keyspace.TOKEN_END.key(now + LIFETIME, key), b"")
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
    def resign(self, token: str, auth_version: int, *, owner: int, tx: Tx = OWN) -> bool:
        """Lets a token of this owner live on under a new auth version; False when it is none of the owner's."""
        key = key_of(token)
        row = None if key is None else TOKENS.find(tx, key)
        if key is None or row is None or row.owner != owner:
            return False
        TOKENS.put(tx, replace(row, auth_version=auth_version), key)
        return True

    @reads
    def list_tokens(self, owner: int, *, tx: ReadTx = OWN) -> tuple[tuple[bytes, Token], ...]:
        """The tokens of a principal, each with its key (which is not the token)."""
        keys = [keyspace.OWNER_TOKEN.parts(key)[1] for key, _ in tx.scan(*keyspace.OWNER_TOKEN.range(owner))]
        found = ((key, TOKENS.find(tx, key)) for key in keys)
        return tuple((key, row) for key, row in found if row is not None)

    @reads
    def all_tokens(
        self, *, limit: int, after: bytes | None = None, tx: ReadTx = OWN
    ) -> tuple[tuple[bytes, Token], ...]:
        """Up to `limit` tokens of everybody and nobody, each with its key, beyond the key `after`; in no order that
        means anything. Flat."""
        edge = None if after is None else (after,)
        return tuple((parts[0], row) for parts, row in TOKENS.scan(tx, after=edge, limit=limit))

    @writes
    def revoke(self, token: str, *, tx: Tx = OWN) -> bool:
        """Ends a token; False when there was none."""
        key = key_of(token)
        return key is not None and self.revoke_key(key, tx=tx)

    @writes
    def revoke_key(self, key: bytes, *, tx: Tx = OWN) -> bool:
        """Ends the token with this key, as `list_tokens` has it; False when there was none."""
        row = TOKENS.delete(tx, key)
        if row is None:
            return False
        if row.owner is not None:
            tx.delete(keyspace.OWNER_TOKEN.key(row.owner, key))
        if row.ttl is not None:
            tx.delete(keyspace.TOKEN_END.key(row.created + LIFETIME, key))
        return True

    @writes
    def revoke_all(self, owner: int, *, tx: Tx = OWN) -> int:
        """Ends every token of a principal; how many there were."""
        keys = [keyspace.OWNER_TOKEN.parts(key)[1] for key, _ in tx.scan(*keyspace.OWNER_TOKEN.range(owner))]
        return sum(self.revoke_key(key, tx=tx) for key in keys)

    @writes
    def forget(self, owner: int, *, tx: Tx = OWN) -> None:
        """Removes every secret and token of a principal; what lies in its account's tables goes with the account."""
        SECRETS.delete(tx, owner)
        self.revoke_all(owner, tx=tx)
        for row in [row for _, row in tables.ASPS.scan(tx, owner)]:
            if row.expires is not None:
                tx.delete(keyspace.ASP_END.key(row.expires, owner, row.id))
            if row.lookup is not None:
                tx.delete(keyspace.ASP_LOOKUP.key(owner, row.lookup))
            tables.ASPS.delete(tx, owner, row.id)
        tables.ASP_COUNT.set(tx, 0, owner)
        for credential in [row for _, row in tables.WEBAUTHN.scan(tx, owner)]:
            tables.WEBAUTHN.delete(tx, owner, credential.id)
            tx.delete(keyspace.WEBAUTHN_RAW.key(owner, tables.raw_digest(credential.raw_id)))
        tables.USED_CODES.delete(tx, owner)
        tables.LAST_LOGIN.delete(tx, owner)


@contextmanager
def _turn(turns: BoundedSemaphore) -> Iterator[None]:
    if not turns.acquire(timeout=_PATIENCE):
        raise Unavailable("login.busy", "Too many passwords are being verified; try again")
    try:
        yield
    finally:
        turns.release()
