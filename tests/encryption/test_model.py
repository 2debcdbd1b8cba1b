"""Who can read a message is what this model says, whatever is switched, delivered, moved and copied, on every store."""

import pytest
from attrs import frozen
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from mailkit import MailKit
from mailkit.accounts.mail_encryption import SWITCHED_OFF
from mailkit.accounts.users import UserChanges
from mailkit.clock import FixedClock
from mailkit.mailstore.flags import Change
from mailkit.mailstore.folders import Folder
from mailkit.mailstore.mailbox_changes import Alteration
from mailkit.mailstore.selection import Selection
from mailkit.testing.platform import platform
from tests.encryption import keys
from tests.encryption.keys import Owner
from tests.encryption.mail import INSIDE, RAW, faults, give_key, switch

OWNERS = [keys.openpgp(), keys.openpgp("John <john@example.org>"), keys.smime()]
OPENPGP = OWNERS[:2]
BOXES = st.sampled_from(["INBOX", "Vault"])
PICK = st.lists(st.integers(1, 8), min_size=1, max_size=4, unique=True)


@frozen
class Letter:
    """A message as the model has it; nobody's is in clear."""

    reader: Owner | None
    draft: bool = False


class Model(RuleBasedStateMachine):
    """The account's keys and switch, the mailboxes' switches, and every message."""

    where: str

    @initialize()
    def begin(self) -> None:
        self.opened = platform(self.where, clock=FixedClock())
        self.kit: MailKit = self.opened.__enter__()
        name = f"u{sum(1 for _ in self.kit.principals.list_by_id('individual', limit=10_000).items)}"
        self.name = name
        self.row = self.kit.accounts.create(name, address=f"{name}@example.org")
        self.kit.mailstore.create_mailbox(self.row.number, Folder("Vault"))
        self.key: Owner | None = None
        self.certificate: Owner | None = None
        self.always = False
        self.asks = {"INBOX": False, "Vault": False}
        self.boxes: dict[str, dict[int, Letter]] = {"INBOX": {}, "Vault": {}}
        self.next = {"INBOX": 1, "Vault": 1}

    def teardown(self) -> None:
        if not hasattr(self, "opened"):
            return
        size = 0
        for path, box in self.boxes.items():
            assert sorted(box) == sorted(e.uid for e in self.kit.mailstore.list(self.row.number, path, limit=999).items)
            for uid, letter in box.items():
                source = self.kit.mailstore.source(self.row.number, path, uid)
                size += len(source)
                if letter.reader is None:
                    assert source.endswith(RAW)
                else:
                    assert letter.reader.opened(source) == INSIDE
        assert self.kit.used(self.row.number) == size
        assert faults(self.kit) == []
        self.opened.__exit__(None, None, None)

    def reader(self, path: str, *, draft: bool = False, stays: bool = False) -> Owner | None:
        wanted = self.asks[path] or (self.always and not stays)
        return (self.certificate or self.key) if wanted and not draft else None

    def arrive(self, path: str, letter: Letter) -> None:
        self.boxes[path][self.next[path]] = letter
        self.next[path] += 1

    def moved(self, letter: Letter, into: str) -> Letter:
        return Letter(letter.reader or self.reader(into, draft=letter.draft, stays=True), letter.draft)

    @rule(owner=st.sampled_from([*OWNERS, None]))
    def switch(self, owner: Owner | None) -> None:
        switch(self.kit, self.row, owner)
        self.always = owner is not None
        if owner is not None:
            self.key = owner if owner in OPENPGP else None
            self.certificate = None if owner in OPENPGP else owner

    @rule()
    def disable(self) -> None:
        self.kit.users.change(self.kit.principals.get(self.row.number), UserChanges(profile=SWITCHED_OFF))
        self.always, self.certificate = False, None

    @rule(owner=st.sampled_from([*OPENPGP, None]))
    def give_key(self, owner: Owner | None) -> None:
        give_key(self.kit, self.row, owner)
        self.key = owner
        self.certificate = self.certificate if owner is None else None

    @rule(path=BOXES, on=st.booleans())
    def ask(self, path: str, on: bool) -> None:
        self.kit.mailstore.alter_mailbox(self.row.number, path, Alteration(encrypt=on))
        self.asks[path] = on

    @rule(path=BOXES, draft=st.booleans())
    def append(self, path: str, draft: bool) -> None:
        flags = ["\\Draft"] if draft else []
        self.kit.mailstore.append(self.row.number, RAW, mailbox=path, flags=flags)
        self.arrive(path, Letter(self.reader(path, draft=draft), draft))

    @rule()
    def deliver(self) -> None:
        self.kit.delivery.accept(RAW, mail_from="", rcpt_to=[f"{self.name}@example.org"])
        self.arrive("INBOX", Letter(self.reader("INBOX")))

    @rule(path=BOXES, into=BOXES, wanted=PICK, draft=st.sampled_from([None, False]))
    def move(self, path: str, into: str, wanted: list[int], draft: bool | None) -> None:
        there = sorted(set(wanted) & self.boxes[path].keys())
        change = Change() if draft is None else Change(remove=["\\Draft"])
        self.kit.mailstore.move(self.row.number, path, Selection.of(wanted), into, change)
        for uid in there:
            letter = self.boxes[path].pop(uid)
            self.arrive(into, self.moved(Letter(letter.reader, letter.draft if draft is None else draft), into))

    @rule(path=BOXES, into=BOXES, wanted=PICK)
    def copy(self, path: str, into: str, wanted: list[int]) -> None:
        there = sorted(set(wanted) & self.boxes[path].keys())
        self.kit.mailstore.copy(self.row.number, path, Selection.of(wanted), into)
        for uid in there:
            self.arrive(into, self.moved(self.boxes[path][uid], into))


@pytest.mark.parametrize("backend", ["memory", "lmdb", "postgres"])
def test_who_can_read_a_message_is_what_the_model_says(
    backend: str, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> None:
    where = {"memory": "memory:", "lmdb": str(tmp_path_factory.mktemp("model") / "data")}.get(backend)

    class Here(Model):
        pass

    Here.where = where or request.getfixturevalue("postgres_url")
    settings_ = settings(
        max_examples=20 if backend == "memory" else 5,
        stateful_step_count=25,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        deadline=None,
    )
    run_state_machine_as_test(Here, settings=settings_)
