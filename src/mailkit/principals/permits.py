"""May this caller do that? One pure decision for both dialects, asked before a request's body is looked at.

    any-scope grant                         -> allowed, on everybody's objects
    own-scope grant, object is the caller's -> allowed
    own-scope grant, a listing              -> allowed, restricted to the caller's own records
    object of a foreign tenant              -> refused, whatever is granted
    otherwise                               -> refused

The caller's tenant bounds everything: a caller inside a tenant never reaches an object outside of it.
"""

from enum import StrEnum
from functools import lru_cache
from typing import Final

from attrs import frozen

from mailkit.errors import Denied
from mailkit.ids import Id
from mailkit.principals.roles import ALL_PERMISSIONS, ATTRIBUTES, WILDDUCK_PERMISSIONS

__all__ = [
    "LOCAL_ADMINISTRATOR",
    "NOTHING",
    "Caller",
    "Need",
    "Permit",
    "Scope",
    "TokenKind",
    "hidden",
    "permits",
    "require",
    "require_whole_server",
]


class TokenKind(StrEnum):
    """What the caller proved itself with."""

    NONE = "none"
    """Nothing: an open server, or a public operation."""
    TOKEN = "token"
    """A WildDuck access token, or an access token of ours."""
    BASIC = "basic"
    APP_PASSWORD = "app-password"
    """An application password: enough for the API, but not for changing what proves the account."""
    API_KEY = "api-key"
    OAUTH = "oauth"
    STREAM = "stream"
    """A short-lived token for one purpose, taken from the query of an event stream."""


@frozen
class Caller:
    """Who asks, after credentials were checked. Holds all that permission decisions need and no secret."""

    principal: Id | None = None
    """None for an operator's token that belongs to no account."""
    number: int | None = None
    name: str = ""
    roles: tuple[str, ...] = ()
    permissions: frozenset[str] = frozenset()
    kind: TokenKind = TokenKind.NONE
    tenant: Id | None = None


NOBODY: Final = Caller()

LOCAL_ADMINISTRATOR: Final = Caller(name="Local administrator", roles=("admin",), permissions=ALL_PERMISSIONS)
"""The caller of an open server: may do everything and has no account."""


class Scope(StrEnum):
    ANY = "any"
    OWN = "own"


@frozen
class Need:
    """What an operation demands: one of `anybodys`, or one of `own` if the object is the caller's."""

    anybodys: tuple[str, ...] = ()
    own: tuple[str, ...] = ()
    listing: bool = False
    """The operation names no owner and can be cut down to the caller's own records."""
    text: str = ""

    @classmethod
    def one_of(cls, *permissions: str) -> "Need":
        """Any one of these Stalwart permissions."""
        return cls(permissions, text=" or ".join(permissions) if len(permissions) < 4 else f"one of {len(permissions)}")

    @classmethod
    def wildduck(cls, text: str) -> "Need":
        """From `resource:action`; `:any` says that own scope is not enough, `:listing` that a list can be cut down."""
        resource, action, *mode = text.split(":")
        grant = f"wd:{resource}:{action}:"
        if grant + "any" not in WILDDUCK_PERMISSIONS or mode not in ([], ["any"], ["listing"]):
            raise ValueError(f"{text!r} names no permission")
        own = () if mode == ["any"] else (grant + "own",)
        return cls((grant + "any",), own, mode == ["listing"], text)


NOTHING: Final = Need(text="nothing but a valid token")


@frozen
class Permit:
    """The decision, with the reason in words; `scope` says whose objects it covers."""

    allowed: bool
    reason: str
    scope: Scope = Scope.ANY


def permits(
    caller: Caller, need: Need, *, owner: Id | str | None = None, tenant: Id | None = None, scoped: bool = False
) -> Permit:
    """Decides whether `caller` may do what demands `need` on an object of `owner` (an Id or its hex form).

    With `scoped`, `tenant` is the object's own (None: it has none), and a caller inside a tenant reaches only objects
    of that one.
    """
    held = caller.permissions
    if scoped and caller.tenant is not None and caller.tenant != tenant:
        return Permit(False, "the object belongs to another tenant")
    for name in need.anybodys:
        if name in held:
            return Permit(True, f"granted by {name}")
    if caller.principal is not None:
        if owner is not None and str(owner) == caller.principal.hex():
            for name in need.own:
                if name in held:
                    return Permit(True, f"granted by {name}", Scope.OWN)
        if owner is None and need.listing:
            for name in need.own:
                if name in held:
                    return Permit(True, f"granted by {name}, own records only", Scope.OWN)
    if not need.anybodys:
        return Permit(True, "needs no permission")
    return Permit(False, f"holds none of: {', '.join(need.anybodys + need.own)}")


def require(caller: Caller, *permissions: str) -> None:
    """Raises `Denied("permission.missing")` unless the caller holds every one of these."""
    for name in permissions:
        if name not in caller.permissions:
            raise Denied("permission.missing", permission=name)


def require_whole_server(caller: Caller) -> None:
    """Raises `Denied("permission.missing")` for a caller inside a tenant: for what belongs to all of them together."""
    if caller.tenant is not None:
        raise Denied("permission.missing", "This is for the server's administrators")


def hidden(caller: Caller, resource: str) -> frozenset[str]:
    """The attributes of a WildDuck resource that this caller neither sees nor sets."""
    return _hidden(caller.permissions, resource)


@lru_cache(maxsize=1024)
def _hidden(permissions: frozenset[str], resource: str) -> frozenset[str]:
    return frozenset(a for a in ATTRIBUTES.get(resource, ()) if f"wd:{resource}.{a}" not in permissions)
