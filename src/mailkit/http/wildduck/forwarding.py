"""Forwarded addresses, which belong to nobody's account (W2.3)."""

from typing import Any

import msgspec
from msgspec.structs import replace

from mailkit.accounts.addressing import Details
from mailkit.accounts.limits import FORWARD
from mailkit.errors import NotFound
from mailkit.http.declare import UNSET, UnsetType, answer, request
from mailkit.http.operation import read, write
from mailkit.http.wildduck import fields as take
from mailkit.http.wildduck.fields import Logged
from mailkit.http.wildduck.limits import Limit, seconds
from mailkit.http.wildduck.reach import tenant_number
from mailkit.http.wildduck.times import iso
from mailkit.ids import Id
from mailkit.kit import MailKit
from mailkit.principals.permits import Caller, hidden
from mailkit.principals.records import Address, Forwarding, Principal
from mailkit.principals.wildcards import new_mailbox
from mailkit.storage.api import ReadTx, Tx

__all__ = [
    "ForwardLimits",
    "autoreply_of",
    "create_forwarded",
    "delete_forwarded",
    "get_forwarded",
    "limits_of",
    "update_forwarded",
]


@request
class Autoreply:
    """What is answered to mail for a forwarded address."""

    status: bool = take.flag("Answer at all", default=True)
    start: int | bool | None = take.date_or_false("From then on")
    end: int | bool | None = take.date_or_false("Until then")
    name: str | None = take.text(128, "The sender's name", empty="kept", default=None)
    subject: str | None = take.text(2048, "Subject", empty="kept", default=None)
    text: str | None = take.text(131072, "Plain text", empty="kept", default=None)
    html: str | None = take.text(131072, "HTML", empty="kept", default=None)


@request
class CreateForwarded(Logged):
    """A new forwarded address."""

    address: str = take.text(255, "The address; with `allowWildcard` also `*@domain`, `pre*@domain`, `user@*`")
    name: str | None = take.text(128, "Name of the address", default=None)
    targets: tuple[str, ...] = take.target_list("Where its mail goes")
    forwards: int = take.number("Forwarded copies a day; 0: the server's default", least=0, default=0)
    allowWildcard: bool = take.flag("Allow one * in it")
    autoreply: Autoreply | None = take.nested(Autoreply, "What is answered", default=None)
    tags: tuple[str, ...] = take.tags("Labels")
    metaData: str | None = take.meta("Anything of the client's own")
    internalData: str | None = take.meta("The same, for administrators' eyes")


@answer
class Made:
    """What was made."""

    id: str


@answer
class Done:
    """It is done."""


@answer
class ForwardLimits:
    """The limits of a forwarded address."""

    forwards: Limit


@answer
class ForwardedAddress:
    """A forwarded address."""

    id: str
    address: str
    name: str | bool
    targets: tuple[str, ...]
    limits: ForwardLimits
    autoreply: msgspec.Raw
    created: str
    tags: tuple[str, ...]
    forwardedDisabled: bool | UnsetType = UNSET
    metaData: msgspec.Raw | UnsetType = UNSET
    internalData: msgspec.Raw | UnsetType = UNSET


def limits_of(kit: MailKit, owner: Principal, tx: ReadTx) -> ForwardLimits:
    """What a forwarded address may pass on in a day, and has."""
    found = next(one for one in kit.account_limits.explain(owner, tx=tx) if one.counted is FORWARD)
    return ForwardLimits(forwards=Limit(allowed=found.allowed, used=found.used, ttl=seconds(found.ttl)))


def autoreply_of(owner: Principal) -> msgspec.Raw:
    """The stored autoreply; at least its status."""
    stored = (owner.forwarding or Forwarding()).autoreply
    return msgspec.Raw((stored or '{"status":false}').encode())


def _merged(stored: str | None, given: Autoreply) -> str:
    """An autoreply as it is kept: what is not given stays, and an empty text blanks the other form when that is not
    given either."""
    known: dict[str, Any] = msgspec.json.decode(stored) if stored else {}
    known["status"] = given.status
    for name in ("start", "end"):
        value = getattr(given, name)
        if value is not None:
            known[name] = False if value is False else iso(value)
    for name in ("name", "subject", "text", "html"):
        value = getattr(given, name)
        if value is not None:
            known[name] = value
    for name, other in (("text", "html"), ("html", "text")):
        if getattr(given, name) == "" and getattr(given, other) is None:
            known[other] = ""
    return msgspec.json.encode(known).decode()


