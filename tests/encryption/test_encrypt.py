"""Encrypted for real keys and decrypted with them: what comes out is what went in."""

import quopri

import pytest
from fuzz.mime import PIECES
from hypothesis import given, settings
from hypothesis import strategies as st

from mailkit.encryption.already import already
from mailkit.encryption.encrypt import encrypt
from mailkit.encryption.keys import AES128, Keys
from mailkit.encryption.wrap import split
from mailkit.errors import NotSupported, Unavailable
from mailkit.mime.parse import parse
from mailkit.mime.scan import scan
from tests.encryption import keys
from tests.encryption.keys import Owner, keys_of

soup = st.lists(st.sampled_from(PIECES) | st.binary(max_size=12), max_size=40).map(b"".join)
OWNERS = pytest.mark.parametrize("make", [keys.openpgp, keys.smime], ids=["openpgp", "smime"])

PLAIN = b"From: a@b.c\r\nSubject: hi\r\n\r\nline\r\n"
BINARY = b"Subject: x\r\nContent-Transfer-Encoding: binary\r\n\r\n" + bytes(range(256)) * 3 + b"\n\r\r\n"
NESTED = (
    b"Subject: x\nContent-Type: multipart/mixed; boundary=b\n\n" + b"--b\nContent-Type: message/rfc822\n\n" * 90 + b"x"
)
BARE = b"Subject: a\rb\nTo: c@d.e\n\nlf\nonly\rand cr\r\r\n"


@settings(max_examples=60)
@given(soup, st.sampled_from([keys.openpgp, keys.smime]))
def test_what_is_decrypted_is_the_entity_byte_for_byte(raw: bytes, make: "type[Owner]") -> None:
    owner = make()  # type: ignore[call-arg]
    sealed = encrypt(scan(raw), keys_of(owner))
    parts = split(scan(raw))
    assert owner.opened(sealed) == parts.inside
    assert sealed.startswith(parts.first)
    assert parts.outside in sealed
    assert already(scan(sealed))


@OWNERS
@pytest.mark.parametrize(
    "raw", [PLAIN, BINARY, NESTED, BARE, b"x"], ids=["plain", "binary", "nested", "bare line ends", "one byte"]
)
def test_hard_messages_come_back(make: "type[Owner]", raw: bytes) -> None:
    owner = make()  # type: ignore[call-arg]
    sealed = encrypt(scan(raw), keys_of(owner))
    assert owner.opened(sealed) == split(scan(raw)).inside
    body = sealed.partition(b"\r\n\r\n")[2]
    assert body.isascii()
    assert max(map(len, body.split(b"\r\n"))) <= 78
    assert body.count(b"\n") == body.count(b"\r\n") == body.count(b"\r")


@OWNERS
def test_ten_megabytes_of_attachment_come_back(make: "type[Owner]") -> None:
    raw = b"Subject: large\r\nContent-Type: application/octet-stream\r\n\r\n" + bytes(range(256)) * 40_000
    owner = make()  # type: ignore[call-arg]
    assert owner.opened(encrypt(scan(raw), keys_of(owner))) == split(scan(raw)).inside


@OWNERS
def test_nothing_of_the_content_is_to_be_read_or_searched(make: "type[Owner]") -> None:
    raw = PLAIN.replace(b"\r\n\r\n", b"\r\nContent-Type: text/plain; name=secretname\r\n\r\n")
    message = parse(encrypt(scan(raw), keys_of(make())))  # type: ignore[call-arg]
    assert (message.subject, message.text, message.html, message.preview) == ("hi", "", (), "")
    assert b"secretname" not in message.raw
    assert b"line" not in message.raw.partition(b"\r\n\r\n")[2].replace(b"line;", b"")


@pytest.mark.parametrize("make", [keys.openpgp, keys.smime], ids=["openpgp", "smime"])
def test_every_one_of_several_keys_can_read(make: "type[Owner]") -> None:
    one, two = make("One"), make("Two")  # type: ignore[call-arg]
    both = Keys(keys_of(one).method, one.text + two.text)
    sealed = encrypt(scan(PLAIN), both)
    assert one.opened(sealed) == two.opened(sealed) == b"\r\nline\r\n"


def test_smime_is_encrypted_with_the_cipher_that_was_chosen() -> None:
    oids = {"aes128": bytes.fromhex("60864801650304 0102"), "aes256": bytes.fromhex("60864801650304 012a")}
    for cipher, oid in oids.items():
        sealed = encrypt(scan(PLAIN), Keys("smime", keys.smime().text, cipher))  # type: ignore[arg-type]
        assert oid in keys.ciphertext(parse(sealed))
    assert AES128 in oids


