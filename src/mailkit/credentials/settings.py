"""Settings of access."""

from typing import Any

from mailkit.settings.kinds import DURATION, FLAG, HOST_PORT, NETWORK, TEXT, HostPort, Network, list_of, or_off, whole
from mailkit.settings.registry import Key

__all__ = ["SETTINGS"]

_MINUTE = 60_000
_HOUR = 60 * _MINUTE
_DAY = 24 * _HOUR


def _life(name: str, default: int, doc: str) -> Key[int]:
    return Key(f"oauth.{name}", DURATION, default, doc, owner="credentials")


PASSWORD_MEMORY: Key[int] = Key(
    "password.memory",
    whole(8),
    19 * 1024,
    "KiB that hashing a password takes (argon2id).",
    scope="boot",
    owner="credentials",
)
PASSWORD_PASSES: Key[int] = Key(
    "password.passes", whole(1, 20), 2, "Passes over that memory.", scope="boot", owner="credentials"
)
TOTP_WINDOW: Key[int] = Key(
    "totp.window", whole(0, 10), 1, "Time steps that a clock may be off, each way.", owner="credentials"
)

LOGIN_FAILURES: Key[int | None] = Key(
    "login.failures",
    or_off(whole(1)),
    12,
    "Failed logins to an account from one network in two minutes.",
    owner="credentials",
)
LOGIN_FAILURES_ACCOUNT: Key[int | None] = Key(
    "login.failures_account",
    or_off(whole(1)),
    100,
    "Failed logins to an account in an hour, from addresses that never logged in to it.",
    owner="credentials",
)
LOGIN_FAILURES_NETWORK: Key[int | None] = Key(
    "login.failures_network",
    or_off(whole(1)),
    100,
    "Failed logins from a network in a day, to accounts that never were logged in to from there.",
    owner="credentials",
)
LOGIN_EXEMPT: Key[tuple[Network, ...]] = Key(
    "login.exempt", list_of(NETWORK), (), "Networks whose failed logins are not counted.", owner="credentials"
)

WEBAUTHN_ORIGINS: Key[tuple[str, ...]] = Key(
    "webauthn.origins",
    list_of(TEXT),
    (),
    "Origins whose pages may use WebAuthn, such as https://mail.example.org; none: that of `http.public_url`.",
    owner="credentials",
)
WEBAUTHN_NAME: Key[str] = Key(
    "webauthn.name", TEXT, "Mail", "What authenticators call this server.", owner="credentials"
)

OAUTH_REGISTRATION: Key[bool] = Key(
    "oauth.registration_required",
    FLAG,
    False,
    "Only clients that are registered may ask for access.",
    owner="credentials",
)
OAUTH_ANONYMOUS: Key[bool] = Key(
    "oauth.registration_anonymous",
    FLAG,
    False,
    "Clients may register themselves (RFC 7591) without credentials, 10 a day from one network, 200 from all.",
    owner="credentials",
)
OAUTH_USER_CODE = _life("expiry_user_code", 30 * _MINUTE, "How long a device waits for its approval.")
OAUTH_CODE = _life("expiry_auth_code", 10 * _MINUTE, "How long an authorization code is good.")
OAUTH_TOKEN = _life("expiry_token", _HOUR, "How long an access token is good.")
OAUTH_REFRESH = _life("expiry_refresh_token", 30 * _DAY, "How long a refresh token is good.")
OAUTH_RENEW = _life("expiry_refresh_token_renew", 4 * _DAY, "A refresh token with less life than this is replaced.")
OAUTH_ID_TOKEN = _life("expiry_id_token", 15 * _MINUTE, "How long an ID token is good.")


def _server(protocol: str, port: int) -> Key[HostPort | None]:
    doc = f"The {protocol.upper()} server that profiles for Apple's devices name, such as `mail.example.org:{port}`."
    return Key(f"profile.{protocol}", or_off(HOST_PORT), None, doc, owner="credentials")


PROFILE_SERVERS: dict[str, Key[HostPort | None]] = {
    name: _server(name, port) for name, port in (("imap", 993), ("pop3", 995), ("smtp", 465))
}
PROFILE_TITLE: Key[str | None] = Key(
    "profile.title", TEXT, None, "What such a profile is called; unset: the address.", owner="credentials"
)
PROFILE_IDENTIFIER: Key[str | None] = Key(
    "profile.identifier",
    TEXT,
    None,
    "What the identifiers of profiles begin with, in reverse-DNS form; unset: this host's name, reversed.",
    owner="credentials",
)
PROFILE_CERTIFICATE: Key[str | None] = Key(
    "profile.certificate",
    TEXT,
    None,
    "A PEM file with the certificate that profiles are signed with, and its chain; unset: profiles are not signed.",
    scope="boot",
    owner="credentials",
)
PROFILE_KEY: Key[str | None] = Key(
    "profile.key", TEXT, None, "Its key, PEM; unset: in the same file.", scope="boot", owner="credentials"
)

SETTINGS: tuple[Key[Any], ...] = (
    PASSWORD_MEMORY,
    PASSWORD_PASSES,
    TOTP_WINDOW,
    LOGIN_FAILURES,
    LOGIN_FAILURES_ACCOUNT,
    LOGIN_FAILURES_NETWORK,
    LOGIN_EXEMPT,
    WEBAUTHN_ORIGINS,
    WEBAUTHN_NAME,
    OAUTH_REGISTRATION,
    OAUTH_ANONYMOUS,
    OAUTH_USER_CODE,
    OAUTH_CODE,
    OAUTH_TOKEN,
    OAUTH_REFRESH,
    OAUTH_RENEW,
    OAUTH_ID_TOKEN,
    *PROFILE_SERVERS.values(),
    PROFILE_TITLE,
    PROFILE_IDENTIFIER,
    PROFILE_CERTIFICATE,
    PROFILE_KEY,
)
