"""WebAuthn credentials and challenges in the store. A challenge is good for one attempt, whatever comes of it."""

import hashlib
import secrets

from msgspec.structs import replace

from mailkit.credentials.records import Challenge, Secrets, WebAuthnCredential
from mailkit.credentials.tables import CHALLENGES, SECRETS, WEBAUTHN, raw_digest
from mailkit.credentials.webauthn import CHALLENGE_LIFE, CHALLENGE_SIZE
from mailkit.errors import AlreadyExists, Denied, NotFound
from mailkit.ids import Id
from mailkit.storage import keyspace
from mailkit.storage.api import ReadTx, Store, Tx
from mailkit.storage.calls import OWN, reads, writes

__all__ = ["Authenticators"]


class Authenticators:
    """The service."""

    def __init__(self, store: Store) -> None:
        self.store = store

    @writes
    def challenge(
        self,
        owner: int,
        kind: str,
        *,
        origin: str,
        rp_id: str,
        attachment: str,
        now: int,
        description: str = "",
        tx: Tx = OWN,
    ) -> bytes:
        """64 fresh random bytes, remembered with what they are for."""
        raw = secrets.token_bytes(CHALLENGE_SIZE)
        digest = hashlib.sha256(raw).digest()
        row = Challenge(
            kind=kind,
            origin=origin,
            rp_id=rp_id,
            attachment=attachment,
            expires=now + CHALLENGE_LIFE,
            account=owner,
            digest=digest,
            description=description,
        )
        CHALLENGES.put(tx, row, owner, digest)
        tx.put(keyspace.CHALLENGE_END.key(row.expires, owner, digest), b"")
        return raw

    @writes
    def take(self, owner: int, kind: str, raw: bytes, *, now: int, tx: Tx = OWN) -> Challenge:
        """The challenge, removed; NotFound `webauthn.challenge_not_found` when it was never given to this account for
        this purpose, was used, or is older than an hour."""
        digest = hashlib.sha256(raw).digest()
        row = CHALLENGES.find(tx, owner, digest)
        if row is None or row.kind != kind:
            raise NotFound("webauthn.challenge_not_found", "Challenge not found")
        CHALLENGES.delete(tx, owner, digest)
        tx.delete(keyspace.CHALLENGE_END.key(row.expires, owner, digest))
        if row.expires <= now:
            raise NotFound("webauthn.challenge_not_found", "Challenge not found")
        return row

    @writes
    def add(self, owner: int, row: WebAuthnCredential, *, tx: Tx = OWN) -> None:
        """Stores a credential; AlreadyExists `webauthn.exists` when the account has it."""
        key = keyspace.WEBAUTHN_RAW.key(owner, raw_digest(row.raw_id))
        if tx.get(key) is not None:
            raise AlreadyExists("webauthn.exists", "This authenticator is registered already")
        tx.put(key, row.id)
        WEBAUTHN.put(tx, row, owner, row.id)
        self._count(tx, owner, 1)

    @writes
    def remove(self, owner: int, id: Id, *, tx: Tx = OWN) -> WebAuthnCredential | None:
        """What it was; None when there was none."""
        row = WEBAUTHN.delete(tx, owner, id)
        if row is not None:
            tx.delete(keyspace.WEBAUTHN_RAW.key(owner, raw_digest(row.raw_id)))
            self._count(tx, owner, -1)
        return row

    @writes
    def remove_all(self, owner: int, *, tx: Tx = OWN) -> int:
        """How many there were."""
        found = self.list(owner, tx=tx)
        for row in found:
            self.remove(owner, row.id, tx=tx)
        return len(found)

    @reads
    def list(self, owner: int, *, tx: ReadTx = OWN) -> tuple[WebAuthnCredential, ...]:
        """The credentials of an account, oldest first."""
        return tuple(row for _, row in WEBAUTHN.scan(tx, owner))

    @reads
    def by_raw_id(self, owner: int, raw_id: bytes, *, tx: ReadTx = OWN) -> WebAuthnCredential:
        """NotFound `webauthn.credential_not_found`."""
        found = tx.get(keyspace.WEBAUTHN_RAW.key(owner, raw_digest(raw_id)))
        if found is None:
            raise NotFound("webauthn.credential_not_found", "Credentials not found")
        return WEBAUTHN.get(tx, owner, Id(found))

    @writes
    def counted(self, owner: int, id: Id, *, before: int, after: int, tx: Tx = OWN) -> None:
        """Stores the new counter. Denied `webauthn.raced` when another login moved it meanwhile: of two that were
        signed with one counter, one is a copy."""
        row = WEBAUTHN.get(tx, owner, id)
        if row.count != before:
            raise Denied("webauthn.raced", "The authenticator was used at the same time elsewhere")
        WEBAUTHN.put(tx, replace(row, count=after), owner, id)

    def _count(self, tx: Tx, owner: int, change: int) -> None:
        row = SECRETS.find(tx, owner) or Secrets()
        SECRETS.put(tx, replace(row, webauthn=row.webauthn + change), owner)
