"""The Authorization header of Stalwart's API (S1.2): Basic, API keys, OAuth tokens, and access tokens of ours."""

import base64
import binascii
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import anyio.to_thread

from mailkit.accounts.callers import API_KEY
from mailkit.errors import Denied
from mailkit.principals.permits import Caller, TokenKind

if TYPE_CHECKING:
    from mailkit.kit import MailKit

__all__ = ["caller_of", "split_basic"]


async def caller_of(kit: "MailKit", header: str, address: str, of_token: Callable[[str], Awaitable[Caller]]) -> Caller:
    """Who sent it; Denied `token.invalid`, `login.failed`, `totp.missing`, `permission.missing`.

    Slow verifications run on a thread; those that were made a moment ago are looked up here.
    """
    scheme, _, value = header.partition(" ")
    value = value.strip()
    match scheme.lower():
        case "basic":
            name, secret = split_basic(value)
            caller = await _of_secret(kit, name, secret, address)
        case "bearer" if value.startswith(API_KEY):
            caller = await anyio.to_thread.run_sync(lambda: kit.callers.of_api_key(value, ip=address))
        case "bearer" if len(value) == 40:
            caller = await of_token(value)
        case "bearer" if kit.store.reads_block:
            caller = await anyio.to_thread.run_sync(kit.callers.of_bearer, value)
        case "bearer":
            caller = kit.callers.of_bearer(value)
        case _:
            raise Denied("token.invalid")
    if "authenticate" not in caller.permissions:
        raise Denied("permission.missing", permission="authenticate")
    return caller


async def _of_secret(kit: "MailKit", name: str, secret: str, address: str) -> Caller:
    if not kit.store.reads_block:
        known = kit.callers.find_verified(name, secret, TokenKind.BASIC)
        if known is not None:
            return known
    return await anyio.to_thread.run_sync(lambda: kit.callers.of_password(name, secret, ip=address))


def split_basic(value: str) -> tuple[str, str]:
    """Login (trimmed, lower-case) and secret of Basic credentials (RFC 7617); Denied `token.invalid`."""
    try:
        text = base64.b64decode(value, validate=True).decode()
    except (binascii.Error, ValueError):
        raise Denied("token.invalid") from None
    name, colon, secret = text.partition(":")
    if not colon:
        raise Denied("token.invalid")
    return name.strip().lower(), secret
