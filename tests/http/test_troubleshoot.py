"""POST /api/troubleshoot/dmarc on a zone, and the whole server on one."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from mailkit import MailKit
from mailkit.credentials.passwords import Cost
from mailkit.http import build_app

ZONE = """
example.com: {TXT: ["v=spf1 ip4:192.0.2.0/24 -all"]}
_dmarc.example.com: {TXT: ["v=DMARC1; p=reject"]}
1.2.0.192.in-addr.arpa: {PTR: [mx.example.com]}
mx.example.com: {A: ["192.0.2.1"]}
"""
ASKED = {"remoteIp": "192.0.2.1", "ehloDomain": "mx.example.com", "mailFrom": "joe@example.com"}


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    zone = tmp_path / "zone.yml"
    zone.write_text(ZONE)
    with MailKit.open("memory:", settings={"dns.zone": str(zone)}, password_cost=Cost(8, 1)) as kit:
        kit.accounts.create("root", no_address=True, password="pw", roles=("admin",))
        kit.accounts.create("user", no_address=True, password="pw")
        with TestClient(build_app(kit), base_url="http://localhost") as made:
            yield made


def ask(client: TestClient, body: Any, user: str = "root") -> Any:
    return client.post("/api/troubleshoot/dmarc", json=body, auth=(user, "pw")).json()


def test_aligned_mail_passes(client: TestClient) -> None:
    told = ask(client, ASKED)["data"]
    assert (told["spfMailFromResult"], told["dmarcResult"]) == ({"type": "pass"}, {"type": "pass"})
    assert (told["dmarcPass"], told["dmarcPolicy"], told["ipRevPtr"]) == (True, "reject", ["mx.example.com."])
    assert (told["spfEhloDomain"], told["spfEhloResult"]) == ("mx.example.com", {"type": "none"})
    assert (told["dkimResults"], told["dkimPass"], told["arcResult"]) == ([], False, {"type": "none"})


def test_mail_from_elsewhere_fails_with_reasons(client: TestClient) -> None:
    told = ask(client, {**ASKED, "remoteIp": "198.51.100.1"})["data"]
    assert told["spfMailFromResult"]["type"] == "fail"
    assert "-all" in told["spfMailFromResult"]["details"]
    assert (told["dmarcResult"]["type"], told["dmarcPass"]) == ("fail", False)
    assert told["ipRevResult"]["type"] == "permError"


def test_the_body_counts_when_there_is_one(client: TestClient) -> None:
    told = ask(client, {**ASKED, "body": "From: x@other.example\nSubject: hi\n\nhello\n"})["data"]
    assert told["dmarcResult"]["type"] == "none"
    assert told["dmarcPolicy"] == "unspecified"


def test_mail_from_without_a_domain_is_postmaster_at_the_ehlo_name(client: TestClient) -> None:
    assert ask(client, {**ASKED, "mailFrom": ""})["data"]["spfMailFromDomain"] == "mx.example.com"


def test_a_body_that_is_no_message_is_told_as_the_reference_does(client: TestClient) -> None:
    assert ask(client, {**ASKED, "body": "no header"}) == {
        "error": "other",
        "details": "Invalid message body",
        "reason": "Failed to parse message body",
    }


@pytest.mark.parametrize(
    ("body", "field"), [({**ASKED, "remoteIp": "x"}, "remoteIp"), ({"remoteIp": "::1"}, "ehloDomain")]
)
def test_bad_input_names_the_field(client: TestClient, body: Any, field: str) -> None:
    told = ask(client, body)
    assert told["status"] == 400
    assert field in {problem["field"] for problem in told["errors"]}


def test_it_needs_the_permission(client: TestClient) -> None:
    assert ask(client, ASKED, "user")["status"] == 403
    assert client.post("/api/troubleshoot/dmarc", json=ASKED).status_code == 401
