"""Principals and their addresses on a real store."""

import pytest
from msgspec.structs import replace

from mailkit import MailKit
from mailkit.errors import AlreadyExists, Denied, Invalid, NotFound
from mailkit.ids import new_id
from mailkit.principals.addresses import Addresses
from mailkit.principals.normalise import parse_address
from mailkit.principals.records import Principal
from mailkit.principals.service import Principals
from mailkit.principals.tables import NUMBERS
from mailkit.principals.verify import verify
from mailkit.storage.backends.memory import MemoryStore

NOW = 1_700_000_000_000


@pytest.fixture
def principals() -> Principals:
    return Principals(MemoryStore())


@pytest.fixture
def addresses(principals: Principals) -> Addresses:
    return Addresses(principals.store, principals)


def person(name: str, kind: str = "individual") -> Principal:
    return Principal(number=0, id=new_id(NOW), kind=kind, name=name, created=NOW)


def test_created_principal_is_found_every_way(principals: Principals) -> None:
    alice = principals.create(person(" First.Last "))
    assert alice.name == "first.last"
    assert principals.get(alice.number) == alice
    assert principals.user(alice.id) == principals.by_id(alice.id) == alice
    assert principals.by_name("first.last") == principals.find_login("FIRSTLAST") == alice
    assert principals.count("individual") == 1


@pytest.mark.parametrize(("first", "second"), [("a.b", "ab"), ("ab", "a.b"), ("x", "x")])
def test_logins_that_differ_by_dots_only_are_one(principals: Principals, first: str, second: str) -> None:
    principals.create(person(first))
    with pytest.raises(AlreadyExists) as taken:
        principals.create(person(second))
    assert (taken.value.code, taken.value.fields["name"]) == ("principal.exists", second)
    assert principals.count("individual") == 1


def test_names_are_unique_over_all_kinds_but_logins_only_among_people(principals: Principals) -> None:
    principals.create(person("staff", "group"))
    principals.create(person("st.aff"))
    with pytest.raises(AlreadyExists):
        principals.create(person("staff", "list"))


@pytest.mark.parametrize("name", ["", "  ", "a\x00b", "x" * 513])
def test_names_that_cannot_be_are_refused(principals: Principals, name: str) -> None:
    with pytest.raises(Invalid) as refused:
        principals.create(person(name))
    assert refused.value.errors[0].path == ("name",)


def test_numbers_are_never_reused(principals: Principals) -> None:
    first = principals.create(person("a"))
    principals.delete(first.number)
    assert principals.create(person("b")).number == first.number + 1
    with pytest.raises(NotFound):
        principals.delete(first.number)


def test_pages_partition_the_list_in_both_directions(principals: Principals) -> None:
    made = [principals.create(person(f"u{n}")).name for n in range(7)]
    page = principals.list_by_id("individual", limit=3)
    seen = [row.name for row in page.items]
    assert (page.before, page.after, page.total) == (False, True, 7)
    while page.after:
        page = principals.list_by_id("individual", limit=3, after=page.items[-1].id)
        seen += [row.name for row in page.items]
    assert seen == made
    back = principals.list_by_id("individual", limit=3, after=page.items[0].id, reverse=True)
    assert [row.name for row in back.items] == made[3:6]
    assert (back.before, back.after) == (True, True)


def test_kinds_are_merged_by_name(principals: Principals) -> None:
    for name, kind in [("c", "individual"), ("b", "group"), ("a", "individual"), ("d", "list")]:
        principals.create(person(name, kind))
    with principals.store.snapshot() as tx:
        assert [row.name for row in principals.list_by_name(["individual", "group"], limit=9, tx=tx)] == ["a", "b", "c"]
        assert [row.name for row in principals.list_by_name(["individual", "group"], limit=1, after="a", tx=tx)] == [
            "b"
        ]


def test_first_address_is_main_and_makes_its_domain(principals: Principals, addresses: Addresses) -> None:
    alice = principals.create(person("alice"))
    first = addresses.add(parse_address("alice@x.org"), alice, now=NOW, may_create_domain=True)
    second = addresses.add(parse_address("al@x.org"), alice, now=NOW, may_create_domain=True)
    alice = principals.get(alice.number)
    assert alice.main == first.id
    assert addresses.listed(alice) == [first, second]
    domain = principals.find_domain("X.ORG")
    assert domain is not None
    assert domain.implicit
    assert addresses.domain_size(domain.number) == 2
    assert alice.revision == 2


def test_address_resolves_with_label_and_without_dots(principals: Principals, addresses: Addresses) -> None:
    alice = principals.create(person("alice"))
    row = addresses.add(parse_address("a.lice@x.org"), alice, now=NOW, may_create_domain=True)
    found = addresses.resolve("ALICE+shop@X.org")
    assert found is not None
    assert found[0] == row
    assert found[1].number == alice.number
    assert addresses.resolve("bob@x.org") is None
    assert addresses.resolve("no address") is None


def test_taken_address_and_unknown_domain_change_nothing(principals: Principals, addresses: Addresses) -> None:
    alice, bob = principals.create(person("alice")), principals.create(person("bob"))
    addresses.add(parse_address("alice@x.org"), alice, now=NOW, may_create_domain=True)
    with pytest.raises(AlreadyExists, match=r"address\.exists"):
        addresses.add(parse_address("al.ice@x.org"), bob, now=NOW, may_create_domain=True)
    with pytest.raises(Invalid, match=r"domain\.unknown"):
        addresses.add(parse_address("bob@y.org"), bob, now=NOW, may_create_domain=False)
    assert principals.get(bob.number) == bob
    assert principals.find_domain("y.org") is None


def test_main_address_stays_until_all_go(principals: Principals, addresses: Addresses) -> None:
    alice = principals.create(person("alice"))
    main = addresses.add(parse_address("alice@x.org"), alice, now=NOW, may_create_domain=True)
    other = addresses.add(parse_address("b@x.org"), alice, now=NOW, may_create_domain=True)
    with pytest.raises(Denied, match=r"address\.main"):
        addresses.remove(main.id)
    addresses.remove(other.id)
    assert addresses.remove_all(alice.number) == [main]
    domain = principals.find_domain("x.org")
    assert domain is not None
    assert addresses.domain_size(domain.number) == 0


def test_check_finds_a_main_address_that_is_anothers_and_a_wrong_count_of_aliases(kit: MailKit) -> None:
    jane = kit.accounts.create("jane", address="jane@example.org")
    bob = kit.accounts.create("bob", address="bob@example.org")
    kit.domain_aliases.add("alias.example", "example.org", now=1)
    assert list(verify(kit.store)) == []
    kit.principals.update(replace(jane, main=bob.main))
    kit.transact(lambda tx: NUMBERS.add(tx, 1, "domain alias"))
    assert sorted(finding.message for finding in verify(kit.store)) == [
        "jane: its main address is not one of its own",
        "the counter says 2, there are 1",
    ]
