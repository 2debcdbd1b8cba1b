"""Requests that are done once, however often they come: clients name them, and the answer is kept under the name.

    known = keys.find(tx, name, now=now)      # None: it is to be done, and then, in the same transaction,
    keys.keep(tx, name, answer, now=now)

The law: the answer is kept in the transaction that does what was asked. So a client that lost the answer, to a broken
line or to a server that was killed at any moment, asks again under the same name and gets the same answer, and of two
that ask at the same time one does it. What was refused is not kept: it changed nothing, and may be asked again.

The header of draft-ietf-httpapi-idempotency-key-header is read in `mailkit.http.once`.
"""

from mailkit.idempotency.records import Kept
from mailkit.idempotency.service import KEEP, MOST, Idempotency, Name

__all__ = ["KEEP", "MOST", "Idempotency", "Kept", "Name"]
