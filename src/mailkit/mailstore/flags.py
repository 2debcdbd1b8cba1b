"""What a change makes of a message's flags. Pure."""

from collections.abc import Iterable

from attrs import field, frozen
from msgspec.structs import replace

from mailkit.mailstore.records import FLAGS, State

__all__ = ["Change", "changed", "split"]


def _names(flags: Iterable[str]) -> frozenset[str]:
    return frozenset(flags)


@frozen
class Change:
    """What is to become of a message. What is left out stays."""

    add: frozenset[str] = field(default=frozenset(), converter=_names)
    """Flags to set."""
    remove: frozenset[str] = field(default=frozenset(), converter=_names)
    """Flags to take away; one that is also in `add` stays set."""
    expires: int | None = None
    """When the message is to be removed, UTC milliseconds; 0: never."""
    meta: str | None = None
    """The client's own object, as JSON text."""

    @property
    def nothing(self) -> bool:
        """True when it asks for nothing at all."""
        return not self.add and not self.remove and self.expires is None and self.meta is None


def split(flags: Iterable[str]) -> tuple[int, tuple[str, ...]]:
    """Flags as bits and keywords, in one order."""
    bits, keywords = 0, set()
    for flag in flags:
        bit = FLAGS.get(flag)
        if bit is None:
            keywords.add(flag)
        else:
            bits |= bit
    return bits, tuple(sorted(keywords))


def changed(state: State, change: Change) -> State:
    """The state after `change`, equal to `state` when that is what it says already. The modseq is the caller's."""
    bits, keywords = split((set(state.names) - change.remove) | change.add)
    if change.expires is not None:
        state = replace(state, expires=change.expires, chosen=True)
    return replace(state, flags=bits, keywords=keywords)
