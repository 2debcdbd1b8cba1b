"""A model of principals, addresses and what ties them together, told from the two APIs' documents alone.

A change that is refused raises `No` with the reason in one word; whoever asks makes it on a copy, so a refused change
leaves nothing. What the two dialects then show is in `views.py`.
"""

from collections.abc import Iterable
from typing import Any

from attrs import define, field

LINGER = 14 * 86_400_000
LOGS_IN = {"user", "admin", "tenant-admin"}
"""Built-in roles with the permission `authenticate`."""

MEMBERS = {"group": {"individual", "group"}, "list": {"individual", "group"}, "role": {"role"}}
CONTAINERS: dict[tuple[str, str], set[str]] = {
    ("memberOf", "individual"): {"group", "individual"},
    ("memberOf", "group"): {"group"},
    ("lists", "individual"): {"list"},
    ("lists", "group"): {"list"},
    ("roles", "individual"): {"role"},
    ("roles", "role"): {"role"},
}
BUILT_IN = {"admin", "user", "tenant-admin"}


class No(Exception):  # an answer, not a mistake
    """A refusal: `name`, `address`, `input`, `gone`, `main`, `wildcard`, `members`, `relation`, `purging`, `full`."""


def dotless(text: str) -> str:
    before, at, after = text.lower().partition("@")
    return before.replace(".", "") + at + after


@define(eq=False)
class Held:
    """An address of somebody's. The domain is a principal's number."""

    local: str
    domain: int
    name: str = ""
    tags: tuple[str, ...] = ()
    id: str | None = None  # learned when it is first seen

    @property
    def wild(self) -> bool:
        return "*" in self.local


@define(eq=False)
class Thing:
    """A principal; `addresses` are in order of creation."""

    number: int
    kind: str
    name: str
    id: str | None = None
    display: str = ""
    tenant: int | None = None
    addresses: list[Held] = field(factory=list)
    main: Held | None = None
    quota: int | None = None  # None: the server's default; 0: none
    used: int = 0
    limits: dict[str, int] = field(factory=dict)
    received: int = 0  # within the last minute
    tags: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    active: bool = True
    suspended: bool = False
    roles: tuple[str, ...] = ()  # built-in ones
    enabled: tuple[str, ...] = ()
    implicit: bool = False
    hidden: bool = False
    forwards: int = 0
    paused: bool | None = None
    most: int = 0  # individuals in a tenant
    password: bool = False


@define(eq=False)
class Buried:
    """Somebody deleted: with what it had, until its mail is gone."""

    thing: Thing
    containers: list[int]
    members: list[int]
    due: int
    later: bool  # was it to be kept for a while?
    linger: int
    closed: int | None = None  # since when it is too late to restore


