"""`mailkit user import`: any file that somebody may hand it, and whatever may happen in the middle."""

import csv
import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from mailkit.cli.user.importing import interrupts
from mailkit.testing.platform import platform
from tests.cli.conftest import environment, mailkit
from tests.cli.shell import Shell
from tests.cli.terminal import at_terminal

HOSTILE = (
    b"\xef\xbb\xbfUsername;Password;Address;Name;Quota;Tags\r\n"
    b'jane; secret ;jane@example.org;"Doe; Jane";10MiB;b a B\r\n'
    b"\r\n"
    b";;;;;\r\n"
    b"  \r\n"
    b"JANE;x;other@example.org;;;\r\n"
    b"bob;pw;bob@example.org;;lots;\r\n"
    b'"broken;pw;broken@example.org;;;\r\n'
    b"kim;pw;kim@example.org\r\n"
    b"j\xe4n;pw;jan@example.org;;;\r\n"
    b";pw;nobody@example.org;;;\r\n"
    b"eve;;not an address;;;\r\n"
    b"e\x1b[2Jvil;;evil@example.org;;;\r\n"
    b"longname;;long@example.org;" + b"x" * 100_000 + b";;\r\n"
    b"jane;secret;jane@example.org;;;\r\n"
    b"last;pw;last@example.org;;;"
)


def told(stderr: str) -> list[tuple[int, str, str]]:
    rows = [json.loads(line) for line in stderr.splitlines()]
    return [(row["line"], row["name"], row["code"]) for row in rows]


def test_a_hostile_file_makes_what_it_can_and_says_why_of_the_rest(tmp_path: Path) -> None:
    shell, file = Shell(tmp_path / "data"), tmp_path / "users.csv"
    file.write_bytes(HOSTILE)
    done = shell.run("user", "import", str(file), "--json", expect=1)
    assert json.loads(done.stdout) == {"made": 2, "present": 0, "failed": 10, "interrupted": False}
    assert told(done.stderr) == [
        (6, "jane", "principal.exists"),  # the name in other letters
        (7, "", "import.line"),  # the quota
        (8, "", "import.line"),  # the quote
        (9, "", "import.line"),  # the columns
        (10, "", "import.line"),  # Latin-1
        (11, "", "import.line"),  # no name
        (12, "eve", "invalid"),  # the address
        (13, "", "import.line"),  # control characters
        (14, "", "import.line"),  # its length
        (15, "jane", "principal.exists"),  # the same again
    ]
    words = shell.run("user", "import", str(file), expect=1)
    assert words.stdout == "0 users added, 3 were there, 9 failed\n"
    assert "line 7: quota is 'lots', not a size" in words.stderr
    assert "line 8: a quote is not closed" in words.stderr
    assert "line 9: it has 3 columns, the first line has 6" in words.stderr
    assert 'line 12 (eve): "address" must be a valid email' in words.stderr
    assert "\x1b" not in words.stderr
    jane = shell.json("user", "show", "jane")
    assert (jane["display"], jane["quota"], jane["tags"]) == ("Doe; Jane", 10 << 20, ["a", "b"])
    with platform(str(shell.folder)) as kit:
        assert kit.callers.of_password("jane", " secret ").name == "jane"  # a password is what stands there
    assert mailkit("check", "--data", str(shell.folder)).stdout == "0 errors, 0 notices\n"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"", "there is no username"),
        (b"\n\n", "there is no username"),
        (b"login,address\nx,y\n", "it has 'login'"),
        (b"username,username\nx,y\n", "it has username twice"),
        (b"address,name\nx,y\n", "there is no username"),
        (b'"username,address\nx,y\n', "a quote is not closed"),
        (b"\x7fELF\x02\x01\xff\xfe\x00", "it is not UTF-8"),
        (b"x" * 200_000, "it is longer than 65536 characters"),
    ],
)
def test_a_wrong_first_line_is_refused_whole(text: bytes, reason: str, tmp_path: Path) -> None:
    shell = Shell(tmp_path / "data")
    done = shell.run("user", "import", "-", stdin=text, expect=1)
    assert "The first line must name columns out of username, password" in done.stderr
    assert reason in done.stderr
    assert not shell.folder.exists()


def test_ready_hashes_are_taken_and_others_refused(tmp_path: Path) -> None:
    shell = Shell(tmp_path / "data")
    with platform() as kit:
        ready = kit.credentials.hash("moved along")
    rows = f'username,address,hashed\njane,jane@example.org,"{ready}"\nbob,bob@example.org,$1$nonsense\n'
    done = shell.run("user", "import", "-", "--json", stdin=rows, expect=1)
    assert told(done.stderr) == [(3, "bob", "secret.scheme")]
    with platform(str(shell.folder)) as kit:
        assert kit.callers.of_password("jane", "moved along").name == "jane"


