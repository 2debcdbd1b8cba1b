"""Tenancy, relations, candidates and wildcards: pure."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailkit.errors import Invalid
from mailkit.principals.candidates import LONGEST_AFFIX, candidates
from mailkit.principals.normalise import Mailbox
from mailkit.principals.records import KINDS
from mailkit.principals.relations import CONTAINERS, MEMBERS, field_of, refusal_of_container, refusal_of_member
from mailkit.principals.targets import kind_of
from mailkit.principals.tenancy import Full, Room, ceilings_of, name_refusal, quota_array, room_for
from mailkit.principals.wildcards import new_mailbox

KIND = st.sampled_from(sorted(KINDS))


@given(KIND, st.integers(0, 20), st.integers(0, 20))
def test_a_tenant_never_gets_beyond_its_ceiling(kind: str, held: int, allowed: int) -> None:
    decision = room_for(kind, held=held, ceilings={kind: allowed} if allowed else {})
    if isinstance(decision, Room):
        assert not allowed or held + 1 <= allowed
    else:
        assert decision == Full(kind, held, allowed)
        assert held >= allowed > 0


@given(st.dictionaries(KIND, st.integers(1, 1 << 40)), st.integers(0, 1 << 40))
def test_ceilings_survive_the_wire(ceilings: dict[str, int], storage: int) -> None:
    numbers = quota_array(storage, ceilings)
    assert len(numbers) == 13
    assert (numbers[0], ceilings_of(numbers)) == (storage, ceilings)


@pytest.mark.parametrize(("name", "own", "fits"), [
    ("a@b.c", True, True), ("a@b.c", False, False), ("a", True, False), ("@b.c", True, False), ("a@", True, False),
])  # fmt: skip
def test_names_in_a_tenant_are_addresses_in_its_domains(name: str, own: bool, fits: bool) -> None:
    assert (name_refusal(name, domain_is_own=own) is None) is fits


def test_both_sides_of_a_membership_agree() -> None:
    for owner, kinds in MEMBERS.items():
        for kind in kinds:
            assert refusal_of_member(owner, kind, "x") is None
    for where, owners in CONTAINERS.items():
        for owner, kinds in owners.items():
            for kind in kinds:
                assert refusal_of_container(where, owner, kind, "x") is None
                assert field_of(kind) == where
    assert refusal_of_member("group", "list", "x") == 'Principal "x" is not one of individual, group.'
    assert refusal_of_member("domain", "group", "x") == 'Principal "x" cannot be added as a member.'
    assert refusal_of_container("lists", "individual", "group", "x") == 'Principal "x" is not a list.'
    assert refusal_of_container("roles", "group", "role", "x") == 'Principal "x" cannot be added as a member.'


LOCAL = st.text("abc.", min_size=1, max_size=50).filter(lambda text: text.strip("."))


def test_candidates_in_their_order() -> None:
    found = list(candidates(Mailbox("a.bc+label", "x.org"), targets=("y.org",)))
    assert found == [
        "abc@x.org", "abc@y.org",
        "abc*@x.org", "*abc@x.org", "ab*@x.org", "*bc@x.org", "a*@x.org", "*c@x.org", "*@x.org",
        "abc*@y.org", "*abc@y.org", "ab*@y.org", "*bc@y.org", "a*@y.org", "*c@y.org", "*@y.org",
        "abc@*",
    ]  # fmt: skip
    assert list(candidates(Mailbox("a.bc", "x.org"), targets=("y.org",), wildcards=False)) == ["abc@x.org", "abc@y.org"]


@given(LOCAL)
def test_candidates_are_distinct_and_the_address_itself_comes_first(local: str) -> None:
    mailbox = Mailbox(local, "x.org")
    found = list(candidates(mailbox))
    assert found[0] == mailbox.view
    assert found[-2:] == ["*@x.org", f"{local.replace('.', '')}@*"]
    assert len(set(found)) == len(found) <= 2 * LONGEST_AFFIX + 3


@given(LOCAL, st.sampled_from(["*@x.org", "{}*@x.org", "*{}@x.org", "{}@*"]))
def test_every_wildcard_that_may_be_made_is_found_again(local: str, form: str) -> None:
    plain = local.replace(".", "")
    affix = plain[:LONGEST_AFFIX]
    if form == "*{}@x.org":
        affix = plain[-LONGEST_AFFIX:]
    if form == "{}@*":
        affix = plain
    wildcard = new_mailbox(form.format(affix), wildcard=True)
    assert wildcard.view in set(candidates(Mailbox(local, "x.org")))


@pytest.mark.parametrize("text", [
    "a+b@x.org", "*@*", "a*b@x.org", "*", "a@b@*",
    "*a*@x.org", "*@x", "@x.org", "", "**@x.org", "*" + "a" * 33 + "@x.org",
])  # fmt: skip
def test_addresses_that_nobody_may_have(text: str) -> None:
    with pytest.raises(Invalid) as refused:
        new_mailbox(text, wildcard=True)
    assert refused.value.errors[0].path == ("address",)


def test_wildcards_must_be_allowed_and_are_never_main() -> None:
    for how in ({"wildcard": False}, {"wildcard": True, "main": True}):
        with pytest.raises(Invalid):
            new_mailbox("*@x.org", **how)
    assert new_mailbox("*@X.org", wildcard=True) == Mailbox("*", "x.org")
    assert new_mailbox("A.B@X.org", wildcard=False, main=True) == Mailbox("a.b", "x.org")


@pytest.mark.parametrize(("target", "kind"), [
    ("a@b.c", "mail"), ("smtp://h", "relay"), ("smtps://u:p@h:26", "relay"),
    ("https://h/x", "http"), ("smtp:x@b.c", "mail"),
])  # fmt: skip
def test_kinds_of_targets(target: str, kind: str) -> None:
    assert kind_of(target) == kind