@define(eq=False)
class World:
    now: int
    things: dict[int, Thing] = field(factory=dict)
    ties: set[tuple[int, int]] = field(factory=set)  # (container, member)
    aliases: dict[str, str] = field(factory=dict)
    buried: dict[int, Buried] = field(factory=dict)
    defaults: dict[str, int] = field(factory=lambda: {"quota": 1 << 30, "recipients": 2000, "forwards": 2000})
    last: int = 0

    # finding

    def of(self, *kinds: str) -> list[Thing]:
        return [thing for _, thing in sorted(self.things.items()) if thing.kind in kinds]

    def named(self, name: str, *kinds: str) -> Thing | None:
        found = [t for t in self.things.values() if t.name == name.lower() and (not kinds or t.kind in kinds)]
        return found[0] if found else None

    def need(self, name: str, *kinds: str) -> Thing:
        found = self.named(name, *kinds)
        if found is None:
            raise No("gone")
        return found

    def text(self, held: Held) -> str:
        return f"{held.local}@{self.things[held.domain].name}"

    def texts(self, thing: Thing) -> list[str]:
        """Main first, then oldest first."""
        return [self.text(held) for held in sorted(thing.addresses, key=lambda held: held is not thing.main)]

    def owner(self, text: str) -> tuple[Thing, Held] | None:
        """Whose exactly this address is, dots aside."""
        for thing in self.things.values():
            for held in thing.addresses:
                if dotless(self.text(held)) == dotless(text):
                    return thing, held
        return None

    def resolve(self, text: str, *, wildcards: bool = True) -> tuple[Thing, Held] | None:
        local, _, domain = text.partition("@")
        places = [domain, *([self.aliases[domain]] if domain in self.aliases else [])]
        wanted = [f"{local.partition('+')[0]}@{place}" for place in places]
        wanted += [f"*@{place}" for place in places] if wildcards else []
        return next((found for each in wanted if (found := self.owner(each)) is not None), None)

    def login(self, text: str) -> Thing | None:
        """Who is meant when somebody logs in with this."""
        if "@" in text and (found := self.resolve(text, wildcards=False)) is not None:
            return found[0] if found[0].kind == "individual" else None
        return next((t for t in self.of("individual") if dotless(t.name) == dotless(text)), None)

    def may_log_in(self, thing: Thing) -> bool:
        roles, seen = [*thing.roles], set[int]()
        enabled = set(thing.enabled)
        waiting = [thing.number]
        while waiting:
            for container in self.containers(waiting.pop()):
                if container.kind == "role" and container.number not in seen:
                    seen.add(container.number)
                    waiting.append(container.number)
                    roles += container.roles
                    enabled |= set(container.enabled)
        return bool(LOGS_IN & set(roles)) or "authenticate" in enabled

    def containers(self, number: int) -> list[Thing]:
        return [self.things[c] for c, m in sorted(self.ties) if m == number]

    def members(self, number: int) -> list[Thing]:
        return [self.things[m] for c, m in sorted(self.ties) if c == number]

    # making

    def create(self, kind: str, name: str, **values: Any) -> Thing:
        name = name.lower()
        thing = Thing(self.last + 1, kind, name, **values)
        self.check_tenant(thing)
        self.check_name(kind, name)
        self.make_room(thing)
        self.last += 1
        self.things[thing.number] = thing
        return thing

    def check_name(self, kind: str, name: str, but: Thing | None = None) -> None:
        people = [t for t in self.of("individual") if kind == "individual" and t is not but]
        if self.named(name) is not None or any(dotless(t.name) == dotless(name) for t in people):
            raise No("name")

    def check_tenant(self, thing: Thing) -> None:
        if thing.tenant is None or thing.kind in ("domain", "tenant") or thing.hidden:
            return
        local, _, domain = thing.name.rpartition("@")
        own = self.named(domain, "domain")
        if not local or own is None or own.tenant != thing.tenant:
            raise No("input")

    def make_room(self, thing: Thing) -> None:
        if thing.tenant is None or thing.kind != "individual":
            return
        tenant = self.things[thing.tenant]
        held = [t for t in self.of("individual") if t.tenant == thing.tenant and t is not thing]
        if tenant.most and len(held) >= tenant.most:
            raise No("full")

    def create_domain(self, name: str, tenant: int | None) -> None:
        known = self.named(name, "domain")
        if known is not None and known.implicit and known.tenant == tenant:
            known.implicit, known.display = False, ""
        else:
            self.create("domain", name, tenant=tenant)

    # addresses

    def domain_for(self, name: str, owner: Thing, *, may_create: bool = True) -> int:
        known = self.named(name)
        if known is None and may_create:
            return self.create("domain", name, implicit=True, tenant=owner.tenant).number
        if known is None or known.kind != "domain" or (owner.tenant is not None and known.tenant != owner.tenant):
            raise No("domain")
        return known.number

    def add(
        self, thing: Thing, text: str, *, main: bool = False, name: str = "", may_create_domain: bool = True
    ) -> Held:
        local, _, domain = text.lower().partition("@")
        number = self.domain_for(domain, thing, may_create=may_create_domain)
        if self.owner(text) is not None:
            raise No("address")
        held = Held(local or "*", number, name)
        thing.addresses.append(held)
        if not held.wild and (main or thing.main is None):
            thing.main = held
        return held

    def drop(self, thing: Thing, held: Held) -> None:
        thing.addresses.remove(held)
        if thing.main is held:
            thing.main = next((other for other in thing.addresses if not other.wild), None)

    def remove(self, thing: Thing, held: Held) -> None:
        if thing.main is held:
            raise No("main")
        thing.addresses.remove(held)

    def set(self, thing: Thing, texts: Iterable[str]) -> None:
        wanted = {dotless(text): text for text in texts}
        for held in list(thing.addresses):
            if dotless(self.text(held)) not in wanted:
                self.drop(thing, held)
        for view, text in wanted.items():
            if not any(dotless(self.text(held)) == view for held in thing.addresses):
                self.add(thing, text, name=thing.display)
        first = next((view for view in wanted if not view.startswith("*")), None)
        if first is not None:
            thing.main = next(held for held in thing.addresses if dotless(self.text(held)) == first)

    def respell(self, thing: Thing, held: Held, text: str) -> None:
        if text.lower() == self.text(held):
            return
        if held.wild or "*" in text:
            raise No("wildcard")
        local, _, domain = text.lower().partition("@")
        number = self.domain_for(domain, thing)
        other = self.owner(text)
        if other is not None and other[1] is not held:
            raise No("address")
        held.local, held.domain = local, number

    # names

    def rename(self, thing: Thing, name: str) -> None:
        name = name.lower()
        if name == thing.name:
            return
        if thing.kind == "domain":
            self.check_name("domain", name)
            self.rename_domain(thing.name, name)
            return
        old, thing.name = thing.name, name
        self.check_tenant(thing)
        thing.name = old
        self.check_name(thing.kind, name, thing)
        thing.name = name

    def rename_domain(self, old: str, new: str) -> dict[str, int]:
        """The counts that WildDuck tells."""
        source, target = self.named(old, "domain"), self.named(new, "domain")
        aliases = [alias for alias, domain in self.aliases.items() if domain == old]
        moved = [
            (t, held) for t in self.things.values() for held in t.addresses if source and held.domain == source.number
        ]
        told = {"modifiedAddresses": 0, "modifiedUsers": 0, "modifiedDkim": 0, "modifiedAliases": len(aliases)}
        if source is not None and old != new:
            for _, held in moved:
                if self.owner(f"{held.local}@{new}") is not None:
                    raise No("address")
            if target is None:
                if self.named(new) is not None:
                    raise No("name")
                source.name = new
            else:
                for _, held in moved:
                    held.domain = target.number
                self.forget(source)
            users = [t for t, held in moved if t.kind == "individual" and t.main is held]
            told |= {"modifiedAddresses": len(moved), "modifiedUsers": len(users)}
        for alias in aliases:
            self.aliases[alias] = new
        return told

    # ties

    @staticmethod
    def may_have(container: Thing, member: Thing) -> None:
        if member.kind not in MEMBERS.get(container.kind, ()):
            raise No("relation")

    @staticmethod
    def may_join(name: str, member: Thing, container: Thing) -> None:
        if container.kind not in CONTAINERS.get((name, member.kind), ()):
            raise No("relation")

    @staticmethod
    def field_of(container: Thing) -> str:
        return {"list": "lists", "role": "roles"}.get(container.kind, "memberOf")

    # going

    def forget(self, thing: Thing) -> None:
        del self.things[thing.number]
        self.ties = {tie for tie in self.ties if thing.number not in tie}

    def delete(self, thing: Thing, *, due: int | None = None, linger: int = 0) -> None:
        inside = [t for t in self.things.values() if t.tenant == thing.number]
        if thing.kind == "tenant" and inside:
            raise No("members")
        if thing.kind == "domain":
            if any(held.domain == thing.number for t in self.things.values() for held in t.addresses):
                raise No("members")
            mates = [t for t in self.things.values() if thing.tenant is not None and t.tenant == thing.tenant]
            if any(t.name.endswith(f"@{thing.name}") for t in mates):
                raise No("members")
        if thing.kind in ("individual", "group"):
            self.buried[thing.number] = Buried(
                thing,
                [t.number for t in self.containers(thing.number)],
                [t.number for t in self.members(thing.number)],
                self.now if due is None else due,
                due is not None,
                linger,
            )
        self.forget(thing)

    def restore(self, number: int) -> tuple[Thing, int]:
        """Who is back, and with how many addresses."""
        buried = self.buried[number]
        if buried.closed is not None:
            raise No("gone")
        if not buried.later or buried.due <= self.now:
            raise No("purging")
        thing = buried.thing
        self.check_name("individual", thing.name)
        self.make_room(thing)
        had, main = thing.addresses, thing.main
        thing.addresses, thing.main = [], None
        self.things[number] = thing
        for held in had:
            if held.domain in self.things and self.owner(self.text(held)) is None:
                thing.addresses.append(held)
        able = [held for held in thing.addresses if not held.wild]
        thing.main = main if main in able else able[0] if able else None
        self.ties |= {(container, number) for container in buried.containers if container in self.things}
        self.ties |= {(number, member) for member in buried.members if member in self.things}
        del self.buried[number]
        return thing, len(thing.addresses)

    def pass_time(self, ms: int) -> None:
        """And do what is due by then."""
        self.now += ms
        for thing in [*self.things.values(), *(buried.thing for buried in self.buried.values())]:
            thing.received = 0
        for buried in self.buried.values():
            if buried.closed is None and buried.due <= self.now:
                buried.closed = self.now
            if buried.closed is not None and buried.closed + buried.linger <= self.now:
                buried.thing.used = 0

    # mail

    def whose_mail(self, text: str) -> tuple[str, Thing | None]:
        """Who gets a message; or the enhanced code with which nobody does."""
        found = self.resolve(text)
        if found is None or found[0].kind not in ("individual", "group"):
            return "5.1.1", None
        thing = found[0]
        tenant = self.tenant_of(thing)
        if not thing.active:
            return "5.2.1", None
        if 0 < self.allowed(thing) < 100 or (tenant is not None and tenant.quota == 1):
            return "4.2.2", None
        own = thing.limits.get("receivedMax", 0)
        if own and thing.received >= own:
            return "4.2.1", None
        return "", thing

    def tenant_of(self, thing: Thing) -> Thing | None:
        return None if thing.tenant is None else self.things[thing.tenant]

    def allowed(self, thing: Thing) -> int:
        """Bytes; 0 for any number of them."""
        return self.defaults["quota"] if thing.quota is None else thing.quota

    def used(self, tenant: Thing) -> int:
        kept = [*self.things.values(), *(buried.thing for buried in self.buried.values())]
        return sum(thing.used for thing in kept if thing.tenant == tenant.number)
