"""Whether something may happen again yet.

A *fixed* window begins with the first count and ends, with its count, `length` later. A *sliding* one is told from two
fixed windows in a row, the older of them fading: what it counts is `used + previous * (part of it still in view)`.

The law of admission: as long as less than `allowed` is counted, all of `n` is taken, even past the limit (so a message
to many recipients is sent or not sent, whole). A `strict` limit takes `n` only if it fits.
"""

from attrs import evolve, field, frozen, validators

__all__ = ["Allowed", "Decision", "Limit", "Limited", "Window", "counted", "decide", "roll"]


@frozen
class Limit:
    """At most `allowed` (None: any number) in `length` milliseconds."""

    allowed: int | None = field(validator=validators.optional(validators.ge(0)))
    length: int = field(validator=validators.ge(1))
    sliding: bool = False
    strict: bool = False


@frozen
class Window:
    """The state of a counter: since `start` (UTC milliseconds) `used`, and `previous` in the window before."""

    start: int
    used: int
    previous: int = 0

    def expires(self, limit: Limit) -> int:
        """When nothing of it counts any more."""
        return self.start + limit.length * (2 if limit.sliding else 1)


@frozen
class Allowed:
    """It may happen; `window` is the counter with it. `ttl`: milliseconds until the window ends."""

    window: Window
    used: int
    ttl: int


@frozen
class Limited:
    """It may not: `used` of `allowed` are. `retry_after`: milliseconds until it may, None for never."""

    used: int
    allowed: int
    retry_after: int | None

    @property
    def reason(self) -> str:
        """In words."""
        wait = "never again" if self.retry_after is None else f"again in {-(-self.retry_after // 1000)} s"
        return f"{self.used} of {self.allowed} used; {wait}"


Decision = Allowed | Limited


def roll(window: Window | None, limit: Limit, now: int) -> Window:
    """The counter as it stands at `now`; a new and empty one when nothing counts any more."""
    if window is None or now >= window.expires(limit):
        return Window(now, 0)
    if now >= window.start + limit.length:  # only a sliding one gets here
        return Window(window.start + limit.length, 0, window.used)
    return window


def counted(window: Window, limit: Limit, now: int) -> int:
    """How much of a rolled counter is in view at `now`."""
    left = limit.length - max(0, now - window.start)
    return window.used + -(-window.previous * left // limit.length)


def decide(window: Window | None, n: int, *, limit: Limit, now: int) -> Decision:
    """Decides over `n` more."""
    current = roll(window, limit, now)
    used = counted(current, limit, now)
    needed = n if limit.strict else 1
    if limit.allowed is not None and used + needed > limit.allowed:
        return Limited(used, limit.allowed, _wait(current, limit, limit.allowed - needed, now))
    return Allowed(evolve(current, used=current.used + n), used + n, current.start + limit.length - now)


def _wait(window: Window, limit: Limit, most: int, now: int) -> int | None:
    """Milliseconds until at most `most` is counted, if nothing else happens."""
    if most < 0:
        return None
    end = window.start + limit.length
    if not limit.sliding:
        return end - now
    if window.used <= most:  # the older window has to fade
        return window.start + _faded(window.previous, most - window.used, limit.length) - now
    return end + _faded(window.used, most, limit.length) - now


def _faded(previous: int, room: int, length: int) -> int:
    """How far into the next window no more than `room` of `previous` is in view."""
    return max(0, length - length * room // previous)
