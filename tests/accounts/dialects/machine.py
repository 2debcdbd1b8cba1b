"""A server, both its dialects, and the model that says what they must answer and show."""

import asyncio
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import httpx2
from hypothesis.stateful import RuleBasedStateMachine, invariant

from mailkit import MailKit
from mailkit.clock import FixedClock
from mailkit.credentials.passwords import Cost
from mailkit.http import build_app
from mailkit.principals.verify import verify
from tests.accounts.dialects.views import manage, manage_all, wild_addresses, wild_limits, wild_user
from tests.accounts.dialects.world import Held, No, Thing, World

DAY = 86_400_000

WILD = {
    "UserExistsError": "name",
    "AccountFound": "name",
    "AddressExistsError": "address",
    "AliasExists": "alias",
    "NotPermitted": "main",
    "ChangeNotAllowed": "wildcard",
    "WildcardNotPermitted": "wildcard",
    "InputValidationError": "input",
    "OverQuotaError": "full",
    "DeleteInProgress": "purging",
    "AccountNotFound": "gone",
    "AddressNotFound": "gone",
    "UserNotFound": "gone",
}
"""WildDuck's code -> the model's reason."""

MANAGE: dict[str, dict[str, Any]] = {
    "name": {"error": "fieldAlreadyExists", "field": "name"},
    "address": {"error": "fieldAlreadyExists", "field": "emails"},
    "gone": {"error": "notFound"},
    "domain": {"error": "notFound"},
    "input": {"error": "other", "details": "Invalid principal name"},
    "relation": {"error": "other"},
    "members": {"error": "other"},
    "full": {"status": 403, "title": "Tenant quota exceeded"},
}
"""The model's reason -> what Stalwart's answer has in it."""


def same(found: Any, expected: Any) -> None:
    """AssertionError that shows both."""
    assert found == expected, f"\n   found {found}\nexpected {expected}"


BEGINNING: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("tenant", "acme", {"roles": ["admin"]}),
    ("domain", "acme.org", {"tenant": "acme"}),
    ("individual", "boss@acme.org", {"tenant": "acme", "roles": ["admin"], "secrets": "right"}),
    ("domain", "x.org", {}),
    ("individual", "ab", {"emails": ["ab@x.org", "c@x.org"], "roles": ["user"], "secrets": "right"}),
    ("individual", "a@acme.org", {"emails": ["c@acme.org"], "tenant": "acme", "roles": ["user"], "secrets": "right"}),
    ("group", "staff", {"emails": ["*@x.org"], "members": ["ab"]}),
    ("list", "news", {"members": ["ab"]}),
    ("role", "readers", {}),
)
"""Of these the tenant and boss stay, who is its administrator; all else may change."""


