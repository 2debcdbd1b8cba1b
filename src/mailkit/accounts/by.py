"""On whose behalf something is done to an account's access: what the login log says of it."""

from attrs import field, frozen

__all__ = ["By"]


@frozen
class By:
    """The address and session that the request names, and the token it came with (to be kept alive where the others
    end)."""

    ip: str | None = None
    session: str | None = None
    protocol: str = "API"
    token: str | None = field(default=None, repr=False)
