"""Passwords as argon2id hashes (RFC 9106), at the cost that OWASP recommends: 19 MiB, 2 passes, 1 lane.

The law of equal cost: a login that fails costs one default verification, whatever it fails for: no such account, no
password, a wrong one, a hash of another scheme (that scheme's own cost comes on top: it goes with the first success).
"""

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

from attrs import frozen

from mailkit.credentials import schemes
from mailkit.errors import Invalid

if TYPE_CHECKING:
    from argon2 import PasswordHasher

__all__ = ["MAX_LENGTH", "Cost", "Verdict", "hash_password", "is_foreign", "spend_one_verification", "verify_password"]

MAX_LENGTH = 256
"""Longest password in characters (W2.1)."""


@frozen
class Cost:
    """What one hash costs: memory in KiB, passes, lanes."""

    memory: int = 19 * 1024
    passes: int = 2
    lanes: int = 1


@frozen
class Verdict:
    """Whether a password is right, and why not; `outdated` asks for a new hash of it."""

    right: bool
    reason: str
    outdated: bool = False


RIGHT = Verdict(True, "right")
OUTDATED = Verdict(True, "right, under an older scheme or cost", outdated=True)
WRONG = Verdict(False, "wrong")
NONE_SET = Verdict(False, "there is none")
UNREADABLE = Verdict(False, "its hash is of no known scheme, or would cost too much")


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


def is_foreign(stored: str | None, cost: Cost) -> bool:
    """Whether checking this hash costs something else than one default verification."""
    return stored is not None and not _is_current(stored, cost)


def verify_password(
    stored: str | None,
    password: str,
    cost: Cost | None = None,
    *,
    known: Sequence[schemes.Scheme] = schemes.SCHEMES,
) -> Verdict:
    """Compares with what is stored, at equal cost for every failure. Slow: never call it inside a transaction."""
    from argon2.exceptions import Argon2Error, InvalidHashError

    cost = cost or Cost()
    if stored is None or len(password) > MAX_LENGTH:
        spend_one_verification(cost)
        return NONE_SET if stored is None else WRONG
    hasher = _hasher(cost)
    if _is_current(stored, cost):
        try:
            hasher.verify(stored, password.encode("utf-8", "surrogatepass"))
        except InvalidHashError:
            pass  # looked like one
        except Argon2Error:
            return WRONG
        else:
            return RIGHT
    outcome = schemes.check(stored, password, known)
    if outcome:
        return OUTDATED
    spend_one_verification(cost)
    return WRONG if outcome is False else UNREADABLE


def _is_current(stored: str, cost: Cost) -> bool:
    return stored.startswith(f"$argon2id$v=19$m={cost.memory},t={cost.passes},p={cost.lanes}$")


def spend_one_verification(cost: Cost | None = None) -> None:
    """Costs what a wrong password costs: called where there is none to check, so that time tells nothing."""
    from argon2.exceptions import VerifyMismatchError

    cost = cost or Cost()
    try:
        _hasher(cost).verify(_decoy(cost), "wrong")
    except VerifyMismatchError:
        pass
