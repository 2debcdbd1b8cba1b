"""Addresses and logins in their stored form."""

import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import example, given
from hypothesis import strategies as st

from mailkit.errors import Invalid
from mailkit.principals.normalise import (
    ascii_domain,
    login_view,
    normal_domain,
    parse_address,
    parse_login,
    split_address,
)


@pytest.mark.parametrize(
    ("text", "normal", "view"),
    [
        ("Al.Ice@Example.ORG", "al.ice@example.org", "alice@example.org"),
        (" a@b.test ", "a@b.test", "a@b.test"),
        ("a@xn--mnchen-3ya.de", "a@münchen.de", "a@xn--mnchen-3ya.de"),
        ("jõgeva@jõgeva.ee", "jõgeva@jõgeva.ee", "jõgeva@xn--jgeva-dua.ee"),
        ("e\u0301@x.org", "é@x.org", "é@x.org"),
        ("*@b.c", "*@b.c", "*@b.c"),
    ],
)
def test_addresses_take_one_form(text: str, normal: str, view: str) -> None:
    mailbox = parse_address(text)
    assert (mailbox.normal, mailbox.view) == (normal, view)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "alice",
        "@x.org",
        "a@",
        "a@localhost",
        "a b@x.org",
        "a..b@x.org",
        "a@-x.org",
        "a@x..org",
        "a\n@x.org",
        "a@b@c.",
    ],
)
def test_what_is_no_address_is_refused_by_field(text: str) -> None:
    with pytest.raises(Invalid) as refused:
        parse_address(text, "targets.0")
    assert refused.value.errors[0].path == ("targets", "0")


def test_dots_count_in_domains_and_not_in_local_parts() -> None:
    assert parse_address("a.b@c.de").view == parse_address("ab@c.de").view
    assert parse_address("x@a.bc").view != parse_address("x@ab.c").view


def test_labels_are_split_off_for_delivery() -> None:
    mailbox = parse_address("alice+shop+1@x.org")
    assert mailbox.without_label.normal == "alice@x.org"
    assert mailbox.label == "shop+1"


@given(
    st.from_regex(r"[a-z0-9]{1,8}(\.[a-z0-9]{1,8}){0,3}", fullmatch=True), st.sampled_from(["x.org", "ü.de", "a.b.c"])
)
def test_normal_form_is_a_fixed_point(local: str, domain: str) -> None:
    once = parse_address(f"{local}@{domain}")
    assert parse_address(once.normal) == once
    assert split_address(once.normal) == once


ATOMS = st.text(st.sampled_from("aZ09_-+."), min_size=1, max_size=70) | st.from_regex(r"[!-~]{1,12}", fullmatch=True)


@given(ATOMS)
@example("a" * 64)
@example("a" * 65)
@example("PostMaster")
@example("a\n")
@example("\u017f\u212a")  # they fold to s and k
def test_the_local_parts_that_will_do_are_those_of_email_validator(local: str) -> None:
    try:
        known = validate_email(f"{local.strip()}@example.com", check_deliverability=False).local_part.lower()
    except EmailNotValidError:
        known = None
    try:
        mine = parse_address(f"{local.strip()}@example.org").local
    except Invalid:
        mine = None
    assert mine == known


@given(st.text(max_size=40))
def test_any_text_can_be_looked_up(text: str) -> None:
    found = split_address(text)
    assert found is None or isinstance(found.view, str)
    normal_domain(text), ascii_domain(text), login_view(text), parse_login(text)


@pytest.mark.parametrize(
    ("typed", "view"),
    [("First.Last", "firstlast"), ("a.b+c@x.y", "ab@x.y"), ("a+b", "a+b"), ("a.b@c.de", "ab@c.de")],
)
def test_logins_lose_dots_and_labels(typed: str, view: str) -> None:
    assert parse_login(typed) == view
