"""What the REST dialects say of encryption that a conversation cannot: missing extras, texts that were shown."""

import sys

import pytest

from mailkit import MailKit
from mailkit.principals.mail_keys import mail_keys
from mailkit.principals.records import Principal
from tests.accounts.test_limits import ask
from tests.encryption import keys
from tests.encryption.mail import account, after_prepare, switch

CRYPTO = "/api/account/crypto"


def as_owner(kit: MailKit, row: Principal) -> dict[str, str]:
    """What the account's owner sends."""
    row = kit.principals.get(row.number)
    token = kit.credentials.issue_token("user", now=kit.clock(), owner=row.number, auth_version=row.auth_version)
    return {"Authorization": f"Bearer {token}", "X-Access-Token": ""}


@pytest.mark.parametrize("owner", [keys.openpgp(), keys.smime()], ids=["openpgp", "smime"])
def test_what_was_shown_can_be_sent_back(kit: MailKit, owner: keys.Owner) -> None:
    alice = switch(kit, account(kit), owner)
    headers = as_owner(kit, alice)
    shown = ask(kit, "GET", CRYPTO, headers=headers).json()["data"]
    assert shown["certs"].startswith("-----STALWART CERTIFICATE-----\n")
    assert owner.text[40:80] not in shown["certs"]
    assert ask(kit, "POST", CRYPTO, headers=headers, json={"type": "disabled"}).json() == {"data": None}
    assert ask(kit, "POST", CRYPTO, headers=headers, json=shown).json() == {"data": 1}
    assert ask(kit, "GET", CRYPTO, headers=headers).json()["data"] == shown
    assert mail_keys(kit.principals.get(alice.number).profile).keys == keys.keys_of(owner)


def test_several_keys_are_counted_and_a_private_key_beside_a_certificate_is_not_kept(kit: MailKit) -> None:
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    headers = as_owner(kit, account(kit))
    secret = rsa.generate_private_key(65537, 2048).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    certs = secret.decode() + keys.smime().text + keys.smime("Other").text
    asked = {"type": "sMIME", "algo": "Aes256", "certs": certs}
    assert ask(kit, "POST", CRYPTO, headers=headers, json=asked).json() == {"data": 2}
    profile = kit.principals.find_login("alice").profile  # type: ignore[union-attr]
    assert profile is not None
    assert "PRIVATE" not in str(profile)


def test_without_the_library_a_switch_on_names_the_extra_and_nothing_changes(
    kit: MailKit, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = account(kit)
    monkeypatch.setitem(sys.modules, "pysequoia", None)
    box = kit.mailstore.mailbox(alice.number, "INBOX")
    path = f"/users/{alice.id}"
    for method, where, body in (
        ("POST", "/users", {"username": "bob", "password": "", "encryptMessages": True}),
        ("POST", "/users", {"username": "bob", "password": "", "encryptForwarded": True}),
        ("POST", "/users", {"username": "bob", "password": "", "pubKey": keys.openpgp().text}),
        ("PUT", path, {"encryptMessages": True}),
        ("PUT", path, {"encryptForwarded": True}),
        ("PUT", path, {"pubKey": keys.openpgp().text}),
        ("POST", f"{path}/mailboxes", {"path": "Vault", "encryptMessages": True}),
        ("PUT", f"{path}/mailboxes/{box.id}", {"encryptMessages": True}),
    ):
        refused = ask(kit, method, where, json=body)
        assert (refused.status_code, refused.json()["code"]) == (501, "NotSupported"), where
        assert "mailkit-platform[openpgp]" in refused.json()["error"]
    asked = {"type": "pGP", "algo": "Aes256", "certs": keys.openpgp().text}
    refused = ask(kit, "POST", CRYPTO, headers=as_owner(kit, alice), json=asked)
    assert refused.json()["error"] == "unsupported"
    assert "mailkit-platform[openpgp]" in refused.json()["details"]
    assert kit.principals.find_login("bob") is None
    assert kit.principals.get(alice.number) == alice
    assert kit.mailstore.mailbox(alice.number, "INBOX") == box
    # switching off needs nothing, and neither does S/MIME
    assert ask(kit, "PUT", path, json={"encryptMessages": False, "pubKey": ""}).status_code == 200
    switch(kit, alice, keys.smime())
    assert ask(kit, "PUT", path, json={"encryptMessages": True}).status_code == 200
    made = ask(kit, "POST", f"{path}/mailboxes", json={"path": "Vault", "encryptMessages": True})
    assert made.status_code == 200


def test_an_upload_that_cannot_be_encrypted_is_refused(kit: MailKit, monkeypatch: pytest.MonkeyPatch) -> None:
    alice = account(kit, owner=keys.openpgp())
    box = kit.mailstore.mailbox(alice.number, "INBOX")
    path = f"/users/{alice.id}/mailboxes/{box.id}/messages"
    monkeypatch.setitem(sys.modules, "pysequoia", None)
    refused = ask(kit, "POST", path, json={"text": "secret"})
    assert (refused.status_code, refused.json()["code"]) == (501, "NotSupported")
    switch(kit, alice, keys.Owner(keys.signing_key(), bytes))
    monkeypatch.undo()
    refused = ask(kit, "POST", path, json={"text": "secret"})
    assert (refused.status_code, refused.json()["code"]) == (500, "InternalDatabaseError")
    assert "No suitable encryption subkey" in refused.json()["error"]
    assert kit.mailstore.list(alice.number).total == 0
    assert ask(kit, "POST", path, json={"text": "secret", "draft": True}).status_code == 200


def test_a_switch_while_an_upload_is_prepared_makes_it_be_prepared_again(
    kit: MailKit, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = account(kit)
    box = kit.mailstore.mailbox(alice.number, "INBOX")
    owners = [keys.smime()]
    after_prepare(kit, monkeypatch, lambda: owners and switch(kit, alice, owners.pop()))
    path = f"/users/{alice.id}/mailboxes/{box.id}/messages"
    assert ask(kit, "POST", path, json={"subject": "x", "text": "secret"}).status_code == 200
    sealed = kit.mailstore.source(alice.number, "INBOX", 1)
    assert b"secret" in keys.smime().opened(sealed)


def test_an_expired_key_is_not_taken_for_a_user(kit: MailKit) -> None:
    alice = account(kit)
    text = keys.expired_key()
    taken = ask(kit, "PUT", f"/users/{alice.id}", json={"pubKey": text})  # the clock is years before the key's end
    assert taken.status_code == 200
    kit.clock.advance(days=3650)  # type: ignore[attr-defined]
    refused = ask(kit, "PUT", f"/users/{alice.id}", json={"pubKey": text})
    assert refused.status_code == 400
    assert "has expired" in refused.json()["details"]["pubKey"]
