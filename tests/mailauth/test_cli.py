"""`mailkit auth`, called as a user calls it."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from mailkit.cli.auth import auth
from mailkit.mailauth.dkim import Signer, load_private_key, public_record, sign_bytes

SEED = bytes(range(32))
ZONE = {
    "sel._domainkey.example.org": {"TXT": public_record(load_private_key(SEED))},
    "example.org": {"TXT": ["v=spf1 ip4:192.0.2.0/24 -all exp=why.example.org"]},
    "why.example.org": "\x1b[31mno %{i}",
    "_dmarc.example.org": "v=DMARC1; p=reject; sp=none",
    "1.2.0.192.in-addr.arpa": {"PTR": "mx.example.org"},
    "mx.example.org": {"A": "192.0.2.1"},
}


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str]:
    raw = sign_bytes(
        b"From: ann@example.org\nSubject: x\n\nhello\n", [Signer("example.org", "sel", SEED)], now=1_700_000_000_000
    )
    (tmp_path / "m.eml").write_bytes(raw)
    (tmp_path / "zone.json").write_text(json.dumps(ZONE))
    return str(tmp_path / "m.eml"), str(tmp_path / "zone.json")


def call(*arguments: str, code: int = 0, stdin: bytes | None = None) -> str:
    result = CliRunner().invoke(auth, arguments, input=stdin)
    assert result.exit_code == code, result.output
    return str(result.output)


def read(*arguments: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(call(*arguments, "--json"))
    return found


def test_json_gives_each_result_with_its_reason(files: tuple[str, str]) -> None:
    message, zone = files
    found = read(message, "--dns", zone, "--ip", "192.0.2.1", "--mail-from", "<ann@example.org>", "--now", "1700000000")
    assert {name: found[name]["result"] for name in ("spf", "arc", "dmarc", "iprev")} == {
        "spf": "pass",
        "arc": "none",
        "dmarc": "pass",
        "iprev": "pass",
    }
    assert [one["result"] for one in found["dkim"]] == ["pass"]
    assert all(one["reason"] for one in (*found["dkim"], found["spf"], found["arc"], found["dmarc"], found["iprev"]))


def test_without_an_address_spf_and_iprev_are_none(files: tuple[str, str]) -> None:
    message, zone = files
    found = read(message, "--dns", zone, "--method", "rfc7489")
    assert found["spf"]["result"] == found["iprev"]["result"] == "none"
    assert found["dmarc"]["result"] == "pass"
    assert found["dmarc"]["method"] == "rfc7489"


def test_an_unsigned_message_says_so(files: tuple[str, str], tmp_path: Path) -> None:
    (tmp_path / "bare.eml").write_bytes(b"From: a@sub.example.org\r\n\r\n")
    found = read(str(tmp_path / "bare.eml"), "--dns", files[1])
    assert [one["result"] for one in found["dkim"]] == ["none"]
    assert (found["dmarc"]["result"], found["dmarc"]["policy"]) == ("fail", "none")


def test_the_report_is_readable_and_cannot_drive_the_terminal(files: tuple[str, str]) -> None:
    message, zone = files
    text = call(message, "--dns", zone, "--ip", "203.0.113.1", "--mail-from", "x@example.org", "--compare")
    assert "spf      fail" in text
    assert "explanation: " in text
    assert "\x1b" not in text
    assert "compare  RFC 9989 and RFC 7489 agree" in text


def test_the_time_may_be_written_as_a_date_and_the_message_piped(files: tuple[str, str]) -> None:
    raw = Path(files[0]).read_bytes()
    found = json.loads(call("-", "--dns", files[1], "--now", "2023-11-14T22:13:20Z", "--json", stdin=raw))
    assert found["dkim"][0]["result"] == "pass"


@pytest.mark.parametrize("arguments", [["--ip", "nowhere"], ["--now", "soon"], ["--dns", "/nonexistent"]])
def test_bad_arguments_are_explained(files: tuple[str, str], arguments: list[str]) -> None:
    result = CliRunner().invoke(auth, [files[0], "--dns", files[1], *arguments])
    assert result.exit_code != 0
    assert "Error" in result.output


def test_importing_the_package_loads_no_heavy_library() -> None:
    code = (
        "import sys, mailkit.mailauth, mailkit.mailauth.report, mailkit.mailauth.dane, mailkit.mailauth.resolvers.live;"
        "print([m for m in ('dns', 'cryptography', 'publicsuffixlist', 'yaml', 'idna', 'asyncio') if m in sys.modules])"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.strip() == "[]"
