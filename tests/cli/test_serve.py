"""`mailkit serve` as an operator meets it."""

import json
import os
import signal
import smtplib
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from mailkit import MailKit
from tests.cli.conftest import Server, environment, free_port, mailkit, start, wait_for

MESSAGE = b"From: bob@example.net\r\nSubject: %d\r\n\r\nhello\r\n"


def deliver(server: Server, numbers: range, acknowledged: list[int]) -> None:
    try:
        with smtplib.LMTP("127.0.0.1", server.lmtp, timeout=20) as client:
            for number in numbers:
                client.sendmail("bob@example.net", ["alice@example.org"], MESSAGE % number)
                acknowledged.append(number)
    except (smtplib.SMTPException, OSError):
        pass  # the server was killed under us


def subjects(data: Path) -> list[int]:
    with MailKit.open(data) as kit:
        alice = kit.principals.by_name("alice")
        page = kit.mailstore.list(alice.id, limit=100_000)
        return [int(entry.row.subject) for entry in page.items]


def test_mail_goes_in_over_lmtp_and_each_recipient_is_answered(server: Server) -> None:
    with smtplib.LMTP("127.0.0.1", server.lmtp) as client:
        refused = client.sendmail("bob@example.net", ["alice@example.org", "who@example.org"], MESSAGE % 1)
    assert refused == {"who@example.org": (550, b"5.1.1 There is no such address here")}
    assert server.stop() == 0
    assert subjects(server.data) == [1]
    assert mailkit("check", "--data", str(server.data)).stdout == "0 errors, 0 notices\n"


def test_acknowledged_mail_survives_a_power_cut(server: Server) -> None:
    acknowledged: list[int] = []
    senders = [
        threading.Thread(target=deliver, args=(server, range(first, first + 10_000), acknowledged))
        for first in range(0, 40_000, 10_000)
    ]
    for sender in senders:
        sender.start()
    wait_for(lambda: len(acknowledged) > 200, 30)
    server.kill()
    for sender in senders:
        sender.join()
    stored = subjects(server.data)
    assert set(acknowledged) <= set(stored)
    assert len(stored) == len(set(stored)) <= len(acknowledged) + len(senders)
    found = mailkit("check", "--data", str(server.data), "--json", check=False)
    assert [line for line in found.stdout.splitlines() if json.loads(line)["level"] == "error"] == []


def test_a_crashed_child_is_started_again(server: Server) -> None:
    (child,) = server.children()
    os.kill(child, signal.SIGKILL)

    def works() -> bool:
        try:
            with smtplib.LMTP("127.0.0.1", server.lmtp, timeout=5) as client:
                return client.noop()[0] == 250
        except (OSError, smtplib.SMTPException):
            return False

    wait_for(lambda: server.children() not in ([], [child]) and works(), 20)
    assert server.stop() == 0


def test_children_end_when_their_supervisor_is_killed(server: Server) -> None:
    (child,) = server.children()
    os.kill(server.process.pid, signal.SIGKILL)
    server.process.wait(10)
    wait_for(
        lambda: not Path(f"/proc/{child}").exists() or "Z" in Path(f"/proc/{child}/stat").read_text().split()[2], 20
    )


def test_a_taken_port_is_an_error_that_names_the_setting(data: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = mailkit("serve", "--data", str(data), "--http", "off", "--lmtp", f"127.0.0.1:{port}", check=False)
    assert done.returncode == 1
    assert f"lmtp.listen: cannot listen on 127.0.0.1:{port}" in done.stderr


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("MAILKIT_LMPT_LISTEN", "x", "MAILKIT_LMPT_LISTEN is not a setting; did you mean MAILKIT_LMTP_LISTEN?"),
        ("MAILKIT_HTTP_WORKERS", "many", "MAILKIT_HTTP_WORKERS"),
    ],
)
def test_wrong_settings_are_named(data: Path, variable: str, value: str, said: str) -> None:
    done = mailkit("serve", "--data", str(data), check=False, **{variable: value})
    assert done.returncode == 1
    assert said in done.stderr


def test_typo_in_the_file_names_the_right_key(data: Path, tmp_path: Path) -> None:
    config = tmp_path / "mailkit.toml"
    config.write_text('[lmtp]\nlissen = "127.0.0.1:2424"\n')
    done = mailkit("serve", "--data", str(data), "--config", str(config), check=False)
    assert done.returncode == 1
    assert "lmtp.lissen is not a setting; did you mean lmtp.listen?" in done.stderr


