"""Each limit of each field of users, addresses and aliases (W1.3, W1.9, W1.12, W2): what just fits is taken, what
does not is refused by name, with one message for each field, and changes nothing."""

from collections.abc import Iterator
from typing import Any

import pytest

from mailkit import MailKit
from mailkit.clock import FixedClock
from mailkit.credentials.passwords import Cost
from tests.accounts.foreign import everything, talk

COUNTS = (
    "quota", "recipients", "forwards", "filters", "imapMaxUpload", "imapMaxDownload", "pop3MaxDownload",
    "pop3MaxMessages", "imapMaxConnections", "receivedMax", "retention",
)  # fmt: skip
FLAGS = ("hashedPassword", "allowUnsafe", "uploadSentMessages", "encryptMessages", "encryptForwarded")
NO_FLAGS = ("maybe", 2, "2", [], {}, "tru")
META = ("[]", "1", "{", [1], 3, "null", {"x": "y" * 1048576})

Cases = dict[str, tuple[tuple[Any, ...], tuple[Any, ...]]]
"""Field -> what is taken, what is refused."""

USER: Cases = {
    "name": (("x" * 256, ""), ("x" * 257, 5, None, [])),
    "language": (("x" * 20, "pt_BR"), ("x" * 21, 5)),
    "spamLevel": ((0, 100, "50"), (-1, 101, "x", 1.5)),
    "targets": (
        (["a@b.c", "smtp://x", "smtps://u:p@x:465", "http://x.y/", "https://x.y/z"], []),
        (["ftp://x"], ["nobody"], "nobody", [5]),
    ),
    "fromWhitelist": ((["x" * 128], ["*@b.c"]), (["x" * 129], [5])),
    "tags": ((["x" * 128], []), (["x" * 129], [5], {"a": 1})),
    "disabledScopes": ((["imap", "pop3", "smtp"], []), (["imap", "imap"], ["http"])),
    "metaData": (({}, '{"a": 1}', {"a": [1]}), META),
    "internalData": (({}, '{"a": 1}'), META),
    "pubKey": (("",), ("x", "-----BEGIN PGP PUBLIC KEY BLOCK-----")),
    "featureFlags": (({}, {"indexing": True}), ({"other": True}, {"indexing": "maybe"})),
    "sess": (("x" * 255, ""), ("x" * 256,)),
    "ip": (("1.2.3.4", "::1"), ("1.2.3", "1.2.3.4/8", "::/0")),
    **{name: ((0, 1, "7", (1 << 53) - 1), (-1, "x", [], {})) for name in COUNTS},
    **dict.fromkeys(FLAGS, ((False, "no", 0), NO_FLAGS)),
}
CREATE: Cases = USER | {
    "username": (
        ("a" * 128, "A.B", "a-b_c=d:e", "a@b", "a.b@c.d"),
        ("a" * 129, ".a", "a.", "a..b", "a@", "@a", "a@b@c", "a b", "ä", ""),
    ),
    "password": (("x" * 256, "", False), ("x" * 257, True, 5)),
    "address": (("z@b.c", "X+label@b.c"), ("*@b.c", "x@localhost", "x", "x@b..c", "", 5)),
    "emptyAddress": ((True, "yes", "Y", "on", 1, ""), NO_FLAGS),
    "addTagsToAddress": ((True,), NO_FLAGS),
    "requirePasswordChange": ((True,), NO_FLAGS),
    "mailboxes": (
        ({"sent": "A/B"}, {}),
        ({"sent": "a//b"}, {"sent": "a/"}, {"sent": "INBOX"}, {"junk": "Trash"}, {"x": "y"}),
    ),
}
UPDATE: Cases = USER | {
    "existingPassword": (("right", ""), ("x" * 257, 5)),
    "password": (("x" * 256, "", False), ("x" * 257, True, 5)),
    "disabled": ((True,), NO_FLAGS),
    "suspended": ((True,), NO_FLAGS),
    "disable2fa": ((True,), NO_FLAGS),
    "username": ((), ("other",)),
    "address": ((), ("other@b.c",)),
}
ADDRESS: Cases = {
    "address": (
        ("new@b.c", "*@b.c", f"*{'x' * 32}@b.c", f"{'x' * 32}*@b.c", "user@*"),
        ("a+b@b.c", "a*b@b.c", "**@b.c", f"*{'x' * 33}@b.c", "x@b", "user@*.c", "*", ""),
    ),
    "name": (("x" * 128,), ("x" * 129,)),
    "tags": ((["x" * 128],), (["x" * 129],)),
    "metaData": (({"a": 1},), META),
    "internalData": (({"a": 1},), META),
    "allowWildcard": ((True,), NO_FLAGS),
    "main": ((True,), NO_FLAGS),
}
FORWARDED: Cases = ADDRESS | {
    "main": ((), (True,)),
    "targets": USER["targets"],
    "forwards": ((0, 1), (-1, "x")),
    "autoreply": (
        (
            {"status": False, "start": "2030-01-01", "end": False, "name": "x" * 128, "subject": "x" * 2048},
            {"text": "x" * 131072, "html": "x" * 131072},
            {"start": ""},
        ),
        (
            {"name": "x" * 129},
            {"subject": "x" * 2049},
            {"text": "x" * 131073},
            {"html": "x" * 131073},
            {"start": "soon"},
            {"x": 1},
        ),
    ),
}
ALIAS: Cases = {
    "alias": (("x" * 255, "b.c"), ("x" * 256, "", 5)),
    "domain": (("x" * 255, "nowhere"), ("x" * 256, "", 5)),
}


