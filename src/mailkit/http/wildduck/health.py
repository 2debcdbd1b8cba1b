"""Is it there? (W2.21)"""

import secrets

from mailkit.errors import MailKitError, Unavailable
from mailkit.http.declare import answer, request
from mailkit.http.operation import slow
from mailkit.kit import MailKit
from mailkit.principals.permits import Caller
from mailkit.storage import keyspace
from mailkit.storage.api import Tx

__all__ = ["get_health"]


@request
class GetHealth:
    """Nothing is asked."""


@answer
class Healthy:
    """Nothing is told but success."""


@slow
def get_health(kit: MailKit, ask: GetHealth, caller: Caller) -> Healthy:
    """Whether the store can be read and written."""

    def probe(tx: Tx) -> None:
        key = keyspace.LIMIT.key("health", secrets.token_hex(8))  # nothing is left of it
        tx.put(key, b"")
        tx.delete(key)

    try:
        kit.store.transact(probe)
    except MailKitError as error:
        raise Unavailable("store.failed", "Could not write to DB") from error
    return Healthy()
