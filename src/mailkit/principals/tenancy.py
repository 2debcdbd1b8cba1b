"""What a tenant allows: how many principals of each kind, and under which names. Pure (Stalwart 1.6, 3.2, 3.3)."""

from collections.abc import Mapping, Sequence

from attrs import frozen

from mailkit.principals.records import KINDS

__all__ = ["Full", "Room", "ceilings_of", "name_refusal", "quota_array", "room_for"]

_ENTRIES = max(KINDS.values()) + 2  # storage first, then one for each type number


@frozen
class Room:
    """One more of this kind may be made."""


@frozen
class Full:
    """The tenant has all it may have: `held` of `allowed` principals of `kind`."""

    kind: str
    held: int
    allowed: int

    @property
    def reason(self) -> str:
        """In words."""
        return f"The tenant has {self.held} of {self.allowed} principals of type {self.kind}"


def room_for(kind: str, *, held: int, ceilings: Mapping[str, int]) -> Room | Full:
    """Whether a tenant that has `held` principals of a kind may have another; no ceiling, or 0, is no limit."""
    allowed = ceilings.get(kind, 0)
    return Full(kind, held, allowed) if allowed and held >= allowed else Room()


def name_refusal(name: str, *, domain_is_own: bool) -> str | None:
    """Why a principal inside a tenant cannot be called `name`; None when it can. A domain may have any name.

    `domain_is_own`: what follows the @ is a domain of that tenant.
    """
    local, at, domain = name.rpartition("@")
    if not at or not local or not domain:
        return f'The name "{name}" is not an address in a domain of the tenant'
    return None if domain_is_own else f'The domain "{domain}" does not belong to the tenant'


def ceilings_of(numbers: Sequence[int]) -> dict[str, int]:
    """Ceilings by kind from Stalwart's list: storage at 0, the most principals of type t at t + 1; 0 is no limit."""
    return {kind: numbers[code + 1] for kind, code in KINDS.items() if code + 1 < len(numbers) and numbers[code + 1]}


def quota_array(storage: int, ceilings: Mapping[str, int]) -> tuple[int, ...]:
    """The list that `ceilings_of` reads."""
    numbers = [0] * _ENTRIES
    numbers[0] = storage
    for kind, most in ceilings.items():
        numbers[KINDS[kind] + 1] = most
    return tuple(numbers)