def test_memory_store_cannot_be_served() -> None:
    done = mailkit("serve", "--data", "memory:", "--http", "off", check=False)
    assert done.returncode == 1
    assert "cannot be shared" in done.stderr


def test_backup_while_mail_flows_is_whole(server: Server, tmp_path: Path) -> None:
    acknowledged: list[int] = []
    sender = threading.Thread(target=deliver, args=(server, range(400), acknowledged))
    sender.start()
    wait_for(lambda: len(acknowledged) > 20)
    before = set(acknowledged)
    mailkit("backup", str(server.data), str(tmp_path / "copy"))
    sender.join()
    assert server.stop() == 0
    copied = subjects(tmp_path / "copy")
    assert before <= set(copied)
    assert mailkit("check", "--data", str(tmp_path / "copy")).returncode == 0
    again = mailkit("backup", str(server.data), str(tmp_path / "copy"), check=False)
    assert again.returncode == 1
    assert "is not empty" in again.stderr


def test_an_open_server_listens_on_this_machine_only(data: Path) -> None:
    for host in ("0.0.0.0", "[::]", "192.0.2.1"):
        done = mailkit("serve", "--data", str(data), "--open", "--http", f"{host}:0", check=False)
        assert done.returncode == 1
        assert "http.open asks for no credentials" in done.stderr


def test_a_password_from_the_environment_is_on_no_command_line(data: Path) -> None:
    port = free_port()
    words = [sys.executable, "-m", "mailkit", "serve", "--http", "off", "--lmtp", f"127.0.0.1:{port}"]
    named = {**environment(), "MAILKIT_STORE": str(data)}
    process = subprocess.Popen(words, env=named, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        assert "mailkit is ready" in process.stderr.readline()
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        assert children
        assert not [pid for pid in children if str(data) in Path(f"/proc/{pid}/cmdline").read_text()]
    finally:
        process.terminate()
        assert process.wait(40) == 0
        process.stderr.close()


def test_mail_goes_in_through_any_of_several_workers(data: Path) -> None:
    server = start(data, "--workers", "2")
    assert len(server.children()) == 3
    acknowledged: list[int] = []
    senders = [
        threading.Thread(target=deliver, args=(server, range(first, first + 10), acknowledged))
        for first in range(0, 80, 10)
    ]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    assert server.stop() == 0
    assert sorted(subjects(server.data)) == sorted(acknowledged) == list(range(80))


def test_no_secret_of_a_request_is_in_what_the_server_process_prints(data: Path) -> None:
    """Tokens in queries and fields, codes, passwords, in requests that succeed, fail and are none."""
    import base64
    import urllib.error
    import urllib.request

    with MailKit.open(data) as kit:
        token = kit.credentials.issue_token("wd/root", now=kit.clock())
    server = start(data, http=True)
    base, secret = f"http://127.0.0.1:{server.http}", "s3cret-of-a-request"
    basic = base64.b64encode(f"alice:{secret}".encode()).decode()
    asked: list[tuple[str, dict[str, str], bytes | None]] = [
        (f"/users?accessToken={token}", {}, None),
        (f"/users?accessToken={secret}", {}, None),
        (f"/nowhere?accessToken={token}", {}, None),
        (f"/api/principal?token={secret}", {"Authorization": f"Bearer {secret}"}, None),
        ("/api/principal", {"Authorization": f"Basic {basic}"}, None),
        (f"/authorize?client_id=x&code={secret}", {}, None),
        ("/auth/token", {}, f"grant_type=refresh_token&refresh_token={secret}".encode()),
        ("/authenticate", {"X-Access-Token": token}, json.dumps({"username": "alice", "password": secret}).encode()),
    ]
    for path, headers, body in asked:
        try:
            urllib.request.urlopen(urllib.request.Request(base + path, body, headers), timeout=20).close()
        except urllib.error.HTTPError as refused:
            refused.close()
    with socket.create_connection(("127.0.0.1", server.http), timeout=20) as raw:
        raw.sendall(f"GET /users?accessToken={secret} NOT-HTTP\r\n\r\n".encode())
        raw.recv(1000)
    server.process.send_signal(signal.SIGTERM)
    _, printed = server.process.communicate(timeout=40)
    assert server.process.returncode == 0
    for each in (token, secret, basic):
        assert each not in printed
