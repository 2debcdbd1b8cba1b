"""What is kept of secrets. Python names may change, the short stored names may not."""

from msgspec import field

from mailkit.ids import Id
from mailkit.storage.codec import Codec, Record

__all__ = [
    "SECRETS_CODEC",
    "TOKEN_CODEC",
    "AppPassword",
    "AuthEvent",
    "Challenge",
    "Grant",
    "Known",
    "LastLogin",
    "Otp",
    "Pending",
    "Revoked",
    "Secrets",
    "Temporary",
    "Token",
    "UsedCodes",
    "WebAuthnCredential",
]


class Otp(Record, frozen=True, kw_only=True):
    """A TOTP seed: its otpauth URL, sealed for `otp:<number>`."""

    id: bytes = field(name="i")  # 4 random bytes: names it where its used codes are kept
    label: str = field(name="l")
    sealed: bytes = field(name="s")


class Pending(Record, frozen=True, kw_only=True):
    """A TOTP seed that waits to be enabled."""

    sealed: bytes = field(name="s")
    created: int = field(name="c")  # ms


class Temporary(Record, frozen=True, kw_only=True):
    """A password for a day. One that was generated is kept by its keyed hash, one that was chosen as argon2id."""

    created: int = field(name="c")  # ms
    valid_after: int = field(name="v", default=0)  # ms
    hash: str | None = field(name="h", default=None)
    lookup: bytes | None = field(name="l", default=None)


class Secrets(Record, frozen=True, kw_only=True):
    """A principal's secrets, apart from its record so that nothing that reads principals can show them."""

    password: str | None = field(name="p", default=None)  # a hash
    changed: int = field(name="c", default=0)  # ms
    more: tuple[str, ...] = field(name="m", default=())  # further passwords: Stalwart knows lists of them
    temporary: Temporary | None = field(name="t", default=None)
    otp: tuple[Otp, ...] = field(name="o", default=())
    pending: Pending | None = field(name="q", default=None)
    custom: bool = field(name="x", default=False)  # an application of the operator does the second factor
    webauthn: int = field(name="w", default=0)  # how many WebAuthn credentials there are

    @property
    def has_password(self) -> bool:
        """True when a password is set, permanent or temporary."""
        return self.password is not None or self.temporary is not None or bool(self.more)


class Token(Record, frozen=True, kw_only=True):
    """An access token, kept under its SHA-256. Without a ttl it neither expires nor is renewed (W1.6)."""

    role: str = field(name="r")
    created: int = field(name="c")  # ms
    owner: int | None = field(name="o", default=None)  # the principal's number; None for an operator's token
    auth_version: int = field(name="v", default=0)
    ttl: int | None = field(name="t", default=None)  # ms since the last renewal
    renewed: int = field(name="n", default=0)  # ms
    description: str = field(name="d", default="")


class AppPassword(Record, frozen=True, kw_only=True):
    """An application password: by its keyed hash, or as a client hashed it until it is first used."""

    id: Id = field(name="i")
    name: str = field(name="n")
    created: int = field(name="c")  # ms
    scopes: tuple[str, ...] = field(name="s")
    lookup: bytes | None = field(name="l", default=None)
    hash: str | None = field(name="h", default=None)
    ttl: int | None = field(name="t", default=None)  # ms; each use starts it anew
    expires: int | None = field(name="e", default=None)  # ms
    used: int = field(name="u", default=0)  # ms
    event: Id | None = field(name="v", default=None)  # the login event of the last use
    ip: str | None = field(name="a", default=None)


class WebAuthnCredential(Record, frozen=True, kw_only=True):
    """A registered authenticator: its public key and how often it has signed."""

    id: Id = field(name="i")
    raw_id: bytes = field(name="r")
    public_key: bytes = field(name="k")  # COSE
    count: int = field(name="n")
    description: str = field(name="d")
    attachment: str = field(name="t")
    rp_id: str = field(name="p")
    created: int = field(name="c")  # ms


class Challenge(Record, frozen=True, kw_only=True):
    """A WebAuthn challenge, kept under its SHA-256."""

    kind: str = field(name="k")  # registration, authentication
    origin: str = field(name="o")
    rp_id: str = field(name="r")
    attachment: str = field(name="t")
    expires: int = field(name="e")  # ms
    account: int = field(name="a")
    digest: bytes = field(name="h")
    description: str = field(name="d", default="")


class AuthEvent(Record, frozen=True, kw_only=True):
    """A line of the login log (W3.5); `events` of them happened between `created` and `last`."""

    id: Id = field(name="i")
    account: int = field(name="n")
    action: str = field(name="k")
    key: bytes = field(name="d")  # digest of what makes two events one
    created: int = field(name="c")  # ms
    last: int = field(name="l")  # ms
    expires: int = field(name="x")  # ms
    events: int = field(name="e", default=1)
    result: str | None = field(name="r", default=None)
    protocol: str | None = field(name="p", default=None)
    ip: str | None = field(name="a", default=None)
    session: str | None = field(name="s", default=None)
    details: dict[str, str] = field(name="m", default_factory=dict)  # source, asp, aname, appId, ...


class LastLogin(Record, frozen=True, kw_only=True):
    """The last success, for GET user."""

    time: int = field(name="t")  # ms
    event: Id | None = field(name="e", default=None)
    ip: str | None = field(name="a", default=None)


class Known(Record, frozen=True, kw_only=True):
    """An address with a successful login."""

    last: int = field(name="l")  # ms


class UsedCodes(Record, frozen=True, kw_only=True):
    """TOTP codes that were used: seed id and step, the latest ones."""

    steps: tuple[tuple[bytes, int], ...] = field(name="s", default=())


class Grant(Record, frozen=True, kw_only=True):
    """An OAuth authorization on its way to a token, kept under the SHA-256 of its code or device code."""

    id: Id = field(name="i")  # also the family of all tokens that come of it
    kind: str = field(name="k")  # code, device
    client: str = field(name="c")
    expires: int = field(name="e")  # ms
    digest: bytes = field(name="h")
    redirect: str = field(name="r", default="")
    challenge: str | None = field(name="p", default=None)  # PKCE, S256
    nonce: str | None = field(name="n", default=None)
    account: int | None = field(name="a", default=None)  # None until a device is approved
    auth_version: int = field(name="v", default=0)
    user_code: str | None = field(name="u", default=None)
    used: bool = field(name="x", default=False)
    asked: int = field(name="q", default=0)  # ms; when a device asked last


class Revoked(Record, frozen=True, kw_only=True):
    """A grant whose tokens are void until they are dead anyway."""

    id: Id = field(name="i")
    until: int = field(name="u")  # ms


SECRETS_CODEC = Codec(Secrets)
TOKEN_CODEC = Codec(Token)
