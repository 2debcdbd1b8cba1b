"""Real processes: the server as an operator starts it."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from attrs import define
from click.testing import CliRunner

from mailkit.cli import build

SRC = Path(__file__).parents[2] / "src"


def environment() -> dict[str, str]:
    """This process's, with our source first and no settings of whoever runs the tests."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MAILKIT_")}
    return {**kept, "PYTHONPATH": str(SRC)}


def in_process(*words: str, check: bool = True, **more: str) -> subprocess.CompletedProcess[str]:
    """Runs the command in a process of its own and returns what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "mailkit", *words],
        env={**environment(), **more},
        capture_output=True,
        text=True,
        timeout=60,
        stdin=subprocess.DEVNULL,
    )
    return _checked(done) if check else done


def mailkit(*words: str, check: bool = True, **more: str) -> subprocess.CompletedProcess[str]:
    """Runs the command here and returns what it printed."""
    settings = {name: None for name in os.environ if name.startswith("MAILKIT_")} | more
    done = CliRunner().invoke(build(), words, env=settings, prog_name="mailkit")
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    found = subprocess.CompletedProcess(["mailkit", *words], done.exit_code, done.stdout, done.stderr)
    return _checked(found) if check else found


def _checked(done: subprocess.CompletedProcess[str]) -> subprocess.CompletedProcess[str]:
    if done.returncode:
        raise AssertionError(f"{' '.join(done.args)}: {done.returncode}\n{done.stdout}{done.stderr}")
    return done


def free_port() -> int:
    """A TCP port of loopback that was free just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@define
class Server:
    """A running `mailkit serve`."""

    data: Path
    process: subprocess.Popen[str]
    lmtp: int
    http: int

    def children(self) -> list[int]:
        """Process ids of the server's children."""
        listed = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [int(word) for word in listed.split()]

    def stop(self) -> int:
        """SIGTERM, and the exit status."""
        self.process.send_signal(signal.SIGTERM)
        self.process.communicate(timeout=40)
        return self.process.returncode

    def kill(self) -> None:
        """SIGKILL to every process at once: what a power cut leaves."""
        for pid in [*self.children(), self.process.pid]:
            os.kill(pid, signal.SIGKILL)
        self.process.communicate(timeout=10)


def start(data: Path, *options: str, http: bool = False) -> Server:
    """Starts a server and waits until it says that it is ready."""
    lmtp, web = free_port(), free_port()
    where = f"127.0.0.1:{web}" if http else "off"
    command = [sys.executable, "-m", "mailkit", "serve", "--data", str(data), "--lmtp", f"127.0.0.1:{lmtp}"]
    process = subprocess.Popen(
        [*command, "--http", where, *options],
        env=environment(),
        stderr=subprocess.PIPE,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    assert process.stderr is not None
    said = []
    for line in process.stderr:
        said.append(line)
        if "is ready" in line:
            break
    else:
        raise AssertionError("".join(said))
    return Server(data, process, lmtp, web)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder with the user alice@example.org."""
    folder = tmp_path / "data"
    mailkit("user", "add", "alice", "--data", str(folder), "--address", "alice@example.org", "--no-password")
    return folder


@pytest.fixture
def server(data: Path) -> Iterator[Server]:
    """A server on that folder, with LMTP only."""
    running = start(data)
    yield running
    if running.process.poll() is None:
        running.kill()
    assert running.process.stderr is not None
    running.process.stderr.close()


def wait_for(condition: object, seconds: float = 10) -> None:
    """Polls a callable until it is true."""
    assert callable(condition)
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come true in time"
        time.sleep(0.05)
