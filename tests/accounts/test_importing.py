"""Accounts from a file: what its lines ask for, and what becomes of them."""

import csv
import io
import tracemalloc
from collections.abc import Callable, Iterable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailkit import MailKit
from mailkit.accounts.create import NewAccount
from mailkit.accounts.importing import Failed, Made, Outcome, Present, UserImport
from mailkit.accounts.userfile import LONGEST, Bad, Good, read_users, text_lines
from mailkit.clock import FixedClock
from mailkit.errors import Invalid


def reading(data: bytes, step: int = 65536) -> Callable[[int], bytes]:
    """`read` of a file that gives at most `step` bytes at a time."""
    file = io.BytesIO(data)
    return lambda n: file.read(min(n, step))


def users(data: bytes, step: int = 65536) -> list[Good | Bad]:
    return list(read_users(text_lines(reading(data, step))))


def work(kit: MailKit) -> UserImport:
    return UserImport(kit.accounts, kit.principals, kit.addresses, kit.credentials, clock=kit.clock, domain=kit.domain)


def run(kit: MailKit, text: str) -> list[Outcome]:
    return list(work(kit).run(read_users(text.splitlines())))


# lines


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("step", [65536, 7])
def test_what_spreadsheets_write_is_read(encoding: str, delimiter: str, ending: str, step: int) -> None:
    mark = "\ufeff" if encoding in ("utf-16-le", "utf-16-be") else ""
    lines = [["Username", "address", "name "], ["jürgen", "j@exämple.org", "Jürgen"], ["kim", "kim@example.org", "金"]]
    text = mark + "".join(delimiter.join(cells) + ending for cells in lines)
    found = users(text.encode(encoding), step)
    assert [(row.line, row.account.display) for row in found if isinstance(row, Good)] == [(2, "Jürgen"), (3, "金")]
    assert len(found) == 2


_CELL = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"], exclude_characters="\ufffd"), max_size=20)


@given(st.lists(st.tuples(_CELL, _CELL), max_size=8), st.sampled_from(",;\t"))
def test_what_a_writer_of_csv_writes_is_read_back(cells: list[tuple[str, str]], delimiter: str) -> None:
    file = io.StringIO()
    writer = csv.writer(file, delimiter=delimiter)
    names = [f"user{n}" for n in range(len(cells))]
    writer.writerows(
        [["username", "name", "password"], *([name, *two] for name, two in zip(names, cells, strict=True))]
    )
    found = users(file.getvalue().encode(), 11)
    assert found == [
        Good(n, NewAccount(name, display=display.strip() or None, password=password or None))
        for n, (name, (display, password)) in enumerate(zip(names, cells, strict=True), 2)
    ]


@given(st.binary(max_size=400), st.integers(1, 50))
def test_any_bytes_are_lines_or_a_reason(data: bytes, step: int) -> None:
    for row in users(b"username,name\n" + data, step):
        assert isinstance(row, Good) or row.reason
    try:
        users(data, step)
    except Invalid:
        pass  # for a first line that names no columns


def test_a_mistake_takes_none_of_the_lines_after_it_along() -> None:
    found = users(b'username,name\n"open,x\nbob,"x\nkim,y\n')
    assert [row.line for row in found if isinstance(row, Bad)] == [2, 3]
    assert [row.account.name for row in found if isinstance(row, Good)] == ["kim"]


def test_memory_is_flat_however_many_lines_and_however_long() -> None:
    def endless() -> Iterator[bytes]:
        yield b"username,name\n"
        for n in range(100_000):
            yield b"user%d,x\n" % n
        for _ in range(300):
            yield b"x" * 60_000  # one line of 18 MB
        yield b"\nlast,x\n"

    pieces = endless()
    tracemalloc.start()
    try:
        good = bad = 0
        for row in read_users(text_lines(lambda n: next(pieces, b""))):
            good, bad = good + isinstance(row, Good), bad + isinstance(row, Bad)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (good, bad) == (100_001, 1)
    assert peak < 16 * LONGEST


# accounts


def test_each_line_has_its_outcome_in_order(kit: MailKit) -> None:
    kit.accounts.create("old", address="old@example.org")
    text = "username,address,password\n" + "".join(f"user{n},user{n}@example.org,\n" for n in range(40))
    text += "old,new@example.org,x\nuser3,else@example.org,\nu.ser4,other@example.org,\n"
    text += "last,user5@example.org,\nz,z@x.org,\n"
    found = run(kit, text)
    assert [each.line for each in found] == list(range(2, 47))
    assert [type(each) for each in found] == [Made] * 40 + [Failed] * 4 + [Made]
    codes = [each.error.code for each in found if isinstance(each, Failed)]
    assert codes == ["principal.exists"] * 3 + ["address.exists"]
    assert kit.principals.count("individual") == 42


def test_who_is_there_already_is_left_alone(kit: MailKit, clock: FixedClock) -> None:
    text = "username,address,password\njane,jane@example.org,first\nbob,,first\n"
    assert [type(each) for each in run(kit, text)] == [Made, Made]
    clock.advance(ms=1)
    again = run(kit, text.replace("first", "second").replace("jane@", "JANE@"))
    assert again == [Present(2, "jane"), Present(3, "bob")]
    assert kit.callers.of_password("jane", "first").name == "jane"


def test_an_earlier_line_has_the_name(kit: MailKit) -> None:
    found = run(kit, "username,address\njane,jane@example.org\njane,jane@example.org\n")
    assert isinstance(found[1], Failed)
    assert "taken by an earlier line" in found[1].error.message


def test_somebody_else_may_make_the_same_meanwhile(kit: MailKit) -> None:
    def rows() -> Iterable[Good | Bad]:
        yield from read_users(["username,address", "jane,jane@example.org"])
        kit.accounts.create("jane", address="jane@example.org")  # once the line was looked at, and before it is made

    (outcome,) = work(kit).run(rows())
    assert isinstance(outcome, Failed)
    assert "by somebody else meanwhile" in outcome.error.message
    assert kit.principals.count("individual") == 1


def test_who_stops_asking_leaves_whole_accounts_only(kit: MailKit) -> None:
    text = ["username,address", *(f"user{n},user{n}@example.org" for n in range(200))]
    running = work(kit).run(read_users(text))
    for _ in range(50):
        next(running)
    running.close()  # type: ignore[attr-defined]  # a generator, as it happens
    made = kit.principals.count("individual")
    assert 50 <= made < 200
    rest = run(kit, "\n".join(text))
    assert sum(isinstance(each, Made) for each in rest) == 200 - made
