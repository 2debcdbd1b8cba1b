"""At a terminal: tables have headings, secrets are asked for without echo, deleting asks first, strangers' names cannot
move the cursor."""

from pathlib import Path

import pytest

from mailkit.cli.printable import printable
from mailkit.testing.platform import platform
from tests.cli.shell import Shell, state
from tests.cli.terminal import at_terminal


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """A folder with jane, who has an unfriendly name."""
    found = Shell(tmp_path / "data")
    name = "Jane \x1b[2J\r\nroot"
    found.run("user", "add", "jane", "--no-password", "--address", "jane@example.org", "--display", name)
    return found


def test_a_table_has_headings_and_aligned_columns_at_a_terminal(shell: Shell) -> None:
    shell.run("user", "add", "maximilian", "--no-password", "--address", "m@example.org")
    with at_terminal(shell.folder, "user", "list") as terminal:
        assert terminal.end() == 0
    heading, jane, maximilian = terminal.seen.strip().splitlines()
    assert heading.replace("\x1b[1m", "").replace("\x1b[0m", "").split() == ["ID", "NAME", "ADDRESS", "USED"]
    assert jane.index("jane@") == maximilian.index("m@example.org")
    assert jane.endswith("0 B")


def test_a_strangers_name_is_printed_harmlessly(shell: Shell) -> None:
    with at_terminal(shell.folder, "user", "show", "jane") as terminal:
        assert terminal.end() == 0
    assert "Jane \ufffd[2J  root" in terminal.seen
    assert "\x1b[2J" not in terminal.seen
    assert shell.say("group", "add", "crew", "--member", "jane") == "crew is a group here\n"
    assert "\x1b" not in shell.say("user", "list")
    assert shell.json("user", "show", "jane")["display"] == "Jane \x1b[2J\r\nroot"  # JSON escapes by itself


@pytest.mark.parametrize(
    "words",
    [
        ("user", "add", "b\udcffd", "--no-password"),
        ("user", "edit", "jane", "--tag", "a", "--tag", "b\udcffd"),
        ("user", "edit", "jane", "--meta", '{"a": "\udcff"}'),
        ("config", "set", "report.domain", "b\udcffd"),
    ],
)
def test_bytes_that_are_no_text_are_a_usage_error(shell: Shell, words: tuple[str, ...]) -> None:
    assert "is not UTF-8" in shell.refuse(*words)
    assert "standard input is not UTF-8" in shell.refuse("user", "passwd", "jane", stdin=b"\xff\xfe\n")


def test_text_of_every_script_is_left_alone() -> None:
    for text in ("Jürgen Groß", "山田太郎", "محمد", "👩\u200d🚒", ""):
        assert printable(text) == text
    assert printable("a\u202eb\tc\u0085d") == "a\ufffdb c d"


def test_deleting_asks_and_no_means_no(shell: Shell) -> None:
    before = state(shell.folder)
    with at_terminal(shell.folder, "user", "delete", "jane") as terminal:
        terminal.until("Delete the user jane, and 0 B of mail now? [y/N]")
        terminal.type("n")
        assert terminal.end() == 1
    assert "Aborted!" in terminal.seen
    assert state(shell.folder) == before
    with at_terminal(shell.folder, "user", "delete", "jane") as terminal:
        terminal.until("[y/N]")
        terminal.type("y")
        assert terminal.end() == 0
    assert "jane is deleted" in terminal.seen


def test_a_password_is_asked_for_twice_and_never_shown(shell: Shell) -> None:
    with at_terminal(shell.folder, "user", "passwd", "jane") as terminal:
        terminal.until("New password for jane:")
        terminal.type("a long secret")
        terminal.until("Repeat for confirmation:")
        terminal.type("a long secret")
        assert terminal.end() == 0
    assert "secret" not in terminal.seen
    with platform(str(shell.folder)) as kit:
        assert kit.callers.of_password("jane", "a long secret").name == "jane"
