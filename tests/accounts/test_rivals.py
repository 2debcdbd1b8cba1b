"""Two processes want the same name, address or alias: one of them gets it, and the store is as if the other had not
tried. What is asserted holds in whatever order they run."""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mailkit import MailKit, journal
from mailkit.credentials.passwords import Cost
from mailkit.principals.normalise import parse_address
from mailkit.principals.verify import verify
from tests.accounts.rival import ROUNDS

DAY = 86_400_000


@pytest.fixture(params=["lmdb", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, str]:
    """A store that processes share, and where its keys are."""
    where = str(tmp_path / "data") if request.param == "lmdb" else request.getfixturevalue("postgres_url")
    return where, str(tmp_path / "secret.key")


def opened(place: tuple[str, str]) -> MailKit:
    settings = {"sealing.key_file": place[1], "mail.hostname": "mx.example.org"}
    return MailKit.open(place[0], settings=settings, password_cost=Cost(8, 1))


def compete(place: tuple[str, str], contest: str) -> list[list[int]]:
    """Runs both sides of a contest at once; the rounds that each of them won."""
    return [said["won"] for said in fight(place, contest)]


def fight(place: tuple[str, str], contest: str) -> list[dict[str, Any]]:
    """The same; all that both sides say."""
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.accounts.rival", *place, contest, str(side)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        )
        for side in (0, 1)
    ]
    for process in running:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in running:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    said = [process.communicate(timeout=120)[0] for process in running]
    assert [process.returncode for process in running] == [0, 0]
    return [json.loads(text) for text in said]


def sound(kit: MailKit) -> None:
    assert [finding for finding in verify(kit.store) if finding.level == "error"] == []


@pytest.mark.parametrize("contest", ["name", "address", "alias"])
def test_each_thing_has_exactly_one_owner(place: tuple[str, str], contest: str) -> None:
    with opened(place) as kit:
        for side in (0, 1):
            kit.accounts.create(f"p{side}", address=f"p{side}@example.org")
    first, second = compete(place, contest)
    assert sorted(first + second) == list(range(ROUNDS))
    with opened(place) as kit:
        for won, side in ((first, 0), (second, 1)):
            for n in won:
                if contest == "name":
                    main = kit.addresses.main_of(kit.principals.by_name(f"new{n}"))
                    assert main is not None
                    assert main.value == f"new{n}-{side}@example.org"
                elif contest == "address":
                    found = kit.addresses.resolve(f"both{n}@example.org")
                    assert found is not None
                    assert found[1].name == f"p{side}"
                else:
                    assert kit.domain_aliases.by_name(f"alias{n}.example").domain == f"target{side}.example"
        sound(kit)


def test_a_name_is_free_with_all_that_belonged_to_it(place: tuple[str, str]) -> None:
    with opened(place) as kit:
        for n in range(ROUNDS):
            kit.accounts.create(f"old{n}", address=f"old{n}@example.org")
    made, deleted = compete(place, "delete_create")
    assert (made, deleted) == (list(range(ROUNDS)), list(range(ROUNDS)))
    with opened(place) as kit:
        for n in range(ROUNDS):
            assert kit.principals.by_name(f"old{n}").display == "second"
            found = kit.addresses.resolve(f"old{n}@example.org")
            assert found is not None
            assert found[1].display == "second"
        sound(kit)


def test_a_restored_account_has_its_address_unless_another_took_it(place: tuple[str, str]) -> None:
    with opened(place) as kit:
        kit.accounts.create("p0", address="p0@example.org")
        for n in range(ROUNDS):
            row = kit.accounts.create(f"old{n}", address=f"old{n}@example.org")
            kit.accounts.delete(row.id, due=kit.clock() + DAY)
    taken, restored = compete(place, "restore_taken")
    assert restored == list(range(ROUNDS))  # without the address if need be
    with opened(place) as kit:
        for n in range(ROUNDS):
            found = kit.addresses.resolve(f"old{n}@example.org")
            assert found is not None
            assert found[1].name == ("p0" if n in taken else f"old{n}")
            main = kit.addresses.main_of(kit.principals.by_name(f"old{n}"))
            assert (main is None) is (n in taken)
        sound(kit)


def test_a_delivery_sees_a_domain_under_one_of_its_names(place: tuple[str, str]) -> None:
    with opened(place) as kit:
        user = kit.accounts.create("u", address="u@moving.example")
    delivered, renamed = compete(place, "rename_delivery")
    assert delivered == renamed == list(range(ROUNDS))
    with opened(place) as kit:
        assert kit.mailstore.list(user.id, mailbox="INBOX").total == ROUNDS
        found = kit.addresses.resolve("u@moving.example", wildcards=False)
        assert found is not None
        assert kit.principals.find_domain("moved.example") is None
        sound(kit)


def test_mail_goes_to_whoever_has_the_address_while_people_change_their_names(place: tuple[str, str]) -> None:
    """The journal has the order in which it all happened: each message is in the account that had its address then."""
    with opened(place) as kit:
        walker = kit.accounts.create("u0", address="u0@example.org")
        kit.addressing.add(walker, parse_address("fixed@example.org"), main=True)
        begin = len(happened(kit))
    told, renamed = fight(place, "rename_person")
    assert renamed["won"] == told["won"] == list(range(ROUNDS))
    with opened(place) as kit:
        people = [walker.number, *(kit.principals.by_name(f"u{n}").number for n in range(ROUNDS))]
        came = {message: (number, to) for number in people for message, to in messages(kit, number)}
        owners = {"fixed": walker.number, "u0": walker.number}
        for entry in happened(kit)[begin:]:
            if entry.kind == "principal.renamed":
                del owners[entry.payload["previous"]]
                owners[entry.payload["current"]] = walker.number
            elif entry.kind == "user.created":
                owners[entry.payload["username"]] = entry.account
            elif entry.kind == "message.added":
                number, to = came.pop(entry.payload["message"])
                assert owners[to] == number == entry.account
        assert not came
        outcomes = Counter((name, status) for name, status, _ in told["told"])
        assert outcomes["fixed", "stored"] == ROUNDS
        kept = sum(kit.mailstore.list(kit.principals.get(number).id, mailbox="INBOX").total for number in people)
        assert kept == sum(count for (_, status), count in outcomes.items() if status == "stored")
        assert {status for _, status in outcomes} <= {"stored", "rejected"}
        sound(kit)


def happened(kit: MailKit) -> list[journal.Entry]:
    with kit.store.snapshot() as tx:
        return [entry for _, entry in journal.read(tx, 0)]


def messages(kit: MailKit, number: int) -> Iterator[tuple[bytes, str]]:
    """What an account has, and the name before the @ to which each was delivered."""
    for entry in kit.mailstore.list(kit.principals.get(number).id, mailbox="INBOX", limit=250).items:
        raw = b"".join(kit.mailstore.stream(entry.row)).decode()
        yield entry.row.id, raw.partition("Delivered-To: ")[2].partition("@")[0]
