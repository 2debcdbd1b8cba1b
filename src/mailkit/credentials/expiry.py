"""Forgetting what is over: tokens, application passwords, challenges. Steps of a periodic job."""

from typing import Any

from mailkit.credentials.appservice import AppPasswords
from mailkit.credentials.service import Credentials
from mailkit.credentials.tables import ASPS, CHALLENGES, TOKENS
from mailkit.credentials.tokens import LIFETIME
from mailkit.storage import keyspace
from mailkit.storage.api import Tx
from mailkit.storage.keyspace import Space

__all__ = ["expire"]


def expire(credentials: Credentials, apps: AppPasswords, tx: Tx, *, now: int, limit: int = 500) -> bool:
    """Removes up to `limit` of each; True when there may be more."""
    tokens = _due(tx, keyspace.TOKEN_END, now, limit)
    for end, key in tokens:
        row = TOKENS.find(tx, key)
        if row is not None and row.created + LIFETIME == end:
            credentials.revoke_key(key, tx=tx)
    passwords = _due(tx, keyspace.ASP_END, now, limit)
    for end, owner, id in passwords:
        asp = ASPS.find(tx, owner, id)
        if asp is not None and asp.expires == end:
            apps.remove(owner, asp.id, tx=tx)
    challenges = _due(tx, keyspace.CHALLENGE_END, now, limit)
    for _, owner, digest in challenges:
        CHALLENGES.delete(tx, owner, digest)
    return max(len(tokens), len(passwords), len(challenges)) == limit


def _due(tx: Tx, space: Space, now: int, limit: int) -> list[tuple[Any, ...]]:
    start, _ = space.range()
    _, stop = space.range(now)
    keys = [key for key, _ in tx.scan(start, stop, limit=limit)]
    for key in keys:
        tx.delete(key)
    return [space.parts(key) for key in keys]