def test_running_again_changes_nothing_of_those_who_are_there(tmp_path: Path) -> None:
    shell = Shell(tmp_path / "data")
    shell.run("user", "import", "-", stdin="username,address,password\njane,jane@example.org,first\n")
    again = shell.json("user", "import", "-", stdin="username,address,password\nJane,Jane@Example.org,second\n")
    assert again == {"made": 0, "present": 1, "failed": 0, "interrupted": False}
    with platform(str(shell.folder)) as kit:
        assert kit.callers.of_password("jane", "first").name == "jane"


FIRST, ALL = 300, 600


def rows(start: int, end: int) -> str:
    return "".join(f"user{n},user{n}@example.org\n" for n in range(start, end))


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL], ids=["ctrl-c", "kill"])
def test_what_was_stopped_in_the_middle_goes_on_when_run_again(how: signal.Signals, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    words = [sys.executable, "-m", "mailkit", "user", "import", "-", "--data", str(folder), "--json"]
    pipe = subprocess.PIPE
    with subprocess.Popen(words, env=environment(), stdin=pipe, stdout=pipe, stderr=pipe, text=True) as process:
        assert process.stdin is not None
        assert process.stderr is not None
        process.stdin.write(f"username,address\n{rows(0, FIRST)}bad line\n{rows(FIRST, ALL)}")
        process.stdin.flush()
        assert json.loads(process.stderr.readline())["line"] == FIRST + 2  # so far it is, and there may be more
        process.send_signal(how)
        said, _ = process.communicate(timeout=60)
    shell = Shell(folder)
    there = len(shell.lines("user", "list"))
    assert FIRST <= there <= ALL
    if how is signal.SIGINT:
        assert process.returncode == 130
        told = json.loads(said)
        assert told["interrupted"] is True
        assert there - 32 <= told["made"] <= there  # it may be interrupted while it is told of the last ones
    else:
        assert process.returncode == -signal.SIGKILL
    again = shell.json("user", "import", "-", stdin=f"username,address\n{rows(0, ALL)}")
    assert again == {"made": ALL - there, "present": there, "failed": 0, "interrupted": False}
    assert mailkit("check", "--data", str(folder)).stdout == "0 errors, 0 notices\n"


class _Swallowing:
    """What is raised while a destructor runs rises no further."""

    def __del__(self) -> None:
        signal.raise_signal(signal.SIGINT)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_interrupt_that_comes_amid_a_destructor_is_noted() -> None:
    before = signal.getsignal(signal.SIGINT)
    with interrupts() as came:
        assert not came
        _Swallowing()
        assert came == [signal.SIGINT]
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


def test_a_bar_is_shown_to_who_watches_with_the_failures_above_it(tmp_path: Path) -> None:
    file = tmp_path / "users.csv"
    with file.open("w", newline="") as text:
        writer = csv.writer(text)
        writer.writerows([["username", "address"], ["jane", "jane@example.org"], ["bob", "nonsense"]])
    with at_terminal(tmp_path / "data", "user", "import", str(file)) as terminal:
        assert terminal.end() == 1
    assert 'line 3 (bob): "address" must be a valid email' in terminal.seen
    assert "Users" in terminal.seen
    assert "100%" in terminal.seen
    assert "1 users added, 0 were there, 1 failed" in terminal.seen


@pytest.mark.soak
def test_memory_is_flat_over_100_000_rows(tmp_path: Path) -> None:
    file = tmp_path / "users.csv"
    file.write_text(f"username,address\n{rows(0, 100_000)}")
    words = [sys.executable, "-m", "mailkit", "user", "import", str(file), "--data", str(tmp_path / "data"), "--json"]
    with subprocess.Popen(words, env=environment(), stdout=subprocess.PIPE, text=True) as process:
        sizes: list[int] = []
        while process.poll() is None:
            status = Path(f"/proc/{process.pid}/status").read_text()
            sizes += [int(line.split()[1]) for line in status.splitlines() if line.startswith("RssAnon:")]
            try:
                process.wait(timeout=0.2)
            except subprocess.TimeoutExpired:
                pass
        assert process.stdout is not None
        assert json.loads(process.stdout.read())["made"] == 100_000
    early = max(sizes[: len(sizes) // 4])
    assert max(sizes) < early + 8 * 1024  # KiB