class Machine(RuleBasedStateMachine):
    """Asks for changes and looks, after each, at what both dialects show."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = FixedClock()
        exempt = {"login.exempt": "127.0.0.1/32"}
        self.kit = MailKit.open("memory:", settings=exempt, clock=self.clock, password_cost=Cost(8, 1))
        self.loop = asyncio.new_event_loop()
        transport = httpx2.ASGITransport(app=build_app(self.kit))
        self.client = httpx2.AsyncClient(transport=transport, base_url="http://localhost")
        self.tokens = {"admin": self.kit.credentials.issue_token("admin", now=self.clock())}
        self.world = World(self.clock())
        self.touched: int | None = None
        for kind, name, more in BEGINNING:
            self._found(kind, name, more)
        self.boss = self.world.need("boss@acme.org").number
        version = self.kit.principals.get(self.boss).auth_version
        for name, role in (("boss", "wd/root"), ("manager", "tenant-admin")):
            self.tokens[name] = self.kit.credentials.issue_token(
                role, now=self.clock(), owner=self.boss, auth_version=version
            )

    def _found(self, kind: str, name: str, more: dict[str, Any]) -> None:
        answer = self.ask("POST", "/api/principal", {"type": kind, "name": name, **more})
        made = self.world.create(kind, name, tenant=1 if "tenant" in more else None, quota=0)
        same(answer, {"data": made.number})
        made.roles, made.password = tuple(more.get("roles", ())), "secrets" in more
        for text in more.get("emails", ()):
            self.world.add(made, text)
        for text in more.get("members", ()):
            self.world.ties.add((made.number, self.world.need(text).number))
        if kind == "individual":
            made.id = self.ask("GET", f"/users/resolve/{name}")["id"]

    def teardown(self) -> None:
        assert [finding for finding in verify(self.kit.store) if finding.level == "error"] == []
        self.loop.run_until_complete(self.client.aclose())
        self.loop.close()
        self.kit.close()

    # asking

    def ask(self, method: str, path: str, body: Any = None, *, by: str = "admin") -> Any:
        """The body of an answer. `by` names a token, or is a whole Authorization header."""
        headers = {"Authorization": f"Bearer {self.tokens[by]}" if by in self.tokens else by}
        request = self.client.request(method, path, json=body, headers=headers)
        return self.loop.run_until_complete(request).json()

    def expect(
        self, change: Callable[[World], Any], method: str, path: str, body: Any = None, *, by: str = "admin"
    ) -> Any:
        """Asks for a change and makes it in a copy of the model; the answer, None for a refusal."""
        world, why = deepcopy(self.world), ""
        try:
            change(world)
        except No as no:
            why = str(no)
        answer = self.ask(method, path, body, by=by)
        if not path.startswith("/api/"):
            said = "" if answer.get("success") else WILD[answer["code"]]
            assert said == ("input" if why == "domain" else why), (why, answer)
        elif why:
            assert answer.items() >= MANAGE[why].items(), (why, answer)
        else:
            assert "data" in answer, answer
        if why:
            return None
        self.world = world
        return answer

    def patch(self, thing: Thing, change: Callable[[World, Thing], Any], action: str, field: str, value: Any) -> None:
        """Stalwart's PATCH of one field."""
        number = self.touched = thing.number
        body = [{"action": action, "field": field, "value": value}]
        self.expect(lambda world: change(world, world.things[number]), "PATCH", f"/api/principal/{thing.name}", body)

    def put(self, thing: Thing, change: Callable[[World, Thing], Any], body: dict[str, Any], more: str = "") -> None:
        """WildDuck's PUT of a user, or of something of a user's."""
        number = self.touched = thing.number
        self.expect(lambda world: change(world, world.things[number]), "PUT", f"/users/{thing.id}{more}", body)

    def pick(self, which: int, *kinds: str) -> Thing | None:
        """One of the principals, if there is any."""
        found = [
            t for t in self.world.of(*kinds) if t.number not in (1, self.boss) and (not t.hidden or "hidden" in kinds)
        ]
        return found[which % len(found)] if found else None

    @staticmethod
    def held(thing: Thing, which: int) -> tuple[int, Held] | None:
        """One of its addresses, and which one."""
        index = which % max(1, len(thing.addresses))
        return (index, thing.addresses[index]) if thing.addresses else None

    # looking

    @invariant()
    def everybody_sees_the_same(self) -> None:
        self._lists()
        self._tenants_lists()
        thing = self.world.things.get(self.touched or 0)
        if thing is not None:
            same(self._whole(self.ask("GET", f"/api/principal/{thing.name}")["data"]), manage(self.world, thing))
            if thing.kind == "individual":
                self._user(thing)
            for held in thing.addresses if thing.kind == "list" else ():
                self._forwarded(thing, held)

    def _lists(self) -> None:
        people = [wild_user(self.world, thing) for thing in self.world.of("individual")]
        same(self._of(self.ask("GET", "/users?limit=250"), people), sorted(people, key=lambda row: row["id"]))
        found = self.ask("GET", "/addresses?limit=250")["results"]
        same(self._learned(found), wild_addresses(self.world))
        everything = self.ask("GET", "/api/principal")["data"]
        same(everything["total"], len(everything["items"]))
        same([self._whole(row) for row in everything["items"]], manage_all(self.world))
        aliases = {row["alias"]: row["domain"] for row in self.ask("GET", "/domainaliases?limit=250")["results"]}
        same(aliases, self.world.aliases)

    def _tenants_lists(self) -> None:
        """What acme's administrator sees: acme, and nothing else."""
        people = [wild_user(self.world, thing) for thing in self.world.of("individual") if thing.tenant == 1]
        listed = self._of(self.ask("GET", "/users?limit=250", by="boss"), people)
        same(listed, sorted(people, key=lambda row: row["id"]))
        found = self.ask("GET", "/addresses?limit=250", by="boss")["results"]
        same(self._learned(found), wild_addresses(self.world, tenant=1))
        kinds = "individual,group,list,domain,role"
        inside = self.ask("GET", f"/api/principal?types={kinds}", by="manager")["data"]["items"]
        same([row["name"] for row in inside], [row["name"] for row in manage_all(self.world, tenant=1)])

    def _user(self, thing: Thing) -> None:
        user = self.ask("GET", f"/users/{thing.id}")
        expected = wild_user(self.world, thing)
        same({name: user[name] for name in expected}, expected)
        limits = wild_limits(self.world, thing)
        same({name: user["limits"][name] for name in limits}, limits)
        rows = self.ask("GET", f"/users/{thing.id}/addresses")["results"]
        same([row["address"] for row in rows if row["main"]], [user["address"]] * bool(user["address"]))
        same(sorted(row["address"] for row in rows), sorted(self.world.texts(thing)))
        same(self.ask("GET", f"/users/resolve/{thing.name}")["id"], thing.id)

    def _forwarded(self, thing: Thing, held: Held) -> None:
        shown = self.ask("GET", f"/addresses/forwarded/{held.id}")
        same((shown["address"], shown["targets"]), (self.world.text(held), list(thing.targets)))
        allowed = thing.forwards or self.world.defaults["forwards"]
        same(shown["limits"], {"forwards": {"allowed": allowed, "used": 0, "ttl": False}})
        same(shown.get("forwardedDisabled"), thing.paused)

    @staticmethod
    def _of(page: Any, like: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """The rows of a page, cut down to what is compared."""
        assert page["total"] == len(page["results"]) == len(like)
        names = like[0].keys() if like else ()
        return [{name: row[name] for name in names} for row in page["results"]]

    def _learned(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Addresses without their ids, which never change."""
        for row in rows:
            found = self.world.owner(row["address"])
            assert found is not None, row
            thing, held = found
            held.id = held.id or row["id"]
            thing.id = thing.id or row.get("user")
            assert (held.id, thing.id) == (row["id"], row.get("user")), row
        return [{name: value for name, value in row.items() if name != "id"} for row in rows]

    @staticmethod
    def _whole(row: dict[str, Any]) -> dict[str, Any]:
        """A principal without secrets, of which none is ever shown."""
        assert row["secrets"] == []
        return {name: value for name, value in row.items() if name != "secrets"}
