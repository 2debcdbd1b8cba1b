"""What a restore of many messages does, message by message: the preview and the job go by the same rule. Pure.

In the order in which they were deleted, each message that fits into what is left of the quota comes back; one that
doesn't stays in the archive, and smaller ones after it may still fit.
"""

from attrs import evolve, field, frozen

__all__ = ["Preview", "Tally"]


@frozen
class Tally:
    """How far it is: messages and bytes that came back, and those that found no room."""

    messages: int = 0
    bytes: int = 0
    refused: int = 0
    refused_bytes: int = 0

    def with_one(self, size: int, *, fits: bool) -> "Tally":
        """After one more message of `size` bytes."""
        if fits:
            return evolve(self, messages=self.messages + 1, bytes=self.bytes + size)
        return evolve(self, refused=self.refused + 1, refused_bytes=self.refused_bytes + size)

    def fits(self, size: int, room: int | None) -> bool:
        """True when `size` more bytes fit into `room`, the bytes free before the first message; None: any number."""
        return room is None or self.bytes + size <= room


@frozen
class Preview:
    """What a restore would do now. `room` is what the quota leaves free, None for any number of bytes."""

    tally: Tally
    room: int | None
    mailboxes: tuple[str, ...] = field(factory=tuple)
    """Paths of mailboxes that would be made."""
