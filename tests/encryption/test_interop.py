"""Other programs read what is encrypted here: GnuPG and OpenSSL."""

import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from mailkit import MailKit
from mailkit.mime.parse import parse
from tests.encryption import keys
from tests.encryption.mail import INSIDE, RAW, account, stored

pytestmark = pytest.mark.interop


def run(*command: str, data: bytes = b"") -> bytes:
    return subprocess.run(command, input=data, capture_output=True, check=True, timeout=60).stdout


@pytest.mark.skipif(shutil.which("gpg") is None, reason="GnuPG is not installed")
@pytest.mark.parametrize("kind", ["future-default", "rsa3072"])
def test_gnupg_reads_mail_that_is_encrypted_for_its_key(kit: MailKit, tmp_path: Path, kind: str) -> None:
    home = tmp_path / "gnupg"
    home.mkdir(mode=0o700)
    gpg = ("gpg", "--homedir", str(home), "--batch", "--pinentry-mode", "loopback", "--passphrase", "")
    name = "Jane Doe <jane@example.org>"
    try:
        if kind == "rsa3072":
            made = "Key-Type: RSA\nKey-Length: 3072\nSubkey-Type: RSA\nSubkey-Length: 3072\nName-Email: j@example.org\n"
            run(*gpg, "--gen-key", data=f"%no-protection\n{made}%commit\n".encode())
        else:
            run(*gpg, "--quick-gen-key", name, kind)
        public = run(*gpg, "--armor", "--export", "@example.org").decode()
        alice = account(kit, owner=keys.Owner(public, bytes))
        raw = RAW + bytes(range(11, 256)) + b"\r\n"
        kit.delivery.accept(raw, mail_from="", rcpt_to=["alice@example.org"])
        armored = stored(kit, alice).scan.root.children[1].raw_body
        assert run(*gpg, "--decrypt", data=armored) == INSIDE + raw.removeprefix(RAW)
    finally:
        subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "all"], check=False, timeout=60)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="OpenSSL is not installed")
def test_openssl_reads_the_whole_message(kit: MailKit, tmp_path: Path) -> None:
    key = rsa.generate_private_key(65537, 2048)
    text = keys.pem(keys.certificate(key))
    (tmp_path / "cert.pem").write_text(text)
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "key.pem").write_bytes(secret)
    alice = account(kit, owner=keys.Owner(text, bytes))
    kit.delivery.accept(RAW, mail_from="", rcpt_to=["alice@example.org"])
    source = kit.mailstore.source(alice.number, "INBOX", 1)
    where = ("-recip", str(tmp_path / "cert.pem"), "-inkey", str(tmp_path / "key.pem"))
    opened = run("openssl", "smime", "-decrypt", *where, data=source)
    assert opened == INSIDE
    assert parse(opened).text == "the secret word is xylophone"
