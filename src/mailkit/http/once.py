"""The Idempotency-Key header: a request that a client names is done once (draft-ietf-httpapi-idempotency-key-header).

It counts for every operation that changes something in one transaction; its answer is kept in that transaction, before
anybody could be told. The same name for another request is refused. Operations that work in steps take no name: a
repeat finds what is done no more, and does the rest.
"""

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from attrs import frozen

from mailkit.clock import Clock
from mailkit.errors import AlreadyExists, Invalid
from mailkit.http.operation import Operation, Runs
from mailkit.idempotency import Idempotency, Name
from mailkit.principals.permits import Caller
from mailkit.storage.api import ReadTx, Tx

__all__ = ["HEADER", "LONGEST", "Once", "Replayed", "fingerprint", "key_of", "takes_key", "who"]

HEADER = "Idempotency-Key"

LONGEST = 255

_STRING = re.compile(r'"((?:[ !#-\[\]-~]|\\["\\])*)"')
_BARE = re.compile(r"[!#-+\--:<-\[\]-~]+")


def takes_key(operation: Operation) -> bool:
    """True for operations that change something, in one transaction."""
    endpoint = operation.endpoint
    return endpoint is not None and operation.method != "GET" and endpoint.runs in (Runs.WRITE, Runs.PREPARED)


def key_of(header: str) -> str:
    """The name in a header's value: a string of RFC 9651 3.3.3, or the same without quotes, as many clients send it.
    Invalid naming the header."""
    quoted = _STRING.fullmatch(header.strip())
    bare = None if quoted else _BARE.fullmatch(header.strip())
    key = re.sub(r"\\(.)", r"\1", quoted[1]) if quoted else bare[0] if bare else ""
    if not 0 < len(key) <= LONGEST:
        raise Invalid.field(HEADER, f'"{HEADER}" must be a text of 1 to {LONGEST} ASCII characters, in quotes')
    return key


def fingerprint(operation: str, values: Mapping[str, Any]) -> bytes:
    """SHA-256 of what is asked, however it was written down: a form's boundary is drawn anew for each try."""
    said = json.dumps(values, sort_keys=True, default=lambda content: hashlib.sha256(content).hexdigest())
    return hashlib.sha256(f"{operation} {said}".encode("utf-8", "surrogatepass")).digest()


def who(caller: Caller, owner: str | None) -> str:
    """Whose names they are: an account's, or those of an operator's role about one account."""
    if caller.number is not None:
        return f"account {caller.number}"
    return f"{' '.join(sorted(caller.roles))} for {owner or ''}"


@frozen
class Replayed:
    """What was answered when it was done."""

    answer: bytes


@frozen
class Once:
    """A named request."""

    keys: Idempotency
    name: Name
    clock: Clock
    encode: Callable[[Any], bytes]
    secret: bool
    """The answer is told once and not kept."""

    def known(self, tx: ReadTx) -> Replayed | None:
        """The answer, when it was done. Invalid `idempotency.reused`, AlreadyExists `idempotency.secret`."""
        kept = self.keys.find(tx, self.name, now=self.clock())
        if kept is None:
            return None
        if kept.answer is None:
            raise AlreadyExists("idempotency.secret", "This was done; its answer held a secret, which is told once")
        return Replayed(kept.answer)

    def around(self, fn: Callable[[Tx], Any]) -> Callable[[Tx], Any]:
        """`fn`, unless it was done."""

        def run(tx: Tx) -> Any:
            known = self.known(tx)
            if known is not None:
                return known
            result = fn(tx)
            self.keys.keep(tx, self.name, None if self.secret else self.encode(result), now=self.clock())
            return result

        return run
