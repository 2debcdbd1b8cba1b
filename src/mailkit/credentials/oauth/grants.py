"""Codes and device codes in the store, each good once; and the grants whose tokens are void."""

import hashlib
import secrets
from typing import Final

from msgspec.structs import replace

from mailkit.credentials.records import Grant, Revoked
from mailkit.credentials.tables import GRANTS, REVOKED
from mailkit.ids import Id, new_id
from mailkit.storage import keyspace
from mailkit.storage.api import ReadTx, Tx

__all__ = ["USER_ALPHABET", "Grants", "normal_user_code"]

_ALPHABET: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
USER_ALPHABET: Final = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
"""Letters of a user code: none that looks like another (S1.3)."""


def normal_user_code(text: str) -> str:
    """A user code as typed in, in the form in which it is kept: XXXX-XXXX."""
    letters = "".join(c for c in text.upper() if c.isalnum())
    return f"{letters[:4]}-{letters[4:]}"


def _digest(code: str) -> bytes:
    return hashlib.sha256(code.encode("utf-8", "surrogatepass")).digest()


class Grants:
    """Works in the caller's transaction."""

    def code(
        self,
        tx: Tx,
        *,
        client: str,
        redirect: str,
        challenge: str | None,
        nonce: str | None,
        account: int,
        auth_version: int,
        now: int,
        life: int,
    ) -> str:
        """A new authorization code: 40 letters and digits."""
        code = _random(40)
        self._put(
            tx,
            Grant(
                id=new_id(now),
                kind="code",
                client=client,
                redirect=redirect,
                challenge=challenge,
                nonce=nonce,
                account=account,
                auth_version=auth_version,
                expires=now + life,
                digest=_digest(code),
            ),
        )
        return code

    def device(self, tx: Tx, *, client: str, nonce: str | None, now: int, life: int) -> tuple[str, str]:
        """A new device code and the user code to be typed in for it."""
        code = _random(40)
        user_code = normal_user_code("".join(secrets.choice(USER_ALPHABET) for _ in range(8)))
        row = Grant(
            id=new_id(now),
            kind="device",
            client=client,
            nonce=nonce,
            expires=now + life,
            digest=_digest(code),
            user_code=user_code,
        )
        self._put(tx, row)
        tx.put(keyspace.USER_CODE.key(user_code), row.digest)
        return code, user_code

    def find(self, tx: ReadTx, code: str, kind: str, *, now: int) -> Grant | None:
        """The grant of a code that has not expired, used ones included."""
        row = GRANTS.find(tx, _digest(code))
        return row if row is not None and row.kind == kind and now < row.expires else None

    def by_user_code(self, tx: ReadTx, typed: str, *, now: int) -> Grant | None:
        """The grant that waits for approval under a user code."""
        digest = tx.get(keyspace.USER_CODE.key(normal_user_code(typed)))
        row = None if digest is None else GRANTS.find(tx, digest)
        return row if row is not None and row.account is None and now < row.expires else None

    def approve(self, tx: Tx, row: Grant, *, account: int, auth_version: int) -> None:
        """Gives a device its account; its user code is used up."""
        self._put(tx, replace(row, account=account, auth_version=auth_version))
        if row.user_code is not None:
            tx.delete(keyspace.USER_CODE.key(row.user_code))

    def asked(self, tx: Tx, row: Grant, *, now: int) -> None:
        """Notes when a device asked."""
        self._put(tx, replace(row, asked=now))

    def use(self, tx: Tx, row: Grant) -> None:
        """Uses a code up. It is remembered until it expires: a second use means that it was stolen."""
        self._put(tx, replace(row, used=True))

    def revoke(self, tx: Tx, grant: Id, *, until: int) -> None:
        """Voids every token of a grant; `until` is when the last of them is dead anyway."""
        known = REVOKED.find(tx, grant)
        if known is not None:
            tx.delete(keyspace.REVOKED_END.key(known.until, grant))
            until = max(until, known.until)
        REVOKED.put(tx, Revoked(id=grant, until=until), grant)
        tx.put(keyspace.REVOKED_END.key(until, grant), b"")

    def is_revoked(self, tx: ReadTx, grant: str) -> bool:
        """Whether the tokens of a grant (in hex) are void."""
        return bool(grant) and REVOKED.exists(tx, Id.parse(grant))

    def expire(self, tx: Tx, *, now: int, limit: int = 500) -> bool:
        """Forgets what is over; True when there may be more."""
        count = 0
        for space in (keyspace.GRANT_END, keyspace.REVOKED_END):
            start, _ = space.range()
            _, stop = space.range(now)
            for key in [key for key, _ in tx.scan(start, stop, limit=limit)]:
                count += 1
                tx.delete(key)
                _, part = space.parts(key)
                if space is keyspace.REVOKED_END:
                    REVOKED.delete(tx, part)
                elif (row := GRANTS.delete(tx, part)) is not None and row.user_code is not None:
                    tx.delete(keyspace.USER_CODE.key(row.user_code))
        return count >= limit

    def forget(self, tx: Tx, *, limit: int = 500) -> bool:
        """Forgets codes and device codes that wait to be used; True when there may be more. Tokens are no codes."""
        rows = [row for _, row in GRANTS.scan(tx, limit=limit)]
        for row in rows:
            GRANTS.delete(tx, row.digest)
            tx.delete(keyspace.GRANT_END.key(row.expires, row.digest))
            if row.user_code is not None:
                tx.delete(keyspace.USER_CODE.key(row.user_code))
        return len(rows) == limit

    def _put(self, tx: Tx, row: Grant) -> None:
        GRANTS.put(tx, row, row.digest)
        tx.put(keyspace.GRANT_END.key(row.expires, row.digest), b"")


def _random(length: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))
