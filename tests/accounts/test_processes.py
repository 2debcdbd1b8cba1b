"""A code is good once in all processes, and guesses are counted over all of them, in real processes of their own."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailkit import MailKit
from mailkit.accounts.by import By
from mailkit.credentials.passwords import Cost
from mailkit.credentials.totp import code_at
from tests.cli.conftest import environment

# Names, then one line for each attempt: who logs in, and how. The clock stands still, so that a code stays one.
OTHER = """
import sys
from mailkit import MailKit
from mailkit.accounts.by import By
from mailkit.accounts.login import Attempt
from mailkit.clock import FixedClock
from mailkit.credentials.passwords import Cost
from mailkit.errors import MailKitError
from mailkit.ids import Id

where, key, user, start = sys.argv[1:]
settings = {"sealing.key_file": key, "mail.hostname": "mx.example.org"}
with MailKit.open(where, settings=settings, clock=FixedClock(int(start)), password_cost=Cost(8, 1)) as kit:
    print("ready", flush=True)
    for line in sys.stdin:
        way, _, secret = line.rstrip("\\n").partition(" ")
        try:
            if way == "basic":
                kit.callers.of_password("alice", secret)
            elif way == "confirm":
                kit.login.confirm(kit.principals.by_name("alice"), secret, ip="192.0.2.7", by=By())
            elif way == "login":
                kit.login.authenticate(Attempt("alice", secret, ip="192.0.2.7"))
            elif way == "check":
                kit.two_factor.check_totp(Id.parse(user), secret, by=By())
            print("in", flush=True)
        except MailKitError as error:
            print(error.code, flush=True)
"""


@pytest.fixture(params=["lmdb", "postgres"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "lmdb":
        return str(tmp_path / "data")
    url: str = request.getfixturevalue("postgres_url")
    return url


class Other:
    """A process with the same store."""

    def __init__(self, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", OTHER, *arguments],
            env=environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._told() == "ready"

    def ask(self, line: str) -> str:
        self.send(line)
        return self._told()

    def send(self, line: str) -> None:
        assert self.process.stdin
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def _told(self) -> str:
        assert self.process.stdout
        return self.process.stdout.readline().strip()

    told = _told

    def end(self) -> None:
        self.process.communicate()


@pytest.fixture
def others(where: str, tmp_path: Path) -> Iterator[tuple[list[Other], list[str]]]:
    """Two processes, and three codes of alice's that are good now."""
    from mailkit.clock import FixedClock

    key, clock = str(tmp_path / "secret.key"), FixedClock()
    settings = {"sealing.key_file": key, "mail.hostname": "mx.example.org"}
    with MailKit.open(where, settings=settings, clock=clock, password_cost=Cost(8, 1)) as kit:
        alice = kit.accounts.create("alice", address="alice@example.org", password="right")
        seed = kit.two_factor.setup_totp(alice.id, issuer="test")
        kit.two_factor.enable_totp(alice.id, code_at(seed, clock() // 30_000), by=By())
        codes = [code_at(seed, clock() // 30_000 + away) for away in (-1, 0, 1)]
    pair = [Other(where, key, str(alice.id), str(clock())) for _ in range(2)]
    yield pair, codes
    for each in pair:
        each.end()


def test_a_code_that_one_process_took_is_refused_by_the_other(others: tuple[list[Other], list[str]]) -> None:
    (one, two), codes = others
    assert one.ask(f"check {codes[0]}") == "in"
    assert two.ask(f"check {codes[0]}") == "totp.used"
    assert two.ask(f"basic right${codes[0]}") == "login.failed"
    assert two.ask(f"basic right${codes[1]}") == "in"
    assert one.ask(f"basic right${codes[1]}") == "login.failed", "what is cached is one process's own"
    assert one.ask(f"check {codes[1]}") == "totp.used"


def test_of_two_processes_that_race_with_one_code_one_wins(others: tuple[list[Other], list[str]]) -> None:
    pair, codes = others
    for code in codes:
        for each in pair:
            each.send(f"basic right${code}")
        assert sorted(each.told() for each in pair) == ["in", "login.failed"]


def test_guesses_at_the_present_password_are_counted_over_all_processes_and_with_the_login(
    others: tuple[list[Other], list[str]],
) -> None:
    pair, _ = others
    for way in ("confirm", "login") * 2:
        for each in pair:
            each.send(f"{way} wrong")
            each.send("confirm wrong")
    told = [each.told() for each in pair for _ in range(8)]
    refusals = {"password.wrong", "login.failed"}
    assert sum(code in refusals for code in told) == 12
    assert told.count("login.limited") == 4
    for each in pair:  # the right one neither
        assert each.ask("confirm right") == "login.limited"
        assert each.ask("login right") == "login.limited"
