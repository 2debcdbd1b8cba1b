"""Profiles for Apple's devices: what they say, what they are signed with, and when there is none."""

import plistlib
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, pkcs7

from mailkit import MailKit
from mailkit.credentials.passwords import Cost
from mailkit.errors import MailKitError
from mailkit.principals.records import Principal

SERVERS = {
    "mail.hostname": "mx.example.org",
    "profile.imap": "imap.example.org:993",
    "profile.pop3": "pop.example.org:995",
    "profile.smtp": "smtp.example.org:465",
}
SECRET = "abcdefghijklmnop"


def platform(**more: str) -> MailKit:
    return MailKit.open("memory:", settings={**SERVERS, **more}, password_cost=Cost(8, 1))


@pytest.fixture
def kit() -> Iterator[MailKit]:
    with platform() as opened:
        yield opened


def made(kit: MailKit, scopes: tuple[str, ...] = ("*",)) -> bytes:
    alice = kit.principals.find_name("alice") or kit.accounts.create("alice", address="alice@example.org", display="A.")
    return kit.access.profiles.make(alice, address="alice@example.org", password=SECRET, scopes=scopes)


def test_a_profile_sets_up_both_servers(kit: MailKit) -> None:
    profile = plistlib.loads(made(kit))
    (mail,) = profile["PayloadContent"]
    alice = kit.principals.by_name("alice")
    assert (profile["PayloadType"], profile["PayloadVersion"]) == ("Configuration", 1)
    assert profile["PayloadIdentifier"] == f"org.example.mx.{alice.id}"
    assert mail["PayloadType"] == "com.apple.mail.managed"
    assert profile["PayloadUUID"] != mail["PayloadUUID"]
    expected = {
        "EmailAccountType": "EmailTypeIMAP",
        "EmailAddress": "alice@example.org",
        "EmailAccountName": "A.",
        "IncomingMailServerHostName": "imap.example.org",
        "IncomingMailServerPortNumber": 993,
        "IncomingMailServerUseSSL": True,
        "IncomingMailServerUsername": "alice",
        "IncomingMailServerAuthentication": "EmailAuthPassword",
        "IncomingPassword": SECRET,
        "OutgoingMailServerHostName": "smtp.example.org",
        "OutgoingMailServerPortNumber": 465,
        "OutgoingMailServerUseSSL": True,
        "OutgoingMailServerUsername": "alice",
        "OutgoingPassword": SECRET,
    }
    assert {name: mail[name] for name in expected} == expected


def test_pop3_is_set_up_where_there_is_no_imap(kit: MailKit) -> None:
    (mail,) = plistlib.loads(made(kit, ("pop3", "smtp")))["PayloadContent"]
    assert (mail["EmailAccountType"], mail["IncomingMailServerHostName"]) == ("EmailTypePOP", "pop.example.org")


@pytest.mark.parametrize(
    ("scopes", "without", "code"),
    [
        (("imap",), "", "asp.profile_scopes"),
        (("smtp",), "", "asp.profile_scopes"),
        (("*",), "profile.smtp", "profile.not_configured"),
        (("imap", "smtp"), "profile.imap", "profile.not_configured"),
    ],
)
def test_without_a_server_or_its_scope_there_is_none(scopes: tuple[str, ...], without: str, code: str) -> None:
    with platform(**({without: "off"} if without else {})) as kit, pytest.raises(MailKitError) as refused:
        made(kit, scopes)
    assert refused.value.code == code


def test_nothing_in_a_name_breaks_out_of_the_profile(kit: MailKit) -> None:
    name = "</string><key>x</key> & \u00e9"
    row = kit.accounts.create("bob", address="bob@example.org", display=name)
    profile = kit.access.profiles.make(row, address="bob@example.org", password=SECRET, scopes=("*",))
    (mail,) = plistlib.loads(profile)["PayloadContent"]
    assert mail["EmailAccountName"] == name


def certificate(key: Any) -> bytes:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "mail")])
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .sign(key, hashes.SHA256())
        .public_bytes(Encoding.PEM)
    )


def pem(key: Any) -> bytes:
    data: bytes = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return data


@pytest.mark.parametrize("kind", ["rsa", "ec"])
@pytest.mark.parametrize("files", ["one", "two"])
def test_a_signed_profile_is_verified_by_others(tmp_path: Path, kind: str, files: str) -> None:
    key: Any = rsa.generate_private_key(65537, 2048) if kind == "rsa" else ec.generate_private_key(ec.SECP256R1())
    own, private = tmp_path / "certificate.pem", tmp_path / "key.pem"
    own.write_bytes(certificate(key) + (pem(key) if files == "one" else b""))
    private.write_bytes(pem(key))
    settings = {"profile.certificate": str(own), **({"profile.key": str(private)} if files == "two" else {})}
    with platform(**settings) as kit:
        signed = made(kit)
    assert [found.public_key() for found in pkcs7.load_der_pkcs7_certificates(signed)] == [key.public_key()]
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("needs openssl")
    (tmp_path / "profile").write_bytes(signed)
    command = [openssl, "cms", "-verify", "-inform", "DER", "-in", str(tmp_path / "profile"), "-CAfile", str(own)]
    done = subprocess.run([*command, "-purpose", "any"], capture_output=True, check=True)
    (mail,) = plistlib.loads(done.stdout)["PayloadContent"]
    assert mail["IncomingPassword"] == SECRET


@pytest.mark.parametrize("what", ["another key", "garbage", "no such file"])
def test_a_signer_that_cannot_sign_is_named(tmp_path: Path, what: str) -> None:
    key, other = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    path = tmp_path / "c.pem"
    if what != "no such file":
        path.write_bytes(b"garbage" if what == "garbage" else certificate(key) + pem(other))
    with platform(**{"profile.certificate": str(path)}) as kit, pytest.raises(MailKitError) as refused:
        made(kit)
    assert refused.value.code == ("profile.unreadable" if what == "no such file" else "profile.signer")


def test_the_operation_answers_with_the_profile_of_a_password_that_works(kit: MailKit) -> None:
    import asyncio
    import base64

    import httpx2

    from mailkit.accounts.login import Attempt
    from mailkit.http import build_app

    alice: Principal = kit.accounts.create("alice", address="alice@example.org")
    token = kit.credentials.issue_token("wd/root", now=kit.clock())

    async def ask() -> Any:
        transport = httpx2.ASGITransport(app=build_app(kit))
        async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client:
            body = {"description": "iPhone", "generateMobileconfig": True}
            return (await client.post(f"/users/{alice.id}/asps", json=body, headers={"X-Access-Token": token})).json()

    answer = asyncio.run(ask())
    assert (answer["success"], answer["name"], answer["address"]) == (True, "alice", "alice@example.org")
    (mail,) = plistlib.loads(base64.b64decode(answer["mobileconfig"]))["PayloadContent"]
    assert mail["IncomingPassword"] == answer["password"]
    assert kit.login.authenticate(Attempt("alice", answer["password"], scope="smtp")).source == "asp"
