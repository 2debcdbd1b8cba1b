"""Memberships, roles, tenants: all of it through Stalwart, for WildDuck has none of them."""

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.accounts.dialects.machine import Machine
from tests.accounts.dialects.strategies import PICK
from tests.accounts.dialects.world import BUILT_IN, No, Thing, World

__all__ = ["TieRules"]

ACTIONS = st.sampled_from(["addItem", "removeItem", "set"])
ANY = ("individual", "group", "list", "role", "domain")


class TieRules(Machine):
    """Who belongs to what."""

    @rule(who=PICK, whom=st.lists(PICK, max_size=2), action=ACTIONS)
    def members(self, who: int, whom: list[int], action: str) -> None:
        thing = self.pick(who, "group", "list", "role", "individual")
        others = [other for which in whom if (other := self.pick(which, *ANY)) is not None]
        if thing is None or (action != "set" and not others):
            return
        others = others if action == "set" else others[:1]
        names = [other.name for other in others]

        def change(world: World, it: Thing) -> None:
            given = [world.need(name) for name in names]
            if action == "removeItem":
                world.ties -= {(it.number, other.number) for other in given}
                return
            for other in given:
                world.may_have(it, other)
            if action == "set":
                world.ties = {tie for tie in world.ties if tie[0] != it.number}
            world.ties |= {(it.number, other.number) for other in given}

        self.patch(thing, change, action, "members", names if action == "set" else names[0])

    @rule(
        who=PICK,
        field=st.sampled_from(["memberOf", "lists"]),
        whom=st.lists(PICK, max_size=2),
        action=ACTIONS,
    )
    def containers(self, who: int, field: str, whom: list[int], action: str) -> None:
        thing = self.pick(who, "individual", "group", "list")
        names = [other.name for which in whom if (other := self.pick(which, "group", "list", "individual")) is not None]
        if thing is None or (action != "set" and not names):
            return
        names = names if action == "set" else names[:1]
        self.patch(thing, _belonging(field, names, action), action, field, names if action == "set" else names[0])

    @rule(
        who=PICK,
        built_in=st.lists(st.sampled_from(sorted(BUILT_IN)), max_size=2, unique=True),
        stored=st.none() | PICK,
        action=ACTIONS,
    )
    def roles(self, who: int, built_in: list[str], stored: int | None, action: str) -> None:
        thing = self.pick(who, "individual", "role")
        role = None if stored is None else self.pick(stored, "role")
        names = [*built_in, *([] if role is None else [role.name])]
        if thing is None or (action != "set" and not names):
            return
        names = names if action == "set" else names[-1:]
        self.patch(thing, _belonging("roles", names, action), action, "roles", names if action == "set" else names[0])

    @rule(who=PICK, action=ACTIONS)
    def permit(self, who: int, action: str) -> None:
        thing = self.pick(who, "role")
        if thing is None:
            return

        def change(world: World, it: Thing) -> None:
            it.enabled = () if action == "removeItem" else ("authenticate",)

        value: Any = ["authenticate"] if action == "set" else "authenticate"
        self.patch(thing, change, action, "enabledPermissions", value)

    @rule(who=PICK, inside=st.booleans())
    def move(self, who: int, inside: bool) -> None:
        """Into the tenant, or out of it."""
        thing = self.pick(who, *ANY)
        if thing is None:
            return

        def change(world: World, it: Thing) -> None:
            tenant = 1 if inside else None
            if it.tenant == tenant:
                return
            full = world.things[1].quota == 1
            if inside and it.used and full:
                raise No("full")
            it.tenant = tenant
            world.check_tenant(it)
            world.make_room(it)

        self.patch(thing, change, "set", "tenant", "acme" if inside else "")


def _belonging(field: str, names: list[str], action: str) -> Any:
    def change(world: World, it: Thing) -> None:
        given = [name for name in names if field != "roles" or name not in BUILT_IN]
        if field == "roles":
            built_in = tuple(name for name in names if name in BUILT_IN)
            kept = () if action == "set" else tuple(role for role in it.roles if role not in built_in)
            added = () if action == "removeItem" else built_in
            it.roles = it.roles if action == "addItem" and set(built_in) <= set(it.roles) else (*kept, *added)
        others = [world.need(name) for name in given]
        if action == "removeItem":
            gone = {(other.number, it.number) for other in others if world.field_of(other) == field}
            world.ties -= gone
            return
        for other in others:
            world.may_join(field, it, other)
        if action == "set":
            mine = {(t.number, it.number) for t in world.containers(it.number) if world.field_of(t) == field}
            world.ties -= mine
        world.ties |= {(other.number, it.number) for other in others}

    return change
