"""The fixtures that test writers get."""

import smtplib

import httpx2
import pytest

from mailkit import MailKit
from mailkit.testing.platform import Server


def test_server_takes_mail_and_shows_it_in_both_dialects(mail_server: Server) -> None:
    alice = mail_server.kit.accounts.create("alice", address="alice@example.org")
    with smtplib.LMTP(*mail_server.lmtp) as client:
        client.sendmail("shop@example.net", ["alice@example.org"], b"Subject: Your receipt\r\n\r\n9.90\r\n")
    token = mail_server.token()
    with httpx2.Client(base_url=mail_server.http) as web:
        shown = web.get(f"/users/{alice.id}", headers={"X-Access-Token": token}).json()
        assert shown["limits"]["quota"]["used"] > 0
        principal = web.get("/api/principal/alice", headers={"Authorization": f"Bearer {token}"}).json()
        assert principal["data"]["emails"] == ["alice@example.org"]


@pytest.mark.parametrize("time", [1, 2])
def test_every_test_has_a_platform_of_its_own(mail_platform: MailKit, time: int) -> None:
    assert mail_platform.principals.count("individual") == 0
    mail_platform.accounts.create("alice", address="alice@example.org")
