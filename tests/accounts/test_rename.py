"""Renaming domains with more addresses than one transaction moves, stopped anywhere, and who was deleted before."""

import pytest

from mailkit import MailKit
from mailkit.accounts import rename
from mailkit.clock import FixedClock
from mailkit.errors import AlreadyExists, Invalid, Unavailable
from mailkit.principals.normalise import parse_address
from mailkit.principals.verify import verify


@pytest.fixture
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rename, "STEP", 3)


def _fill(kit: MailKit, count: int, domain: str = "old.example") -> None:
    for number in range(count):
        kit.accounts.create(f"u{number}", address=f"u{number}@{domain}")


def _resolved(kit: MailKit, local: str, domain: str) -> str | None:
    found = kit.addresses.resolve(f"{local}@{domain}", wildcards=False)
    return None if found is None else found[1].name


@pytest.mark.parametrize("into_known", [False, True])
def test_both_names_find_every_address_until_all_have_moved(
    kit: MailKit, clock: FixedClock, small_steps: None, into_known: bool
) -> None:
    _fill(kit, 8)
    if into_known:
        kit.accounts.create("other", address="other@new.example")
    done = kit.domain_names.rename("old.example", "new.example")
    assert (done.addresses, done.users, done.aliases) == (8, 8, 0)
    assert done.job is not None
    for number in range(8):
        assert (
            _resolved(kit, f"u{number}", "old.example") == _resolved(kit, f"u{number}", "new.example") == f"u{number}"
        )
    jane = kit.accounts.create("jane", address="jane@elsewhere.example")
    for domain in ("old.example", "new.example"):
        with pytest.raises(Unavailable):
            kit.addressing.add(jane, parse_address(f"jane@{domain}"))
        with pytest.raises(Unavailable):
            kit.domain_names.rename(domain, "third.example")
    # mail goes on meanwhile, under either name
    receipt = kit.delivery.accept(
        b"Subject: x\r\n\r\ny\r\n", mail_from="", rcpt_to=["u7@new.example", "u0@old.example"]
    )
    assert [outcome.status for outcome in receipt.outcomes] == ["stored", "stored"]

    assert kit.run_due(clock()) >= 1
    for number in range(8):
        assert _resolved(kit, f"u{number}", "old.example") is None
        assert _resolved(kit, f"u{number}", "new.example") == f"u{number}"
    assert kit.principals.find_domain("old.example") is None
    domain = kit.principals.find_domain("new.example")
    assert domain is not None
    assert kit.addresses.domain_size(domain.number) == 8 + into_known
    assert list(verify(kit.store)) == []


def test_a_collision_anywhere_changes_nothing(kit: MailKit, small_steps: None) -> None:
    _fill(kit, 8)
    kit.accounts.create("other", address="u.7@new.example")
    kit.domain_aliases.add("alias.example", "old.example", now=1)
    with pytest.raises(AlreadyExists) as taken:
        kit.domain_names.rename("old.example", "new.example")
    assert taken.value.fields["address"] == "u7@new.example"
    assert all(_resolved(kit, f"u{number}", "old.example") for number in range(8))
    assert kit.domain_aliases.by_name("alias.example").domain == "old.example"
    assert list(verify(kit.store)) == []


DAY = 86_400_000


@pytest.mark.parametrize("moving", [False, True])
def test_a_restored_address_has_its_domains_present_name(
    kit: MailKit, clock: FixedClock, small_steps: None, moving: bool
) -> None:
    jane = kit.accounts.create("jane", address="ja.ne@old.example")
    kit.accounts.delete(jane.id, due=clock() + DAY)
    _fill(kit, 8 if moving else 2)
    if moving:  # into a domain that is there, and not all have arrived
        kit.accounts.create("other", address="other@new.example")
    assert (kit.domain_names.rename("old.example", "new.example").job is not None) is moving
    restored = kit.accounts.restore(jane.id)
    assert (restored.addresses, restored.main) == (("ja.ne@new.example",), "ja.ne@new.example")
    kit.run_due(clock())
    assert _resolved(kit, "jane", "new.example") == "jane"
    assert kit.principals.find_domain("old.example") is None
    assert list(verify(kit.store)) == []


def test_a_domain_that_ends_in_another_leaves_its_groups(kit: MailKit, small_steps: None) -> None:
    _fill(kit, 2)
    kit.accounts.create("other", address="other@new.example")
    group = kit.accounts.create("group", kind="group", no_address=True)
    old = kit.principals.by_name("old.example")
    kit.members.add(group.number, old.number)
    kit.domain_names.rename("old.example", "new.example")
    assert kit.members.ties(group.number).members == ()
    assert list(verify(kit.store)) == []


def test_a_domain_cannot_be_called_like_somebody(kit: MailKit) -> None:
    jane = kit.accounts.create("new.example", address="jane@old.example")
    with pytest.raises(Invalid) as refused:
        kit.addressing.add(jane, parse_address("jane@new.example"))
    assert refused.value.code == "domain.unknown"
