"""Addresses, forwarded ones, domains and their aliases."""

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.accounts.dialects.machine import Machine
from tests.accounts.dialects.strategies import ADDRESSES, DOMAINS, PICK, SEVERAL, TAGS, TARGETS
from tests.accounts.dialects.world import No, Thing, World, dotless

__all__ = ["AddressRules"]

OWNERS = ("individual", "group", "list")
LIMITS = st.none() | st.sampled_from([0, 5])


class AddressRules(Machine):
    """Who has which."""

    @rule(who=PICK, address=ADDRESSES, main=st.booleans(), wild=st.booleans())
    def add_address(self, who: int, address: str, main: bool, wild: bool) -> None:
        thing = self.pick(who, "individual") if wild else self.pick(who, *OWNERS)
        if thing is None:
            return
        if not wild:

            def more(world: World, it: Thing) -> None:
                if dotless(address) in map(dotless, world.texts(it)):
                    raise No("address")
                world.add(it, address, name=it.display)

            self.patch(thing, more, "addItem", "emails", address.replace("*@", "@"))
            return

        def change(world: World) -> None:
            if main and "*" in address:
                raise No("input")
            world.add(world.things[thing.number], address, main=main)

        self.touched = thing.number
        body = {"address": address, "main": main, "allowWildcard": True}
        self.expect(change, "POST", f"/users/{thing.id}/addresses", body)

    @rule(who=PICK, texts=SEVERAL)
    def set_addresses(self, who: int, texts: list[str]) -> None:
        thing = self.pick(who, *OWNERS)
        if thing is not None:
            self.patch(thing, lambda world, it: world.set(it, texts), "set", "emails", texts)

    @rule(who=PICK, which=PICK, text=st.none() | ADDRESSES, main=st.booleans(), tags=st.none() | TAGS)
    def change_address(self, who: int, which: int, text: str | None, main: bool, tags: list[str] | None) -> None:
        thing = self.pick(who, "individual")
        if thing is None or (found := self.held(thing, which)) is None:
            return
        index, held = found

        def change(world: World, it: Thing) -> None:
            mine = it.addresses[index]
            mine.tags = mine.tags if tags is None else tuple(tags)
            if text is not None:
                world.respell(it, mine, text)
            if main and mine.wild:
                raise No("wildcard")
            it.main = mine if main else it.main

        body: dict[str, Any] = {**({"address": text} if text else {}), **({"main": True} if main else {})}
        body |= {} if tags is None else {"tags": tags}
        self.put(thing, change, body, f"/addresses/{held.id}")

    @rule(who=PICK, which=PICK, wild=st.booleans())
    def remove_address(self, who: int, which: int, wild: bool) -> None:
        thing = self.pick(who, "individual") if wild else self.pick(who, *OWNERS)
        if thing is None or (found := self.held(thing, which)) is None:
            return
        index, held = found
        if not wild:
            text = self.world.text(held)
            self.patch(thing, lambda world, it: world.drop(it, it.addresses[index]), "removeItem", "emails", text)
            return

        def change(world: World) -> None:
            it = world.things[thing.number]
            world.remove(it, it.addresses[index])

        self.touched = thing.number
        self.expect(change, "DELETE", f"/users/{thing.id}/addresses/{held.id}")

    # forwarded addresses: WildDuck's view of lists

    @rule(address=ADDRESSES, to=TARGETS, tags=TAGS, forwards=LIMITS)
    def forward(self, address: str, to: list[str], tags: list[str], forwards: int | None) -> None:
        def change(world: World) -> None:
            _not_to_itself(address, to)
            if world.owner(address) is not None:
                raise No("address")
            made = world.create("list", "forward", hidden=True, quota=0, targets=tuple(to), forwards=forwards or 0)
            world.add(made, address).tags = tuple(tags)
            self.touched = made.number

        body = {"address": address, "targets": to, "tags": tags, "allowWildcard": True}
        body |= {} if forwards is None else {"forwards": forwards}
        answer = self.expect(change, "POST", "/addresses/forwarded", body)
        if answer is not None:
            self.world.need("forward").name = f"forward:{answer['id']}"

    @rule(
        who=PICK,
        which=PICK,
        text=st.none() | ADDRESSES,
        to=st.none() | TARGETS,
        forwards=LIMITS,
        paused=st.none() | st.booleans(),
    )
    def change_forwarded(
        self, who: int, which: int, text: str | None, to: list[str] | None, forwards: int | None, paused: bool | None
    ) -> None:
        thing = self.pick(who, "list", "hidden")
        if thing is None or (found := self.held(thing, which)) is None:
            return
        index, held = found

        def change(world: World) -> None:
            it = world.things[thing.number]
            if text is not None:
                world.respell(it, it.addresses[index], text)
            if to is not None:
                it.targets = tuple(to)
            if to is not None or text is not None:
                _not_to_itself(world.text(it.addresses[index]), it.targets)
            it.forwards = it.forwards if forwards is None else forwards
            it.paused = it.paused if paused is None else paused

        self.touched = thing.number
        given = {"address": text, "targets": to, "forwards": forwards, "forwardedDisabled": paused}
        body = {name: value for name, value in given.items() if value is not None}
        self.expect(change, "PUT", f"/addresses/forwarded/{held.id}", body)

    @rule(who=PICK, which=PICK)
    def remove_forwarded(self, who: int, which: int) -> None:
        thing = self.pick(who, "list", "hidden")
        if thing is None or (found := self.held(thing, which)) is None:
            return
        index, held = found

        def change(world: World) -> None:
            it = world.things[thing.number]
            world.drop(it, it.addresses[index])
            if it.hidden and not it.addresses:
                world.forget(it)

        self.expect(change, "DELETE", f"/addresses/forwarded/{held.id}")

    @rule(
        who=PICK,
        to=st.sampled_from(["c@x.org", "e@else.org"]),
        action=st.sampled_from(["addItem", "removeItem", "set"]),
    )
    def change_targets(self, who: int, to: str, action: str) -> None:
        """Through Stalwart, which knows of addresses only; the others stay."""
        thing = self.pick(who, "list", "hidden")
        if thing is None:
            return

        def change(world: World, it: Thing) -> None:
            if action == "set":
                it.targets = (to, *(known for known in it.targets if "://" in known))
            elif action == "removeItem":
                it.targets = tuple(known for known in it.targets if known != to)
            elif to not in it.targets:
                it.targets = (*it.targets, to)

        self.patch(thing, change, action, "externalMembers", [to] if action == "set" else to)

    # domains

    @rule(which=PICK, name=DOMAINS, wild=st.booleans())
    def rename_domain(self, which: int, name: str, wild: bool) -> None:
        thing = self.pick(which, "domain")
        if thing is None:
            return
        if not wild:
            self.patch(thing, lambda world, it: world.rename(it, name), "set", "name", name)
            return
        told: dict[str, int] = {}
        body = {"oldDomain": thing.name, "newDomain": name}
        answer = self.expect(
            lambda world: told.update(world.rename_domain(thing.name, name)), "PUT", "/addresses/renameDomain", body
        )
        assert answer is None or answer == {"success": True, **told}

    @rule(alias=DOMAINS, domain=DOMAINS)
    def alias(self, alias: str, domain: str) -> None:
        def change(world: World) -> None:
            if alias in world.aliases:
                raise No("alias")
            world.aliases[alias] = domain

        self.expect(change, "POST", "/domainaliases", {"alias": alias, "domain": domain})

    @rule(which=PICK)
    def remove_alias(self, which: int) -> None:
        if not self.world.aliases:
            return
        alias = sorted(self.world.aliases)[which % len(self.world.aliases)]
        id = self.ask("GET", f"/domainaliases/resolve/{alias}")["id"]
        self.expect(lambda world: world.aliases.pop(alias), "DELETE", f"/domainaliases/{id}")


def _not_to_itself(address: str, targets: list[str] | tuple[str, ...]) -> None:
    if dotless(address) in map(dotless, targets):
        raise No("input")