LATER = {"address", "mailboxes", "pubKey"}
"""What is wrong with these may be found only when all else is right."""


@pytest.fixture
def kit(clock: FixedClock) -> Iterator[MailKit]:
    with MailKit.open("memory:", clock=clock, password_cost=Cost(8, 1)) as opened:
        yield opened


@pytest.fixture
def root(kit: MailKit) -> str:
    return kit.credentials.issue_token("admin", now=kit.clock())


def asked(cases: Cases) -> list[Any]:
    return [pytest.param(name, *cases[name], id=name) for name in cases]


def limits_of(kit: MailKit, token: str, method: str, path: str, body: Any, name: str, good: Any, bad: Any) -> None:
    """What is good is taken, and all that is bad is refused together with another mistake, each of them named."""
    before = everything(kit)
    for value in bad:
        also = {} if name in LATER else {"sess": "x" * 256}
        (answer,) = talk(kit, token, [(method, path, {**body, name: value, **also})])
        told = answer.json()
        assert (answer.status_code, told.get("code")) == (400, "InputValidationError"), (value, told)
        named = {key.partition(",")[0] for key in told["details"]}
        assert name in named, (value, told)
        assert len(named) == len(told["error"].split('. "')), told
    assert everything(kit) == before
    for number, value in enumerate(good):
        fresh = {key: str(text).replace("NEW", f"new{number}") for key, text in body.items()}
        (answer,) = talk(kit, token, [(method, path, {**fresh, name: value})])
        assert answer.json().get("success") or answer.status_code == 501, (value, answer.text)


@pytest.mark.parametrize(("name", "good", "bad"), asked(CREATE))
def test_what_a_user_may_be_made_of(kit: MailKit, root: str, name: str, good: Any, bad: Any) -> None:
    limits_of(kit, root, "POST", "/users", {"username": "NEW", "password": "", "address": "NEW@x.y"}, name, good, bad)


@pytest.mark.parametrize(("name", "good", "bad"), asked(UPDATE))
def test_what_of_a_user_may_change(kit: MailKit, root: str, name: str, good: Any, bad: Any) -> None:
    jane = kit.accounts.create("jane", address="jane@b.c", password="right")
    limits_of(kit, root, "PUT", f"/users/{jane.id}", {}, name, good, bad)


@pytest.mark.parametrize(("name", "good", "bad"), asked(ADDRESS))
def test_what_an_address_may_be(kit: MailKit, root: str, name: str, good: Any, bad: Any) -> None:
    jane = kit.accounts.create("jane", address="jane@b.c")
    body = {"address": "NEW@b.c", "allowWildcard": name == "address"}
    limits_of(kit, root, "POST", f"/users/{jane.id}/addresses", body, name, good, bad)


@pytest.mark.parametrize(("name", "good", "bad"), asked(FORWARDED))
def test_what_a_forwarded_address_may_be(kit: MailKit, root: str, name: str, good: Any, bad: Any) -> None:
    body = {"address": "NEW@b.c", "allowWildcard": name == "address"}
    limits_of(kit, root, "POST", "/addresses/forwarded", body, name, good, bad)


@pytest.mark.parametrize(("name", "good", "bad"), asked(ALIAS))
def test_what_an_alias_may_be(kit: MailKit, root: str, name: str, good: Any, bad: Any) -> None:
    limits_of(kit, root, "POST", "/domainaliases", {"alias": "NEW.x", "domain": "b.c"}, name, good, bad)
