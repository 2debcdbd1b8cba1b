"""Application passwords (W2.10)."""

import base64
import secrets
from collections.abc import Callable
from typing import Any

from attrs import frozen

from mailkit.accounts.by import By
from mailkit.credentials.apppasswords import EVERYWHERE, SCOPES, generate, shown
from mailkit.credentials.records import AppPassword
from mailkit.http.declare import ABSENT, UNSET, Refused, Rule, Schema, UnsetType, answer, request, takes
from mailkit.http.operation import prepared, read, write
from mailkit.http.wildduck import fields as take
from mailkit.http.wildduck.fields import Logged
from mailkit.http.wildduck.reach import user_within
from mailkit.http.wildduck.times import iso
from mailkit.ids import Id
from mailkit.kit import MailKit
from mailkit.principals.permits import Caller
from mailkit.storage.api import Tx

__all__ = ["create_asp", "delete_asp", "get_asp", "list_asps"]


@frozen
class Scopes(Rule):
    """A list of services, or one text with commas."""

    def read(self, value: object) -> Any:
        if value == "":
            return ABSENT
        parts = [part.strip() for part in value.split(",")] if isinstance(value, str) else value
        if not isinstance(parts, (list, tuple)):
            raise Refused.because("must be an array", "array")
        for at, part in enumerate(parts):
            if part not in (*SCOPES, EVERYWHERE):
                raise Refused([((at,), f"must be one of [{', '.join((*SCOPES, EVERYWHERE))}]", "choice")])
        if len(set(parts)) < len(parts):
            raise Refused.because("contains a duplicate value", "unique")
        return tuple(parts) or ABSENT

    def schema(self) -> Schema:
        return {"type": "array", "items": {"type": "string", "enum": [*SCOPES, EVERYWHERE]}, "uniqueItems": True}


@answer
class LastUse:
    """When it was used last, and the line of the login log; false for never."""

    time: str | bool
    event: str | bool


@answer
class AspRow:
    """An application password, without the password."""

    id: str
    description: str
    scopes: tuple[str, ...]
    lastUse: LastUse
    created: str
    expires: str | UnsetType = UNSET


def _row(row: AppPassword) -> AspRow:
    return AspRow(
        id=str(row.id),
        description=row.name,
        scopes=shown(row.scopes),
        lastUse=LastUse(time=iso(row.used) if row.used else False, event=str(row.event) if row.event else False),
        created=iso(row.created),
        expires=iso(row.expires) if row.expires is not None else UNSET,
    )


# ---------------------------------------------------------------- lists


@request
class ListAsps(Logged):
    """Whose, and which."""

    user: Id = take.id24("The user, or `me`")
    showAll: bool = take.flag("Those with a ttl as well")


@answer
class Asps:
    """All of a user's application passwords, oldest first."""

    results: tuple[AspRow, ...]


@read
def list_asps(kit: MailKit, ask: ListAsps, caller: Caller) -> Asps:
    """A user's application passwords."""
    with kit.store.snapshot() as tx:
        user_within(kit, ask.user, caller, tx=tx)
        rows = kit.app_passwords.list(ask.user, tx=tx)
    return Asps(results=tuple(_row(row) for row in rows if ask.showAll or row.ttl is None))


@request
class OneAsp(Logged):
    """Which."""

    user: Id = take.id24("The user, or `me`")
    asp: Id = take.id24("The application password")


@read
def get_asp(kit: MailKit, ask: OneAsp, caller: Caller) -> AspRow:
    """One application password."""
    with kit.store.snapshot() as tx:
        user_within(kit, ask.user, caller, tx=tx)
        return _row(kit.app_passwords.get(ask.user, ask.asp, tx=tx))


# ---------------------------------------------------------------- changes


@request
class CreateAsp(Logged):
    """What a new application password is for."""

    user: Id = take.id24("The user, or `me`")
    description: str = take.text(255, "What it is for", trim=True, empty="refused")
    scopes: tuple[str, ...] = takes(Scopes(), default=(EVERYWHERE,), doc="Services it may be used for")
    address: str | None = take.email("The address that a profile is about", default=None)
    password: str | None = take.app_password("16 lower-case letters; by default made up", default=None)
    generateMobileconfig: bool = take.flag("Make a profile for Apple's devices")
    ttl: int = take.number("Seconds that it lives after its last use; 0: for ever", least=0, default=0)


@answer
class NewAsp:
    """The new application password, shown this once; and the profile with it, in base64, if one was asked for."""

    id: str
    password: str
    name: str | UnsetType = UNSET
    address: str | UnsetType = UNSET
    mobileconfig: str | UnsetType = UNSET


@prepared
def create_asp(kit: MailKit, ask: CreateAsp, caller: Caller) -> Callable[[Tx], NewAsp]:
    """Make an application password."""
    password = ask.password or generate(secrets.choice)
    with kit.store.snapshot() as tx:
        row = user_within(kit, ask.user, caller, tx=tx)
        if ask.address is not None:
            kit.app_passwords.owns_address(ask.user, ask.address, tx=tx)
        main = kit.addresses.main_of(row, tx=tx)
    address = ask.address or (main.value if main else row.name)
    profile: dict[str, str] = {}
    if ask.generateMobileconfig:
        made = kit.access.profiles.make(row, address=address, password=password, scopes=ask.scopes)
        shows = base64.b64encode(made).decode()
        profile = {"name": row.display or row.name, "address": address, "mobileconfig": shows}

    def create(tx: Tx) -> NewAsp:
        user_within(kit, ask.user, caller, tx=tx)
        done = kit.app_passwords.create(
            ask.user,
            ask.description,
            scopes=ask.scopes,
            password=password,
            ttl=ask.ttl * 1000 or None,
            by=By(ask.ip, ask.sess),
            tx=tx,
        )
        return NewAsp(id=str(done.row.id), password=password, **profile)

    return create


@answer
class Done:
    """It is so."""


@write
def delete_asp(kit: MailKit, ask: OneAsp, caller: Caller, tx: Tx) -> Done:
    """Remove an application password."""
    user_within(kit, ask.user, caller, tx=tx)
    kit.app_passwords.delete(ask.user, ask.asp, by=By(ask.ip, ask.sess), tx=tx)
    return Done()
