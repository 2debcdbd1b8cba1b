"""Which action goes with which field and which kind of value (S3.6); all else is refused, and changes nothing."""

from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest

from mailkit import MailKit
from mailkit.clock import FixedClock
from mailkit.credentials.passwords import Cost
from tests.accounts.foreign import everything, talk

GOOD: dict[tuple[str, str], tuple[Any, ...]] = {
    ("name", "set"): ("other",),
    ("description", "set"): ("text", ""),
    ("picture", "set"): ("text", ""),
    ("secrets", "set"): ("text", ["text"], []),
    ("secrets", "addItem"): ("text",),
    ("secrets", "removeItem"): ("old", "", "$app$x", "otpauth://"),
    ("quota", "set"): (5, 0, ""),
    ("emails", "set"): (["x@b.c"], []),
    ("emails", "addItem"): ("x@b.c", "@b.c"),
    ("emails", "removeItem"): ("jane@b.c", "nobody@b.c"),
    ("memberOf", "set"): (["group"], []),
    ("memberOf", "addItem"): ("group",),
    ("memberOf", "removeItem"): ("group", "unknown"),
    ("lists", "set"): (["list"], []),
    ("lists", "addItem"): ("list",),
    ("lists", "removeItem"): ("list", "unknown"),
    ("roles", "set"): (["role", "user"], []),
    ("roles", "addItem"): ("role", "admin"),
    ("roles", "removeItem"): ("role", "user", "unknown"),
    ("enabledPermissions", "set"): (["undelete"], []),
    ("enabledPermissions", "addItem"): ("undelete",),
    ("enabledPermissions", "removeItem"): ("undelete", "unknown"),
    ("disabledPermissions", "set"): (["undelete"], []),
    ("disabledPermissions", "addItem"): ("undelete",),
    ("disabledPermissions", "removeItem"): ("undelete",),
    ("urls", "set"): (["https://x"], []),
    ("urls", "addItem"): ("https://x",),
    ("urls", "removeItem"): ("https://x",),
    ("externalMembers", "set"): (["X @b.c"], []),
    ("externalMembers", "addItem"): ("x@b.c",),
    ("externalMembers", "removeItem"): ("x@b.c",),
    ("tenant", "set"): ("",),
}
"""What goes together, of an individual."""
GROUPS: dict[tuple[str, str], tuple[Any, ...]] = {
    ("members", "set"): (["jane"], []),
    ("members", "addItem"): ("jane",),
    ("members", "removeItem"): ("jane", "unknown"),
}
FIELDS = sorted({field for field, _ in (*GOOD, *GROUPS)} | {"type", "usedQuota"})
ACTIONS = ("set", "addItem", "removeItem")
KINDS: dict[str, tuple[Any, str]] = {"text": ("text", "text"), "number": (5, "5"), "list": (["text"], '["text"]')}
"""A value of each kind, and how it is shown in a refusal."""


@pytest.fixture
def kit(clock: FixedClock) -> Iterator[MailKit]:
    with MailKit.open("memory:", clock=clock, password_cost=Cost(8, 1)) as opened:
        yield opened


@pytest.fixture
def root(kit: MailKit) -> str:
    """An administrator's token; jane, and one of each that she can belong to."""
    token = kit.credentials.issue_token("admin", now=kit.clock())
    made: list[dict[str, Any]] = [{"type": kind, "name": kind} for kind in ("group", "list", "role")]
    made.append({"name": "jane", "emails": ["jane@b.c"], "secrets": ["old"], "roles": ["user"]})
    talk(kit, token, [("POST", "/api/principal", body) for body in made])
    return token


def patch(kit: MailKit, token: str, action: str, field: str, value: Any) -> Any:
    change = {"action": action, "field": field, "value": value}
    who = "group" if field == "members" else "jane"
    return talk(kit, token, [("PATCH", f"/api/principal/{who}", [change])])[0].json()


@pytest.mark.parametrize(("field", "action"), [*GOOD, *GROUPS], ids="-".join)
def test_what_goes_together(kit: MailKit, root: str, field: str, action: str) -> None:
    for value in (GOOD | GROUPS)[field, action]:
        assert patch(kit, root, action, field, value) == {"data": None}, value
        if field == "name":
            return  # it is somebody else by now


@pytest.mark.parametrize(("field", "action"), [*product(FIELDS, ACTIONS)], ids="-".join)
def test_what_does_not(kit: MailKit, root: str, field: str, action: str) -> None:
    taken = {kind_of(value) for value in (GOOD | GROUPS).get((field, action), ())}
    before = everything(kit)
    for kind, (value, shown) in KINDS.items():
        if kind in taken:
            continue
        shown = "***" if field == "secrets" else shown  # which may be one
        refused = {"error": "other", "details": "Invalid parameter", "reason": f"Invalid value {shown} for {field}"}
        assert patch(kit, root, action, field, value) == refused
    assert everything(kit) == before


def test_all_of_a_request_or_nothing(kit: MailKit, root: str) -> None:
    before = everything(kit)
    changes = [
        {"action": "set", "field": "description", "value": "x"},
        {"action": "set", "field": "quota", "value": [1]},
    ]
    talk(kit, root, [("PATCH", "/api/principal/jane", changes)])
    assert everything(kit) == before
    for body in (
        {},
        [{}],
        [{"action": "set", "field": "name"}],
        [{"action": "put", "field": "name", "value": "x"}],
        "x",
    ):
        (answer,) = talk(kit, root, [("PATCH", "/api/principal/jane", body)])
        assert answer.status_code == 400, body
    assert everything(kit) == before


def kind_of(value: Any) -> str:
    return {str: "text", int: "number", list: "list"}[type(value)]
