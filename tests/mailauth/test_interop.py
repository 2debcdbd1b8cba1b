"""Others verify what we sign, and we verify what they sign: libopendkim, Mail::DKIM.

Debian packages opendkim-tools or opendkim (which bring libopendkim) and libmail-dkim-perl; else skipped.
"""

import ctypes
import ctypes.util
import json
import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from mailkit.mailauth import Message, run
from mailkit.mailauth.dkim import Signer, load_private_key, public_record, sign, verify
from mailkit.mailauth.resolvers.zone import ZoneResolver

pytestmark = pytest.mark.interop

NOW = 1_700_000_000_000
PEM = rsa.generate_private_key(65537, 2048).private_bytes(
    Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()
)
SIGNER = Signer("example.org", "sel", PEM)
RECORD = public_record(load_private_key(PEM))
NAME = "sel._domainkey.example.org"
MESSAGES = {
    "plain": b"From: a@example.org\r\nTo: b@example.net\r\nSubject: one\r\n two\r\n\r\nHello  there \r\n\r\n\r\n",
    "empty": b"From: a@example.org\r\n\r\n",
    "no final CRLF": b"From: a@example.org\r\nSubject:   x \t y  \r\n\r\nlast line",
    "folded names": b"FROM : a@example.org\r\nreceived: x\r\nReceived: y\r\n\r\n\tbody\r\n",
}
FORMS = ["relaxed/relaxed", "simple/simple", "relaxed/simple", "simple/relaxed"]

PERL = r"""
use strict; use warnings; no warnings 'redefine';
use JSON::PP; use Mail::DKIM::Verifier; use Mail::DKIM::DNS; use Net::DNS;
my $case = decode_json(join '', <STDIN>);
*Mail::DKIM::DNS::query_async = sub {
    my ($domain, $type, %p) = @_;
    my @rr = $domain eq $case->{name}
        ? (Net::DNS::RR->new(owner => $domain, type => 'TXT', txtdata => [unpack '(A255)*', $case->{record}])) : ();
    return sub { $p{Callbacks}{Success}->(@rr) };
};
open my $file, '<:raw', $case->{file} or die;
my $verifier = Mail::DKIM::Verifier->new;
$verifier->PRINT(do { local $/; <$file> });
$verifier->CLOSE;
print $verifier->result_detail;
"""


def signed(raw: bytes, form: str) -> bytes:
    header, body = form.split("/")
    message = Message.parse(raw)
    fields = sign(
        message,
        [SIGNER],
        now=NOW,
        canonicalization=("relaxed" if header == "relaxed" else "simple", "relaxed" if body == "relaxed" else "simple"),
    )
    return b"".join(fields) + raw


def on_the_wire(raw: bytes) -> bytes:
    """SMTP ends every message with CRLF."""
    return raw if raw.endswith(b"\r\n") else raw + b"\r\n"


@pytest.mark.skipif(shutil.which("perl") is None, reason="perl is not installed")
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", MESSAGES)
def test_mail_dkim_verifies_what_we_sign(name: str, form: str, tmp_path: Path) -> None:
    if subprocess.run(["perl", "-MMail::DKIM", "-MJSON::PP", "-e1"], capture_output=True, check=False).returncode:
        pytest.skip("Mail::DKIM is not installed")
    raw = signed(MESSAGES[name], form)
    (tmp_path / "message").write_bytes(on_the_wire(raw))
    case = {"file": str(tmp_path / "message"), "name": NAME, "record": RECORD}
    done = subprocess.run(["perl", "-e", PERL], input=json.dumps(case), capture_output=True, text=True, check=True)
    assert done.stdout == "pass"


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", MESSAGES)
def test_libopendkim_verifies_what_we_sign(name: str, form: str, tmp_path: Path) -> None:
    found = ctypes.util.find_library("opendkim")
    if found is None:
        pytest.skip("libopendkim is not installed")
    lib = ctypes.CDLL(found)
    for function in ("dkim_init", "dkim_verify"):
        getattr(lib, function).restype = ctypes.c_void_p
    lib.dkim_getresultstr.restype = ctypes.c_char_p
    handle = ctypes.c_void_p(lib.dkim_init(None, None))
    # Keys from a file instead of the DNS: options QUERYMETHOD (6) = FILE (1) and QUERYINFO (7) = its path.
    (tmp_path / "keys").write_text(f"{NAME} {RECORD}\n")
    path = str(tmp_path / "keys").encode()
    assert lib.dkim_options(handle, 1, 6, ctypes.byref(ctypes.c_int(1)), ctypes.c_size_t(4)) == 0
    assert lib.dkim_options(handle, 1, 7, path, ctypes.c_size_t(len(path))) == 0
    status = ctypes.c_int(-1)
    dkim = ctypes.c_void_p(lib.dkim_verify(handle, b"test", None, ctypes.byref(status)))
    assert status.value == 0
    raw = on_the_wire(signed(MESSAGES[name], form))
    assert lib.dkim_chunk(dkim, raw, len(raw)) == 0
    assert lib.dkim_chunk(dkim, b"", 0) == 0
    test_key = ctypes.c_bool(False)
    outcome = lib.dkim_eom(dkim, ctypes.byref(test_key))
    lib.dkim_free(dkim)
    lib.dkim_close(handle)
    assert lib.dkim_getresultstr(outcome) == b"Success"


@pytest.mark.parametrize(("form", "codes"), [("relaxed/relaxed", (1, 1)), ("simple/simple", (0, 0))])
@pytest.mark.parametrize("name", MESSAGES)
def test_we_verify_what_libopendkim_signs(name: str, form: str, codes: tuple[int, int]) -> None:
    found = ctypes.util.find_library("opendkim")
    if found is None:
        pytest.skip("libopendkim is not installed")
    lib = ctypes.CDLL(found)
    for function in ("dkim_init", "dkim_sign"):
        getattr(lib, function).restype = ctypes.c_void_p
    handle = ctypes.c_void_p(lib.dkim_init(None, None))
    status = ctypes.c_int(-1)
    rsa_sha256, whole = 1, ctypes.c_ssize_t(-1)
    dkim = ctypes.c_void_p(
        lib.dkim_sign(
            handle, b"test", None, PEM, b"sel", b"example.org", *codes, rsa_sha256, whole, ctypes.byref(status)
        )
    )
    assert status.value == 0
    raw = on_the_wire(MESSAGES[name])
    assert lib.dkim_chunk(dkim, raw, len(raw)) == 0
    assert lib.dkim_chunk(dkim, b"", 0) == 0
    assert lib.dkim_eom(dkim, None) == 0
    buffer = ctypes.create_string_buffer(4096)
    assert lib.dkim_getsighdr(dkim, buffer, ctypes.c_size_t(4096), ctypes.c_size_t(16)) == 0
    lib.dkim_free(dkim)
    lib.dkim_close(handle)
    message = Message.parse(b"DKIM-Signature: " + buffer.value + b"\r\n" + raw)
    (result,) = run(verify(message, now=4_000_000_000_000), ZoneResolver({NAME: RECORD}))
    assert result.result == "pass", result.reason
    assert result.signature is not None
    assert f"{result.signature.header_canonicalization}/{result.signature.body_canonicalization}" == form
