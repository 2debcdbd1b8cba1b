"""Mail comes, people log in, addresses are asked for."""

import base64

from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.accounts.dialects.machine import Machine, same
from tests.accounts.dialects.strategies import ADDRESSES, NAMES, PICK
from tests.accounts.dialects.world import Thing

__all__ = ["MailRules"]

MAIL = b"Subject: x\r\n\r\nbody\r\n"
MEANT = ADDRESSES.filter(lambda text: "*" not in text)


class MailRules(Machine):
    """What names and addresses are good for."""

    @rule(address=MEANT, label=st.sampled_from(["", "+x"]))
    def deliver(self, address: str, label: str) -> None:
        to = address.replace("@", f"{label}@")
        outcome = self.kit.delivery.accept(MAIL, mail_from="", rcpt_to=[to]).outcomes[0]
        why, thing = self.world.whose_mail(address)
        if thing is None:
            same(outcome.code, why)
            return
        same((outcome.status, outcome.account), ("stored", thing.number))
        used = self.kit.used(thing.number)  # with its trace fields a message has some bytes more
        assert len(MAIL) < used - thing.used < 1000
        thing.used = used
        thing.received += 1
        self.touched = thing.number

    @rule(who=PICK, times=st.integers(1, 3))
    def deliver_to(self, who: int, times: int) -> None:
        thing = self.pick(who, "individual", "group")
        for _ in range(times if thing is not None else 0):
            for text in self.world.texts(self.world.things[thing.number])[:1]:
                self.deliver(text.replace("*", "anybody"), "")

    @rule(address=ADDRESSES, wildcards=st.booleans())
    def resolve(self, address: str, wildcards: bool) -> None:
        answer = self.ask("GET", f"/addresses/resolve/{address}?allowWildcard={str(wildcards).lower()}")
        found = self.world.resolve(address.lower(), wildcards=wildcards)
        if found is None:
            assert answer["code"] == "AddressNotFound", answer
            return
        thing, held = found
        assert answer["address"] == self.world.text(held)
        assert answer.get("user") == (None if thing.kind == "list" else self._id(thing))
        assert answer.get("targets") == (list(thing.targets) if thing.kind == "list" else None)

    def _id(self, thing: Thing) -> str:
        return thing.id or str(self.kit.principals.get(thing.number).id)

    @rule(who=PICK)
    def log_in_by_name(self, who: int) -> None:
        thing = self.pick(who, "individual")
        if thing is not None:
            self.log_in(thing.name, right=True)

    @rule(name=st.one_of(NAMES, MEANT), right=st.booleans())
    def log_in(self, name: str, right: bool) -> None:
        password = "right" if right else "wrong"
        wild = self.ask("POST", "/authenticate", {"username": name, "password": password, "ip": "127.0.0.1"})
        thing = self.world.login(name)
        same(wild.get("id"), None if thing is None else thing.id)
        same(
            wild.get("success", False),
            thing is not None and self._proved(thing, right) and self.world.may_log_in(thing),
        )
        basic = base64.b64encode(f"{name}:{password}".encode()).decode()
        manage = self.ask("GET", "/api/nothing", by=f"Basic {basic}")
        thing = self.world.named(name)
        proved = thing is not None and self._proved(thing, right)
        same(manage["status"], 401 if thing is None or not proved else 404 if self.world.may_log_in(thing) else 403)

    @staticmethod
    def _proved(thing: Thing, right: bool) -> bool:
        return right and thing.password and thing.active and not thing.suspended