@write
def create_forwarded(kit: MailKit, ask: CreateForwarded, caller: Caller, tx: Tx) -> Made:
    """Make an address whose mail goes elsewhere."""
    row = kit.addressing.add_forwarded(
        new_mailbox(ask.address, wildcard=ask.allowWildcard),
        tuple(dict.fromkeys(ask.targets)),
        details=Details(ask.name, ask.tags, ask.metaData, ask.internalData),
        forwarding=Forwarding(limit=ask.forwards, autoreply=_merged(None, ask.autoreply) if ask.autoreply else None),
        tenant=tenant_number(kit, caller, tx),
        may_create_domain="domain-create" in caller.permissions,
        tx=tx,
    )
    return Made(id=str(row.id))


@request
class OneForwarded(Logged):
    """Which address."""

    address: Id = take.id24("The address' id")


def _within(kit: MailKit, id: Id, caller: Caller, tx: ReadTx) -> tuple[Address, Principal]:
    row, owner = kit.addressing.forwarded(id, tx=tx)
    if caller.tenant is not None and owner.tenant != tenant_number(kit, caller, tx):
        raise NotFound("address.not_found", "Invalid or unknown address identifier", id=str(id))
    return row, owner


@read
def get_forwarded(kit: MailKit, ask: OneForwarded, caller: Caller) -> ForwardedAddress:
    """One forwarded address."""
    with kit.store.snapshot() as tx:
        row, owner = _within(kit, ask.address, caller, tx)
        disabled = (owner.forwarding or Forwarding()).disabled
        internal = None if "internalData" in hidden(caller, "addresses") else row.internal
        return ForwardedAddress(
            id=str(row.id),
            address=row.value,
            name=row.name or False,
            targets=owner.targets,
            limits=limits_of(kit, owner, tx),
            autoreply=autoreply_of(owner),
            created=iso(row.created),
            tags=row.tags,
            forwardedDisabled=UNSET if disabled is None else disabled,
            metaData=UNSET if row.meta is None else msgspec.Raw(row.meta.encode()),
            internalData=UNSET if internal is None else msgspec.Raw(internal.encode()),
        )


@request
class UpdateForwarded(Logged):
    """Changes of a forwarded address."""

    id: Id = take.id24("The address' id")
    address: str | None = take.text(255, "Another text for it", default=None)
    name: str | None = take.text(128, "Name of the address", empty="kept", default=None)
    targets: tuple[str, ...] | None = take.target_list("Where its mail goes, instead of where it went", default=None)
    forwards: int | None = take.number("Forwarded copies a day; 0: the server's default", least=0, default=None)
    autoreply: Autoreply | None = take.nested(Autoreply, "What is answered", default=None)
    tags: tuple[str, ...] | None = take.tags("Labels, instead of those it has", default=None)
    forwardedDisabled: bool | None = take.flag("Forward nothing for now", default=None)
    metaData: str | None = take.meta("Anything of the client's own")
    internalData: str | None = take.meta("The same, for administrators' eyes")


@write
def update_forwarded(kit: MailKit, ask: UpdateForwarded, caller: Caller, tx: Tx) -> Done:
    """Change a forwarded address."""
    _, owner = _within(kit, ask.id, caller, tx)
    forwarding = owner.forwarding or Forwarding()
    changes: dict[str, Any] = {"limit": ask.forwards, "disabled": ask.forwardedDisabled}
    if ask.autoreply is not None:
        changes["autoreply"] = _merged(forwarding.autoreply, ask.autoreply)
    changes = {name: value for name, value in changes.items() if value is not None}
    values = {"name": ask.name, "tags": ask.tags, "meta": ask.metaData, "internal": ask.internalData}
    kit.addressing.change_forwarded(
        ask.id,
        mailbox=None if ask.address is None else new_mailbox(ask.address, wildcard=True),
        targets=None if ask.targets is None else tuple(dict.fromkeys(ask.targets)),
        forwarding=replace(forwarding, **changes),
        may_create_domain="domain-create" in caller.permissions,
        tx=tx,
        **{name: value for name, value in values.items() if value is not None},
    )
    return Done()


@write
def delete_forwarded(kit: MailKit, ask: OneForwarded, caller: Caller, tx: Tx) -> Done:
    """Delete a forwarded address."""
    _within(kit, ask.address, caller, tx)
    kit.addressing.remove_forwarded(ask.address, tx=tx)
    return Done()
