"""What is kept of a principal and of an address. Python names may change, the short stored names may not."""

from typing import Final

from msgspec import field

from mailkit.encryption.keys import AES256, Cipher
from mailkit.ids import Id
from mailkit.storage.codec import Record

__all__ = ["KINDS", "Address", "Deleted", "DomainAlias", "DomainRename", "Forwarding", "Principal", "Profile"]

KINDS: Final[dict[str, int]] = {
    "individual": 0,
    "group": 1,
    "resource": 2,
    "location": 3,
    "list": 5,
    "other": 6,
    "domain": 7,
    "tenant": 8,
    "role": 9,
    "apiKey": 10,
    "oauthClient": 11,
}
"""The principal types and their type numbers (Stalwart 3.2); the numbers stand in keys."""


class Profile(Record, frozen=True, kw_only=True):
    """What only people's accounts have: WildDuck's user fields. 0 in a limit means the server's default."""

    language: str = field(name="l", default="")
    retention: int = field(name="r", default=0)  # ms; 0 keeps for ever
    spam_level: int = field(name="s", default=50)
    tags: tuple[str, ...] = field(name="t", default=())
    meta: str | None = field(name="m", default=None)  # JSON text
    internal: str | None = field(name="i", default=None)  # JSON text
    from_whitelist: tuple[str, ...] = field(name="f", default=())
    disabled_scopes: tuple[str, ...] = field(name="x", default=())
    limits: dict[str, int] = field(name="q", default_factory=dict)
    flags: dict[str, bool] = field(name="o", default_factory=dict)
    upload_sent: bool = field(name="u", default=False)  # a copy of what is sent over SMTP is kept
    public_key: str | None = field(name="p", default=None)  # OpenPGP, armored
    certificates: str | None = field(name="c", default=None)  # S/MIME, PEM; counts before the OpenPGP key
    cipher: Cipher = field(name="y", default=AES256)  # of S/MIME
    encrypt: bool = field(name="e", default=False)  # what comes in, for these keys
    encrypt_forwarded: bool = field(name="g", default=False)


class Forwarding(Record, frozen=True, kw_only=True):
    """What only a list that forwards has (WildDuck's forwarded addresses)."""

    limit: int = field(name="l", default=0)  # copies a day; 0 means the server's default
    disabled: bool | None = field(name="d", default=None)  # None: never said
    autoreply: str | None = field(name="a", default=None)  # JSON text


class Principal(Record, frozen=True, kw_only=True):
    """A principal of any kind. `number` is never reused; `id` is its public name in WildDuck."""

    number: int = field(name="n")
    id: Id = field(name="i")
    kind: str = field(name="k")
    name: str = field(name="u")
    created: int = field(name="c")  # ms
    display: str | None = field(name="d", default=None)  # WildDuck `name`, Stalwart `description`
    quota: int | None = field(name="q", default=None)  # None inherits the default, -1 is unlimited, else bytes
    tenant: int | None = field(name="t", default=None)
    roles: tuple[str, ...] = field(name="r", default=())
    enabled: tuple[str, ...] = field(name="e", default=())  # permissions
    disabled: tuple[str, ...] = field(name="x", default=())  # permissions
    main: Id | None = field(name="m", default=None)  # main address
    active: bool = field(name="a", default=True)
    suspended: bool = field(name="s", default=False)
    implicit: bool = field(name="y", default=False)  # came about by itself: a domain, an OAuth client
    revision: int = field(name="v", default=1)  # any change; ends caches
    auth_version: int = field(name="w", default=1)  # ends tokens
    profile: Profile | None = field(name="p", default=None)
    targets: tuple[str, ...] = field(name="f", default=())  # where mail is forwarded to: addresses and URLs
    forwarding: Forwarding | None = field(name="j", default=None)
    hidden: bool = field(name="h", default=False)  # a list that stands behind one forwarded address
    contacts: tuple[str, ...] = field(name="o", default=())  # an OAuth client's addresses: no mail comes to them
    urls: tuple[str, ...] = field(name="l", default=())
    picture: str | None = field(name="b", default=None)
    ceilings: dict[str, int] = field(name="z", default_factory=dict)  # a tenant's most principals by kind


class Address(Record, frozen=True, kw_only=True):
    """One address of one owner."""

    id: Id = field(name="i")
    owner: int = field(name="o")  # the principal's number
    domain: int = field(name="d")  # the domain's number
    value: str = field(name="a")  # normal form
    view: str = field(name="v")
    created: int = field(name="c")
    name: str | None = field(name="n", default=None)
    tags: tuple[str, ...] = field(name="t", default=())
    meta: str | None = field(name="m", default=None)
    internal: str | None = field(name="x", default=None)


class Deleted(Record, frozen=True, kw_only=True):
    """A principal that was deleted while its data is still there, under its number."""

    principal: Principal = field(name="p")
    addresses: tuple[str, ...] = field(name="a")
    at: int = field(name="t")  # ms
    rows: tuple[Address, ...] = field(name="r", default=())  # as they were, for restoring
    containers: tuple[int, ...] = field(name="c", default=())
    members: tuple[int, ...] = field(name="m", default=())
    due: int = field(name="d", default=0)  # when the data goes, ms; 0: at once
    job: Id | None = field(name="j", default=None)  # the job that removes the data
    gone: bool = field(name="g", default=False)  # too late to restore; the data waits to be removed


class DomainAlias(Record, frozen=True, kw_only=True):
    """A domain whose addresses are those of another one. Both in normal form; the target need not exist."""

    id: Id = field(name="i")
    alias: str = field(name="a")
    domain: str = field(name="d")
    created: int = field(name="c")  # ms


class DomainRename(Record, frozen=True, kw_only=True):
    """A domain whose addresses are on their way to another name; kept under both until they have all arrived."""

    old: str = field(name="o")
    new: str = field(name="n")
    source: int = field(name="s")  # number of the domain that the addresses are taken from
    target: int = field(name="t")  # number of the domain they go to; the same, when it changes its name
    at: int = field(name="a")  # ms
