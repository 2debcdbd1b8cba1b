"""Principals come, change and go."""

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.accounts.dialects.machine import DAY, Machine, same
from tests.accounts.dialects.strategies import ADDRESSES, DOMAINS, NAMES, PICK, QUOTAS, SEVERAL, TAGS, TARGETS
from tests.accounts.dialects.world import LINGER, No, Thing, World

__all__ = ["PeopleRules"]

KINDS = st.sampled_from(["individual", "group", "list", "role"])
SELDOM = st.sampled_from([False, False, True])
DISPLAY = st.sampled_from(["", "Jane"])


class PeopleRules(Machine):
    """Names, profiles, quotas, deletion."""

    @rule(name=NAMES, address=ADDRESSES, display=DISPLAY, tags=TAGS, quota=QUOTAS, inside=SELDOM)
    def create_user(self, name: str, address: str, display: str, tags: list[str], quota: int, inside: bool) -> None:
        def change(world: World) -> None:
            if "*" in address:
                raise No("input")
            values = {"display": display, "tags": tuple(tags), "quota": quota or None, "tenant": 1 if inside else None}
            made = world.create("individual", name, roles=("user",), password=True, **values)
            world.add(made, address, name=display, may_create_domain=not inside)  # wd/root may not
            self.touched = made.number

        body = {"username": name, "password": "right", "address": address, "tags": tags, "quota": quota}
        by = "boss" if inside else "admin"
        answer = self.expect(change, "POST", "/users", {**body, "name": display}, by=by)
        if answer is not None:
            self.world.need(name, "individual").id = answer["id"]

    @rule(
        kind=KINDS,
        name=NAMES,
        emails=SEVERAL,
        quota=QUOTAS,
        inside=SELDOM,
        friend=PICK,
        free=st.booleans(),
        secret=st.booleans(),
    )
    def create_principal(
        self, kind: str, name: str, emails: list[str], quota: int, inside: bool, friend: int, free: bool, secret: bool
    ) -> None:
        """`free`: it may log in."""
        emails = [] if kind == "role" else emails
        roles = ["user"] if free and kind == "individual" else []
        enabled = ["authenticate"] if free and kind == "role" else []
        member = self.pick(friend, "individual", "group", "domain") if kind == "group" else None

        def change(world: World) -> None:
            values = {"tenant": 1 if inside else None, "quota": quota, "enabled": tuple(enabled)}
            made = world.create(kind, name, roles=tuple(roles), **values)
            if member is not None:
                world.ties.add((made.number, member.number))
            first = next((text for text in emails if "*" not in text), None)
            for text in sorted(emails, key=lambda text: text not in (first, *emails[:1])):
                world.add(made, text)

        body: dict[str, Any] = {"type": kind, "name": name, "emails": emails, "quota": quota, "roles": roles}
        body |= {"enabledPermissions": enabled, **({"tenant": "acme"} if inside else {})}
        body |= {"members": member.name} if member is not None else {}
        answer = self.expect(change, "POST", "/api/principal", {**body, "secrets": "right" if secret else []})
        if answer is not None:
            self.touched = answer["data"]
            made = self.world.things[answer["data"]]
            made.password = secret
            if kind == "individual":
                made.id = self.ask("GET", f"/users/resolve/{made.name}")["id"]

    @rule(name=DOMAINS, inside=st.booleans())
    def create_domain(self, name: str, inside: bool) -> None:
        body = {"type": "domain", "name": name, **({"tenant": "acme"} if inside else {})}
        self.expect(lambda world: world.create_domain(name, 1 if inside else None), "POST", "/api/principal", body)

    @rule(who=st.integers(1, 6) | st.just(0))
    def delete_principal(self, who: int) -> None:
        thing = self.pick(who, "individual", "group", "list", "role", "domain") if who else self.world.things[1]
        if thing is not None:
            self.expect(
                lambda world: world.delete(world.things[thing.number]), "DELETE", f"/api/principal/{thing.name}"
            )

    @rule(who=PICK, days=st.sampled_from([0, 3, 30]))
    def delete_user(self, who: int, days: int) -> None:
        thing = self.pick(who, "individual")
        if thing is None:
            return
        due = self.clock() + days * DAY if days else None

        def change(world: World) -> None:
            world.delete(world.things[thing.number], due=due, linger=LINGER)

        answer = self.expect(change, "DELETE", f"/users/{thing.id}" + (f"?deleteAfter={due}" if due else ""))
        assert answer["addresses"] == {"deleted": len(thing.addresses)}
        assert self.ask("DELETE", f"/users/{thing.id}")["addresses"] == {"deleted": 0}

    @rule(who=PICK, days=st.sampled_from([0, 1, 2]))
    def delete_for_a_while(self, who: int, days: int) -> None:
        """And perhaps think better of it."""
        self.delete_user(who, days=3)
        if days:
            self.wait(days)
        self.restore(who)

    @rule(which=PICK)
    def restore(self, which: int) -> None:
        numbers = sorted(n for n, buried in self.world.buried.items() if buried.thing.kind == "individual")
        if not numbers:
            return
        number = self.touched = numbers[which % len(numbers)]
        buried = self.world.buried[number]
        info = self.ask("GET", f"/users/{buried.thing.id}/restore")
        if buried.closed is None:
            same(info["username"], buried.thing.name)
            had = (held for held in buried.thing.addresses if held.domain in self.world.things)
            same(info["recoverableAddresses"], [self.world.text(held) for held in had])
        else:
            same(info["code"], "AccountNotFound")
        answer = self.expect(lambda world: world.restore(number), "POST", f"/users/{buried.thing.id}/restore")
        if answer is not None:
            back = self.world.things[number]
            main = {"main": self.world.text(back.main)} if back.main else {}
            same(answer["addresses"], {"recovered": len(back.addresses), **main})

    @rule(days=st.sampled_from([1, 10, 40]))
    def wait(self, days: int) -> None:
        self.clock.advance(days=days)
        while self.kit.run_due():
            pass
        self.world.pass_time(days * DAY)

    @rule(who=PICK, name=NAMES)
    def rename(self, who: int, name: str) -> None:
        thing = self.pick(who, "individual", "group", "list", "role")
        if thing is not None:
            self.patch(thing, lambda world, it: world.rename(it, name), "set", "name", name)

    # what is said of somebody

    @rule(who=PICK, display=DISPLAY, wild=st.booleans())
    def describe(self, who: int, display: str, wild: bool) -> None:
        thing = self.pick(who, "individual")
        if thing is None:
            return

        def change(world: World, it: Thing) -> None:
            it.display = display

        if wild:
            self.put(thing, change, {"name": display})
        else:
            self.patch(thing, change, "set", "description", display)

    @rule(who=PICK, tags=TAGS, to=TARGETS, active=st.booleans(), suspended=st.booleans())
    def profile(self, who: int, tags: list[str], to: list[str], active: bool, suspended: bool) -> None:
        thing = self.pick(who, "individual")
        if thing is None:
            return

        def change(world: World, it: Thing) -> None:
            it.tags, it.targets, it.active, it.suspended = tuple(tags), tuple(to), active, suspended

        body = {"tags": tags, "targets": to, "disabled": not active, "suspended": suspended}
        self.put(thing, change, body)
        for tag in ("A", "b"):
            rows = self.ask("GET", f"/users?tags={tag}&limit=250")["results"]
            having = [t.id for t in self.world.of("individual") if tag.lower() in map(str.lower, t.tags)]
            assert sorted(row["id"] for row in rows) == sorted(having)

    @rule(who=PICK, quota=QUOTAS, wild=st.booleans())
    def quota(self, who: int, quota: int, wild: bool) -> None:
        thing = self.pick(who, "individual") if wild else self.pick(who, "individual", "group")
        if thing is None:
            return

        def change(world: World, it: Thing) -> None:
            it.quota = (quota or None) if wild else quota

        if wild:
            self.put(thing, change, {"quota": quota})
        else:
            self.patch(thing, change, "set", "quota", quota)

    @rule(quota=QUOTAS, most=st.integers(0, 3))
    def tenants_quota(self, quota: int, most: int) -> None:
        def change(world: World, it: Thing) -> None:
            it.quota, it.most = quota, most

        self.patch(self.world.things[1], change, "set", "quota", [quota, most])

    @rule(who=PICK, recipients=st.none() | st.sampled_from([0, 7]), received=st.none() | st.integers(0, 2))
    def limits(self, who: int, recipients: int | None, received: int | None) -> None:
        thing = self.pick(who, "individual")
        if thing is None:
            return
        given = {"recipients": recipients, "receivedMax": received}
        body = {name: value for name, value in given.items() if value is not None}

        def change(world: World, it: Thing) -> None:
            it.limits = {name: value for name, value in {**it.limits, **body}.items() if value}
            it.received = 0 if "receivedMax" in body else it.received

        self.put(thing, change, body)

    @rule(
        which=st.sampled_from(
            [
                ("quota", "const:max:storage", "quota.default"),
                ("recipients", "const:max:recipients", "limits.recipients_per_day"),
                ("forwards", "const:max:forwards", "limits.forwards_per_day"),
            ]
        ),
        value=st.sampled_from([1, 9, 1 << 30]),
        wild=st.booleans(),
    )
    def servers_limit(self, which: tuple[str, str, str], value: int, wild: bool) -> None:
        name, theirs, ours = which
        self.world.defaults[name] = value
        if wild:
            assert self.ask("POST", f"/settings/{theirs}", {"value": value})["success"]
        else:
            stored = {"type": "insert", "prefix": None, "values": [[ours, str(value)]], "assert_empty": False}
            assert self.ask("POST", "/api/settings", [stored]) == {"data": None}
            assert self.ask("GET", "/api/reload")["data"]["errors"] == {}
        assert self.ask("GET", f"/settings/{theirs}")["value"] == value
        assert self.ask("GET", f"/api/settings/keys?keys={ours}")["data"].keys() == {ours}
