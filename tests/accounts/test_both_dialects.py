"""Both dialects at once against one model of names and addresses: whatever one does, the other shows."""

import asyncio
from typing import Any

import httpx2
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle as Names
from hypothesis.stateful import RuleBasedStateMachine, consumes, invariant, multiple, rule

from mailkit import MailKit
from mailkit.clock import FixedClock
from mailkit.credentials.passwords import Cost
from mailkit.http import build_app
from mailkit.principals.verify import verify

LOCALS = st.sampled_from(["a", "b", "a.b", "ab", "A.B", "c"])


def view(local: str) -> str:
    return local.lower().replace(".", "")


class Dialects(RuleBasedStateMachine):
    """`people`: id -> login and addresses, main first. `deleted`: id -> the same, of those that can be restored."""

    users = Names("users")
    buried = Names("buried")

    def __init__(self) -> None:
        super().__init__()
        self.kit = MailKit.open("memory:", clock=FixedClock(), password_cost=Cost(8, 1))
        token = self.kit.credentials.issue_token("admin", now=self.kit.clock())
        self.loop = asyncio.new_event_loop()
        self.client = httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app=build_app(self.kit)),
            base_url="http://localhost",
            headers={"Authorization": f"Bearer {token}"},
        )
        self.people: dict[str, tuple[str, list[str]]] = {}
        self.deleted: dict[str, tuple[str, list[str]]] = {}

    def teardown(self) -> None:
        assert [finding for finding in verify(self.kit.store) if finding.level == "error"] == []
        self.loop.run_until_complete(self.client.aclose())
        self.loop.close()
        self.kit.close()

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        return self.loop.run_until_complete(self.client.request(method, path, json=body)).json()

    def name_taken(self, name: str) -> bool:
        return any(view(name) == view(known) for known, _ in self.people.values())

    def address_taken(self, local: str) -> bool:
        return any(view(local) == view(known) for _, addresses in self.people.values() for known in addresses)

    @rule(target=users, name=LOCALS, local=LOCALS, wild=st.booleans())
    def create(self, name: str, local: str, wild: bool) -> Any:
        free = not self.name_taken(name) and not self.address_taken(local)
        address = f"{local}@x.org"
        if wild:
            answer = self.ask("POST", "/users", {"username": name.lower(), "password": "", "address": address})
            assert answer.get("success", False) is free, answer
        else:
            answer = self.ask("POST", "/api/principal", {"name": name, "emails": [address], "roles": ["user"]})
            assert ("data" in answer) is free, answer
        if not free:
            return multiple()
        id = self.ask("GET", f"/users/resolve/{name.lower()}")["id"]
        self.people[id] = (name.lower(), [local.lower()])
        return id

    @rule(id=users, local=LOCALS, main=st.booleans(), wild=st.booleans())
    def add_address(self, id: str, local: str, main: bool, wild: bool) -> None:
        if id not in self.people:
            return
        name, addresses = self.people[id]
        free = not self.address_taken(local)
        if wild:
            answer = self.ask("POST", f"/users/{id}/addresses", {"address": f"{local}@x.org", "main": main})
            assert answer.get("success", False) is free, answer
        else:
            main = False
            change = {"action": "addItem", "field": "emails", "value": f"{local}@x.org"}
            answer = self.ask("PATCH", f"/api/principal/{name}", [change])
            assert ("data" in answer) is free, answer
        if free:
            addresses.insert(0 if main or not addresses else len(addresses), local.lower())

    @rule(id=users, locals=st.lists(LOCALS, max_size=3, unique_by=view))
    def set_addresses(self, id: str, locals: list[str]) -> None:
        if id not in self.people:
            return
        name, addresses = self.people[id]
        mine = {view(known) for known in addresses}
        free = all(view(local) in mine or not self.address_taken(local) for local in locals)
        change = {"action": "set", "field": "emails", "value": [f"{local}@x.org" for local in locals]}
        answer = self.ask("PATCH", f"/api/principal/{name}", [change])
        assert ("data" in answer) is free, answer
        if free:
            kept = {view(known): known for known in addresses}
            self.people[id] = (name, [kept.get(view(local), local.lower()) for local in locals])

    @rule(target=buried, id=consumes(users), later=st.booleans(), wild=st.booleans())
    def delete(self, id: str, later: bool, wild: bool) -> Any:
        if id not in self.people:
            return multiple()
        gone = self.people.pop(id)
        if wild:
            answer = self.ask("DELETE", f"/users/{id}" + ("?deleteAfter=2040-01-01" if later else ""))
            assert answer["addresses"] == {"deleted": len(gone[1])}
        else:
            assert self.ask("DELETE", f"/api/principal/{gone[0]}") == {"data": None}
        if not (wild and later):
            return multiple()
        self.deleted[id] = gone
        return id

    @rule(target=users, id=consumes(buried))
    def restore(self, id: str) -> Any:
        name, addresses = self.deleted.pop(id)
        answer = self.ask("POST", f"/users/{id}/restore")
        if self.name_taken(name):
            assert answer["code"] in ("AccountFound", "UserExistsError"), answer
            return multiple()
        back = [local for local in addresses if not self.address_taken(local)]
        assert answer["addresses"]["recovered"] == len(back), answer
        self.people[id] = (name, back)
        return id

    @invariant()
    def both_show_the_same(self) -> None:
        for id, (name, addresses) in self.people.items():
            values = {f"{local}@x.org" for local in addresses}
            wild = self.ask("GET", f"/users/{id}/addresses")["results"]
            assert {row["address"] for row in wild} == values
            manage = self.ask("GET", f"/api/principal/{name}")["data"]
            assert set(manage["emails"]) == values
            main = next((row["address"] for row in wild if row["main"]), "")
            assert self.ask("GET", f"/users/{id}")["address"] == main
            assert manage["emails"][:1] == ([main] if main else [])
        assert self.ask("GET", "/users")["total"] == len(self.people)
        assert self.ask("GET", "/addresses")["total"] == sum(len(a) for _, a in self.people.values())


TestDialects = Dialects.TestCase
TestDialects.settings = settings(max_examples=50, stateful_step_count=25, deadline=None)
