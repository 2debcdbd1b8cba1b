"""What is kept of secrets."""

from msgspec import field

from mailkit.storage.codec import Codec, Record

__all__ = ["SECRETS_CODEC", "TOKEN_CODEC", "Secrets", "Token"]


class Secrets(Record, frozen=True, kw_only=True):
    """A principal's secrets, apart from its record so that nothing that reads principals can show them."""

    password: str | None = field(name="p", default=None)  # PHC string
    changed: int = field(name="c", default=0)  # ms


class Token(Record, frozen=True, kw_only=True):
    """An access token, kept under its SHA-256. Without a ttl it neither expires nor is renewed (W1.6)."""

    role: str = field(name="r")
    created: int = field(name="c")  # ms
    owner: int | None = field(name="o", default=None)  # the principal's number; None for an operator's token
    auth_version: int = field(name="v", default=0)
    ttl: int | None = field(name="t", default=None)  # ms since the last renewal
    renewed: int = field(name="n", default=0)  # ms
    description: str = field(name="d", default="")


SECRETS_CODEC = Codec(Secrets)
TOKEN_CODEC = Codec(Token)