def test_a_key_that_cannot_be_used_is_an_error_that_says_so() -> None:
    for text in (
        "",
        keys.signing_key(),
        "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nx\n-----END PGP PUBLIC KEY BLOCK-----",
    ):
        with pytest.raises(Unavailable, match=r"OpenPGP: .*encryption\.failed"):
            encrypt(scan(PLAIN), Keys("openpgp", text))
    with pytest.raises(Unavailable, match=r"S/MIME: .*encryption\.failed"):
        encrypt(scan(PLAIN), Keys("smime", "nothing"))


def test_an_expired_key_is_still_encrypted_for() -> None:
    """Its owner can read with it; refusing mail would help nobody. Only taking a new one that is expired is refused."""
    assert already(scan(encrypt(scan(PLAIN), Keys("openpgp", keys.expired_key()))))


def test_without_the_library_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "pysequoia", None)
    with pytest.raises(NotSupported, match=r"mailkit-platform\[openpgp\]"):
        encrypt(scan(PLAIN), Keys("openpgp", keys.openpgp().text))
    assert already(scan(encrypt(scan(PLAIN), keys_of(keys.smime()))))


# ---------------------------------------------------------------- already


def armored(text: bytes = b"data") -> bytes:
    return b"-----BEGIN PGP MESSAGE-----\r\n\r\n" + text + b"\r\n-----END PGP MESSAGE-----\r\n"


def test_what_others_have_encrypted_is_recognised() -> None:
    assert already(scan(b"Content-Type: Multipart/Encrypted; boundary=b\r\n\r\n--b\r\n")).how == "multipart/encrypted"
    sealed = encrypt(scan(PLAIN), keys_of(keys.smime()))
    assert already(scan(sealed)).how == "application/pkcs7-mime, enveloped-data"
    assert already(scan(sealed.replace(b"pkcs7-mime; smime-type=enveloped-data", b"x-pkcs7-mime")))
    assert already(scan(b"Subject: x\r\n\r\n" + armored())).how == "inline OpenPGP"
    quoted = quopri.encodestring(armored(b"a=b"))
    assert already(scan(b"Content-Transfer-Encoding: quoted-printable\r\n\r\n" + quoted))
    import base64

    assert already(scan(b"Content-Transfer-Encoding: base64\r\n\r\n" + base64.encodebytes(armored())))


@pytest.mark.parametrize(
    "raw",
    [
        PLAIN,
        b"\r\n" + armored() + b"and something in clear",
        b"\r\nsomething in clear" + armored(),
        b"\r\n" + armored() + b"clear\r\n" + armored(),
        b"\r\n" + armored()[:-20],
        b"Content-Type: multipart/signed; boundary=b\r\n\r\n--b\r\n",
        b"Content-Type: application/pkcs7-mime; smime-type=enveloped-data\r\n\r\nin clear",
        b"Content-Type: application/pkcs7-mime\r\n\r\n",
        b"Content-Type: application/pkcs7-signature\r\n\r\n0",
        # signed-data (1.2.840.113549.1.7.2): everybody can read it, whatever its header says
        b"Content-Type: application/pkcs7-mime; smime-type=enveloped-data\r\n\r\n\x30\x80\x06\x09"
        + bytes.fromhex("2a864886f70d010702"),
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n" + armored() + b"--b--\r\n",
    ],
)
def test_what_anybody_can_read_is_not_taken_for_encrypted(raw: bytes) -> None:
    assert not already(scan(raw))


def test_lengths_of_every_form_are_understood() -> None:
    oid = b"\x06\x09" + bytes.fromhex("2a864886f70d010703")
    for length in (b"\x10", b"\x80", b"\x81\x90", b"\x82\x01\x00", b"\x83\x01\x00\x00", b"\x84\x01\x00\x00\x00"):
        raw = b"Content-Type: application/pkcs7-mime\r\nContent-Transfer-Encoding: binary\r\n\r\n\x30" + length + oid
        assert already(scan(raw)), length
    auth = b"\x06\x0b" + bytes.fromhex("2a864886f70d0109100117")
    raw = b"Content-Type: application/pkcs7-mime\r\nContent-Transfer-Encoding: binary\r\n\r\n\x30\x80" + auth
    assert already(scan(raw)).how == "application/pkcs7-mime, authEnveloped-data"


@given(soup)
def test_any_bytes_can_be_asked_about(raw: bytes) -> None:
    already(scan(raw))
