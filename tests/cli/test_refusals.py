"""What the command line says and leaves behind when it is wrong, or refused before there is any data."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from mailkit import MailKit
from tests.cli.conftest import environment, mailkit
from tests.cli.test_every_command import CASES

FIRST = {
    "user add kim --no-password --address nonsense": 1,
    "user add kim --no-password --address kim@example.org --role nope": 1,
    "user add kim --address kim@example.org": 2,  # standard input is empty
    "domain add example": 1,
    "domain add example.org --tenant nope": 1,
    "tenant add acme --role nope": 1,
    "tenant add acme --most flies=1": 2,
    "token create --role nope": 2,
    "token create --user nobody": 1,
}
"""Commands that make the data folder, and why they are refused."""


@pytest.mark.parametrize("command", FIRST)
def test_a_refused_first_command_leaves_no_data_folder(command: str, tmp_path: Path) -> None:
    folder = tmp_path / "some" / "where"
    done = mailkit(*command.split(), "--data", str(folder), check=False)
    assert (done.returncode, done.stdout) == (FIRST[command], "")
    assert list(tmp_path.iterdir()) == []


def test_an_import_of_nobody_leaves_no_data_folder_and_of_somebody_does(tmp_path: Path) -> None:
    folder, file = tmp_path / "data", tmp_path / "users.csv"
    for text, there in (("login\nkim\n", False), ("username,quota\nkim,lots\n", False), ("username\nkim\n,\n", True)):
        file.write_text(text)
        more = {"MAILKIT_MAIL_DOMAIN": "example.org"}
        assert mailkit("user", "import", str(file), "--data", str(folder), check=False, **more).returncode == 1
        assert folder.exists() == there


def test_what_was_there_before_stays(tmp_path: Path) -> None:
    """A folder of somebody else's, empty or not, and a platform that has lost its last user."""
    empty, data = tmp_path / "empty", tmp_path / "data"
    empty.mkdir()
    refused = ("user", "add", "kim", "--no-password", "--address", "nonsense", "--data")
    mailkit(*refused, str(empty), check=False)
    assert empty.is_dir()
    mailkit("user", "add", "kim", "--no-password", "--address", "kim@example.org", "--data", str(data))
    mailkit(*refused, str(data), check=False)
    assert "kim" in mailkit("user", "list", "--data", str(data)).stdout


def test_a_folder_is_not_taken_from_under_whoever_uses_it(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    with MailKit.open(folder):
        mailkit("user", "add", "kim", "--no-password", "--address", "nonsense", "--data", str(folder), check=False)
        assert (folder / "data.mdb").exists()


REFUSED = """
import sys
from click.testing import CliRunner
from mailkit.cli import build

words = ["user", "add", "kim", "--no-password", "--address", "nonsense", "--data"]
assert CliRunner().invoke(build(), [*words, sys.argv[1]]).exit_code == 1
print("ready", flush=True)
for folder in sys.stdin:
    for _ in range(4):
        assert CliRunner().invoke(build(), [*words, folder.strip()]).exit_code == 1
    print("done", flush=True)
"""


def test_refused_first_commands_lose_nothing_of_another_process(tmp_path: Path) -> None:
    """One process makes a folder and is refused, again and again, while another one makes it and adds a user: whoever
    comes first, what that one was told is done stays done."""
    command = [sys.executable, "-c", REFUSED, str(tmp_path / "first")]
    with subprocess.Popen(
        command, env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdin is not None
        assert other.stdout is not None
        assert other.stdout.readline() == "ready\n"
        for n in range(12):
            folder = tmp_path / str(n)
            other.stdin.write(f"{folder}\n")
            other.stdin.flush()
            with MailKit.open(folder) as kit:
                kit.accounts.create("kim", address="kim@example.org")
            assert other.stdout.readline() == "done\n"
            with MailKit.open(folder) as kit:
                assert kit.principals.by_name("kim").name == "kim"
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(map(str, range(12)))


@pytest.mark.parametrize("words", ["bogus", "user bogus", "user", "user list"])
def test_a_wrong_command_line_is_json_for_programs(words: str, tmp_path: Path) -> None:
    done = mailkit(*words.split(), "--json", "--bogus", check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert json.loads(done.stderr)["code"] == "usage"
    plain = mailkit(*words.split(), "--bogus", check=False)
    assert plain.returncode == 2
    assert "Error: " in plain.stderr


def test_a_missing_argument_of_any_command_is_json_for_programs() -> None:
    for each in CASES:
        done = mailkit(*each.command.split(), "--json", "--no-such-option", check=False)
        assert (done.returncode, json.loads(done.stderr)["code"]) == (2, "usage"), each.command


def test_json_as_a_value_asks_for_no_json(tmp_path: Path) -> None:
    folder = str(tmp_path / "data")
    done = mailkit("user", "show", "--data", folder, "--", "--json", check=False)
    assert done.stderr.startswith("mailkit: There is no mailkit data")
