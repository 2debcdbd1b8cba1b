"""Whether something of a given size may be stored: the one place where quota is decided.

The law: used + size <= allowed, strictly, for the account and, if it has one, for its tenant.
"""

from typing import Literal

from attrs import frozen

__all__ = ["Admission", "Admitted", "Refused", "Usage", "admit"]


@frozen
class Usage:
    """Bytes kept and bytes allowed, None for no limit."""

    used: int
    allowed: int | None

    def has_room_for(self, size: int) -> bool:
        """True when `size` more bytes stay within what is allowed."""
        return self.allowed is None or self.used + size <= self.allowed


@frozen
class Admitted:
    """There is room."""

    size: int


@frozen
class Refused:
    """There is no room: `who` is full, of whose `allowed` bytes `used` are taken. When both are, it is the account,
    whose owner can do something about it."""

    who: Literal["account", "tenant"]
    used: int
    allowed: int
    size: int

    @property
    def reason(self) -> str:
        """In words."""
        return f"The {self.who} uses {self.used} of {self.allowed} bytes; {self.size} more don't fit"


Admission = Admitted | Refused


def admit(size: int, *, account: Usage, tenant: Usage | None = None) -> Admission:
    """Decides over `size` bytes more."""
    if not account.has_room_for(size):
        return Refused("account", account.used, account.allowed or 0, size)
    if tenant is not None and not tenant.has_room_for(size):
        return Refused("tenant", tenant.used, tenant.allowed or 0, size)
    return Admitted(size)
