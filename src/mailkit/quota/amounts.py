"""What a quota may be: the server's default, no limit, or a number of bytes.

The dialects read 0 and absence differently (WildDuck: the default; Stalwart: no limit), which is why neither is a
number here.
"""

from typing import assert_never

from attrs import field, frozen, validators

__all__ = ["INHERIT", "UNLIMITED", "Bytes", "Inherit", "Quota", "Unlimited", "decode", "effective", "encode"]


@frozen
class Inherit:
    """Whatever the server's default is at the time."""


@frozen
class Unlimited:
    """No limit."""


@frozen
class Bytes:
    """At most `n` bytes; 0 means that nothing may be kept."""

    n: int = field(validator=[validators.instance_of(int), validators.ge(0)])


Quota = Inherit | Unlimited | Bytes
INHERIT = Inherit()
UNLIMITED = Unlimited()

_UNLIMITED = -1


def encode(quota: Quota) -> int | None:
    """The form in stored records: None for Inherit, -1 for Unlimited, else the bytes."""
    match quota:
        case Inherit():
            return None
        case Unlimited():
            return _UNLIMITED
        case Bytes(n):
            return n
        case other:
            assert_never(other)


def decode(stored: int | None) -> Quota:
    """The quota of a stored record; ValueError for a number that `encode` never gives."""
    if stored is None:
        return INHERIT
    return UNLIMITED if stored == _UNLIMITED else Bytes(stored)


def effective(quota: Quota, default: Bytes | Unlimited) -> int | None:
    """The bytes that count, None for no limit; `default` is what Inherit stands for."""
    chosen = default if isinstance(quota, Inherit) else quota
    return None if isinstance(chosen, Unlimited) else chosen.n
