"""The address register of a user (W2.3)."""

from mailkit.http.declare import answer, request
from mailkit.http.operation import slow
from mailkit.http.wildduck import fields as take
from mailkit.http.wildduck.fields import Logged
from mailkit.http.wildduck.reach import user_within
from mailkit.ids import Id
from mailkit.kit import MailKit
from mailkit.principals.permits import Caller

__all__ = ["list_register"]


@request
class ListRegister(Logged):
    """Whose register, and whom to look for."""

    user: Id = take.id24("The user, or `me`")
    query: str = take.text(255, "Beginning of an address or a name", empty="refused")
    limit: int = take.number("Most people shown", least=1, most=250, default=20)


@answer
class Person:
    """Somebody that the user had mail with."""

    id: str
    name: str | bool
    address: str


@answer
class People:
    """The most recent first."""

    results: tuple[Person, ...]


@slow
def list_register(kit: MailKit, ask: ListRegister, caller: Caller) -> People:
    """People that a user had mail with, by the beginning of their address or name."""
    with kit.store.snapshot() as tx:
        owner = user_within(kit, ask.user, caller, tx=tx)
        rows = kit.register.find(owner.number, ask.query, limit=ask.limit, tx=tx)
    return People(results=tuple(Person(id=str(row.id), name=row.name or False, address=row.address) for row in rows))
