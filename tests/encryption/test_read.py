"""Keys that somebody gives: what is taken, and why not."""

import datetime as dt
from contextlib import suppress

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from mailkit.encryption.demand import CLEAR, AccountKeys, demand
from mailkit.encryption.keys import Keys, Method
from mailkit.encryption.pem import blocks
from mailkit.encryption.read import LONGEST, read_keys
from mailkit.errors import Invalid
from tests.encryption import keys

NOW = dt.datetime.now(dt.UTC)
LATER = NOW + dt.timedelta(days=1)


def refusal(text: str, method: Method, now: dt.datetime = LATER) -> str:
    with pytest.raises(Invalid) as refused:
        read_keys(text, method, now=now)
    assert refused.value.code == "certificates.invalid"
    return refused.value.message


def test_keys_are_counted_and_other_blocks_left_out() -> None:
    one, two = keys.openpgp().text, keys.openpgp("Other <o@example.org>").text
    given = read_keys(f"\n {one} between\n{two}", "openpgp", now=LATER)
    assert given.count == 2
    cert = keys.smime().text
    secret = rsa.generate_private_key(65537, 2048).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    bundle = read_keys(secret.decode() + cert + cert.replace("\n", "\r\n"), "smime", cipher="aes128", now=LATER)
    assert (bundle.count, bundle.keys.cipher, bundle.keys.method) == (2, "aes128", "smime")
    assert "PRIVATE" not in bundle.keys.text


def test_a_keyring_in_one_block_is_as_many_keys_as_it_has() -> None:
    import pysequoia

    certs = [pysequoia.Cert.from_bytes(keys.openpgp(name).text.encode()) for name in ("A <a@b.c>", "B <b@b.c>")]
    ring = pysequoia.armor(b"".join(map(bytes, certs)), pysequoia.ArmorKind.PublicKey)
    assert read_keys(ring, "openpgp", now=LATER).count == 2


def test_every_reason_is_told() -> None:
    pgp, cert = keys.openpgp().text, keys.smime().text
    assert "no OpenPGP key and no X.509" in refusal("nothing", "openpgp")
    assert "no OpenPGP key and no X.509" in refusal("text before " + pgp, "openpgp")
    assert "cannot be used together" in refusal(pgp + cert, "openpgp")
    assert "an X.509 certificate, not an OpenPGP key" in refusal(cert, "openpgp")
    assert "an OpenPGP key, not an X.509 certificate" in refusal(pgp, "smime")
    assert "longer than" in refusal(pgp + "x" * LONGEST, "openpgp")
    assert "has 51 keys" in refusal(cert * 51, "smime")
    assert "is no public key" in refusal(keys.secret_block(), "openpgp")
    assert "No suitable encryption subkey" in refusal(keys.signing_key(), "openpgp")
    assert "is revoked" in refusal(keys.revoked_key(), "openpgp")
    assert "has expired" in refusal(keys.expired_key(), "openpgp")
    assert read_keys(keys.expired_key(), "openpgp", now=NOW - dt.timedelta(days=1)).count == 1
    assert "cannot be read" in refusal(cert.replace("M", "N"), "smime")
    assert "cannot be read" in refusal("-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----", "smime")
    assert refusal("-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n!\n-----END PGP PUBLIC KEY BLOCK-----", "openpgp")
    assert "Stack backtrace" not in refusal(keys.signing_key(), "openpgp")


def test_certificates_that_nothing_can_be_encrypted_for_are_refused() -> None:
    elliptic = keys.pem(keys.certificate(ec.generate_private_key(ec.SECP256R1())))
    assert "Only certificates with an RSA key" in refusal(elliptic, "smime")
    short = keys.pem(keys.certificate(rsa.generate_private_key(65537, 1024)))
    assert "has 1024 bits" in refusal(short, "smime")
    key = rsa.generate_private_key(65537, 2048)

    def usage(encipher: bool) -> x509.KeyUsage:
        return x509.KeyUsage(True, False, encipher, False, False, False, False, False, False)

    assert "keyUsage" in refusal(keys.pem(keys.certificate(key, usage=usage(False))), "smime")
    assert read_keys(keys.pem(keys.certificate(key, usage=usage(True))), "smime", now=NOW).count == 1


def test_a_certificate_that_is_no_longer_valid_is_taken() -> None:
    assert read_keys(keys.smime().text, "smime", now=LATER).count == 1  # valid in 2020


@settings(max_examples=60)
@given(st.data(), st.sampled_from(["openpgp", "smime"]))
def test_damaged_keys_are_refused_or_taken_and_nothing_else(data: st.DataObject, method: Method) -> None:
    text = (keys.openpgp() if method == "openpgp" else keys.smime()).text
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(text)))
        text = text[:at] + data.draw(st.text(max_size=5)) + text[at + data.draw(st.integers(0, 3)) :]
    with suppress(Invalid):
        assert read_keys(text, method, now=LATER).count >= 1


@given(st.lists(st.sampled_from(["-----BEGIN A-----\n", "-----END A-----", "-----BEGIN B-----\r\n", "x\n", " "])))
def test_blocks_are_pieces_of_the_text_in_order(pieces: list[str]) -> None:
    text = "".join(pieces)
    at = 0
    for block in blocks(text):
        at = text.index(block.text.rstrip("\n"), at) + 1
        assert block.text.startswith(f"-----BEGIN {block.label}-----")
        assert block.text.endswith(f"-----END {block.label}-----\n")


# ---------------------------------------------------------------- demand

KEYS = Keys("openpgp", "text")


def test_the_account_or_the_mailbox_asks_and_a_key_is_needed() -> None:
    wants = AccountKeys(KEYS, always=True)
    has = AccountKeys(KEYS)
    assert demand(AccountKeys(), mailbox=False, draft=False) == CLEAR
    assert demand(has, mailbox=False, draft=False) == CLEAR
    assert demand(has, mailbox=True, draft=False).keys == KEYS
    assert demand(wants, mailbox=False, draft=False).keys == KEYS
    assert demand(wants, mailbox=False, draft=False, stays=True) == CLEAR
    assert demand(wants, mailbox=True, draft=False, stays=True).keys == KEYS
    for asked in (
        demand(wants, mailbox=True, draft=True),
        demand(AccountKeys(None, always=True), mailbox=False, draft=False),
        demand(AccountKeys(), mailbox=True, draft=False),
    ):
        assert asked.keys is None
        assert asked.reason
