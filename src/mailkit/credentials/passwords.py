"""Passwords as argon2id hashes (RFC 9106), at the cost that OWASP recommends: 19 MiB, 2 passes, 1 lane."""

from functools import cache
from typing import TYPE_CHECKING

from attrs import frozen

from mailkit.errors import Invalid

if TYPE_CHECKING:
    from argon2 import PasswordHasher

__all__ = ["Cost", "hash_password", "spend_one_verification", "verify_password"]

MAX_LENGTH = 256
"""Longest password in characters (W2.1)."""


@frozen
class Cost:
    """What one hash costs: memory in KiB, passes, lanes."""

    memory: int = 19 * 1024
    passes: int = 2
    lanes: int = 1


@cache
def _hasher(cost: Cost) -> "PasswordHasher":
    from argon2 import PasswordHasher

    return PasswordHasher(time_cost=cost.passes, memory_cost=cost.memory, parallelism=cost.lanes)


@cache
def _decoy(cost: Cost) -> str:
    return _hasher(cost).hash("a password that nobody has")


def hash_password(password: str, cost: Cost | None = None) -> str:
    """The PHC string to store. Takes about 20 ms: never call it inside a transaction."""
    if not password or len(password) > MAX_LENGTH:
        raise Invalid.field("password", f'"password" must have 1 to {MAX_LENGTH} characters', kind="length")
    return _hasher(cost or Cost()).hash(password.encode("utf-8", "surrogatepass"))


def verify_password(stored: str, password: str, cost: Cost | None = None) -> bool:
    """True when `password` is the one that was hashed. A hash that cannot be read counts as wrong, at equal cost."""
    from argon2.exceptions import Argon2Error, InvalidHashError

    hasher = _hasher(cost or Cost())
    try:
        return hasher.verify(stored, password.encode("utf-8", "surrogatepass"))
    except InvalidHashError:
        spend_one_verification(cost)
        return False
    except Argon2Error:
        return False


def spend_one_verification(cost: Cost | None = None) -> None:
    """Costs what a wrong password costs: called where there is none to check, so that time tells nothing."""
    from argon2.exceptions import VerifyMismatchError

    cost = cost or Cost()
    try:
        _hasher(cost).verify(_decoy(cost), "wrong")
    except VerifyMismatchError:
        pass
