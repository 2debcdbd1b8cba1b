"""What a signature and its key may and may not say: each rule of RFC 6376 sections 3.5, 3.6.1 and 6.1, 8301 and 8463.

Each case signs a message with a DKIM-Signature written out by hand, so that tags may be anything; `signed` computes
bh= and b= from the RFC's own rules, not with the signer under test.
"""

import hashlib
from base64 import b64encode
from functools import cache
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from mailkit.mailauth.dkim import DkimResult, verify
from mailkit.mailauth.dkim.canonical import relax_field, relaxed_body, select_fields, simple_body
from mailkit.mailauth.lookup import run
from mailkit.mailauth.message import Message
from mailkit.mailauth.resolvers.zone import ZoneResolver

NOW = 1_700_000_000
HEAD = (
    b"From: Ann <ann@example.org>\r\nTo: bob@example.net\r\nSubject: one\r\n two\r\n"
    b"Date: Tue, 14 Nov 2023 22:13:20 +0000\r\n"
)
BODY = b"Hello  there \r\n\r\nsecond\tline\r\n\r\n\r\n"
BASE = "v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.org; s=sel; h=from:to:subject:date; bh={bh}; b="
ED = BASE.replace("rsa-", "ed25519-")


@cache
def rsa_key(bits: int = 2048) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, bits)


RSA_512 = (
    "MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAIWmlgix/84GJ+dfgjm7LTc9EPdfkftlgiPpCq4/kbDAZmU0VvYKDljjleJ1dfvS+CGy9U/kk1tG3EeE"
    "vb82xAcCAwEAAQ=="
)
ED_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
ED_P = b64encode(ED_KEY.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()


def rsa_p(bits: int = 2048, form: PublicFormat = PublicFormat.SubjectPublicKeyInfo) -> str:
    return b64encode(rsa_key(bits).public_key().public_bytes(Encoding.DER, form)).decode()


def signed(
    value: str, head: bytes = HEAD, body: bytes = BODY, bits: int = 2048, name: str = "DKIM-Signature:"
) -> bytes:
    """`value` with {bh} filled in and the signature put after its last `b=`, in front of the message."""
    tags = {k.strip(): v.strip() for k, _, v in (part.partition("=") for part in value.split(";"))}
    header, _, body_form = (tags.get("c") or "simple").lower().partition("/")
    canonical = relaxed_body(body) if body_form == "relaxed" else simple_body(body)
    if tags.get("l", "").isdigit():
        canonical = canonical[: int(tags["l"])]
    digest = hashlib.sha1(canonical) if "sha1" in value else hashlib.sha256(canonical)
    field = f"{name} {value}".format(bh=b64encode(digest.digest()).decode()).encode()
    names = [one.strip().lower().encode() for one in tags.get("h", "").split(":")]
    message = Message.parse(head + b"\r\n")
    chosen = [one.raw for one in select_fields(message.fields, names)]
    if header == "relaxed":
        octets = b"".join(map(relax_field, chosen)) + relax_field(field).removesuffix(b"\r\n")
    else:
        octets = b"".join(chosen) + field
    if "ed25519" in value.lower():
        signature = ED_KEY.sign(hashlib.sha256(octets).digest())
    else:
        algorithm: Any = hashes.SHA1() if "sha1" in value else hashes.SHA256()
        signature = rsa_key(bits).sign(octets, padding.PKCS1v15(), algorithm)
    return field + b64encode(signature) + b"\r\n" + head + b"\r\n" + body


def check(raw: bytes, record: Any = None, now: int = NOW) -> DkimResult:
    zone = {"sel._domainkey.example.org": {"TXT": f"v=DKIM1; p={rsa_p()}" if record is None else record}}
    (result,) = run(verify(Message.parse(raw), now=now * 1000), ZoneResolver(zone))
    return result


SIGNATURES = [
    # what stands in the signature                                           result
    (BASE, "pass"),
    (BASE.replace("c=relaxed/relaxed; ", ""), "pass"),  # the default is simple/simple
    (BASE.replace("relaxed/relaxed", "relaxed"), "pass"),  # and the body's is simple
    (BASE.replace("relaxed/relaxed", "simple/relaxed"), "pass"),
    (BASE.replace("relaxed/relaxed", "relaxed/odd"), "neutral"),
    (BASE.replace("relaxed/relaxed", "relaxed/simple/simple"), "neutral"),
    (BASE.replace("v=1; ", ""), "neutral"),
    (BASE.replace("v=1", "v=2"), "neutral"),
    (BASE.replace("v=1", "v=1.0"), "neutral"),
    (BASE.replace("a=rsa-sha256; ", ""), "neutral"),
    (BASE.replace("rsa-sha256", "rsa-sha512"), "neutral"),
    (BASE.replace("rsa-sha256", "rsa-sha1"), "policy"),
    (BASE.replace("d=example.org; ", ""), "neutral"),
    (BASE.replace("d=example.org", "d="), "neutral"),
    (BASE.replace("d=example.org", "d=org"), "neutral"),
    (BASE.replace("d=example.org", "d=example..org"), "neutral"),
    (BASE.replace("d=example.org", "d=EXAMPLE.Org"), "pass"),
    (BASE.replace("s=sel; ", ""), "neutral"),
    (BASE.replace("s=sel", "s=other"), "permerror"),
    (BASE.replace("h=from:to:subject:date; ", ""), "neutral"),
    (BASE.replace("h=from:to:subject:date", "h="), "neutral"),
    (BASE.replace("h=from:", "h="), "neutral"),  # From is not signed
    (BASE.replace("h=from:to", "h=FROM : \r\n\tto"), "pass"),
    (BASE.replace("h=from:to", "h=from::to"), "neutral"),
    (BASE.replace("h=from", "h=from:from:x-absent:x-absent"), "pass"),  # absent fields are signed as absent
    (BASE.replace("bh={bh}; ", ""), "neutral"),
    (BASE.replace("bh={bh}", "bh="), "neutral"),
    (BASE.replace("{bh}", "AAAA"), "fail"),
    (BASE.replace("{bh}", "!{bh}"), "neutral"),
    (BASE.replace("bh={bh}; ", "bh={bh}; x=1700000001; "), "pass"),
    (BASE.replace("bh={bh}; ", "bh={bh}; x=1600000000; "), "fail"),
    (BASE.replace("bh={bh}; ", "bh={bh}; t=1600000000; x=1600000000; "), "neutral"),
    (BASE.replace("bh={bh}; ", "bh={bh}; t=1700000000; x=1700000600; "), "pass"),
    (BASE.replace("bh={bh}; ", "bh={bh}; t=soon; "), "neutral"),
    (BASE.replace("bh={bh}; ", "bh={bh}; x=-1; "), "neutral"),
    (BASE.replace("bh={bh}; ", "bh={bh}; t=1234567890123; "), "neutral"),
    (BASE.replace("bh={bh}; ", "bh={bh}; i=@example.org; "), "pass"),
    (BASE.replace("bh={bh}; ", "bh={bh}; i=ann@deep.mail.EXAMPLE.org; "), "pass"),
    (BASE.replace("bh={bh}; ", "bh={bh}; i=@example.com; "), "neutral"),
    (BASE.replace("bh={bh}; ", "bh={bh}; i=@notexample.org; "), "neutral"),
    (BASE.replace("bh={bh}; ", "bh={bh}; i=example.org; "), "neutral"),
    (BASE.replace("bh={bh}; ", "bh={bh}; i=ann=40home=3B@example.org; "), "pass"),  # quoted-printable
    (BASE.replace("bh={bh}; ", "bh={bh}; i=ann=40exam\r\n ple.org; "), "pass"),  # even the "@", and folded
    (BASE.replace("bh={bh}; ", "bh={bh}; i=ann=4@example.org; "), "neutral"),
    (BASE.replace("bh={bh}; ", "bh={bh}; q=dns/txt; "), "pass"),
    (BASE.replace("bh={bh}; ", "bh={bh}; q=http/x : dns/txt; "), "pass"),  # unknown methods are skipped
    (BASE.replace("bh={bh}; ", "bh={bh}; q=http/x; "), "neutral"),
    (BASE.replace("bh={bh}; ", "bh={bh}; q=; "), "neutral"),
    (BASE.replace("bh={bh}; ", "bh={bh}; z=From:ann=40example.org|Subject:one; "), "pass"),
    (BASE.replace("bh={bh}; ", "bh={bh}; unknown=tag; "), "pass"),
    (BASE.replace("bh={bh}; ", "bh={bh}; d=example.org; "), "neutral"),  # twice
    (BASE.replace("bh={bh}; ", "bh={bh};; "), "neutral"),
    (BASE.replace("bh={bh}; ", "bh={bh}; junk; "), "neutral"),
    (BASE.replace("; ", ";\r\n\t"), "pass"),
    (BASE.replace("=", " = ").replace(" = {bh}", "={bh}"), "pass"),
    (BASE.replace("bh={bh}; ", "bh={bh}; l=5; "), "pass"),
    (BASE.replace("bh={bh}; ", "bh={bh}; l=0; "), "pass"),
    (BASE.replace("bh={bh}; ", "bh={bh}; l=5000; "), "neutral"),
    (BASE.replace("bh={bh}; ", "bh={bh}; l=five; "), "neutral"),
]


@pytest.mark.parametrize(("value", "result"), SIGNATURES)
def test_a_signature_is_judged_by_its_tags(value: str, result: str) -> None:
    found = check(signed(value))
    assert found.result == result, found.reason


KEYS = [
    ("v=DKIM1; p={rsa}", "pass"),
    ("p={rsa}", "pass"),
    ("v=DKIM1; k=rsa; h=sha1:sha256; s=email; t=y:s; n=note; p={rsa}", "pass"),
    ("v=DKIM1; p={rsa};", "pass"),
    ("v=DKIM1 ; k = rsa ; p = {rsa} ; ", "pass"),
    ("v=DKIM1; s=tlsrpt : email; p={rsa}", "pass"),
    ("v=DKIM1; s=*; p={rsa}", "pass"),
    ("v=DKIM1; s=tlsrpt; p={rsa}", "permerror"),
    ("v=DKIM1; h=sha256; p={rsa}", "pass"),
    ("v=DKIM1; h=sha1; p={rsa}", "permerror"),
    ("v=DKIM1; k=ed25519; p={rsa}", "permerror"),
    ("v=DKIM1; k=dsa; p={rsa}", "permerror"),
    ("v=DKIM1; p=", "permerror"),
    ("v=DKIM1", "permerror"),
    ("v=DKIM2; p={rsa}", "permerror"),
    ("v=dkim1; p={rsa}", "permerror"),
    ("p={rsa}; v=DKIM1", "permerror"),
    ("v=DKIM1; p=AAAA", "permerror"),
    ("v=DKIM1; p=*", "permerror"),
    ("v=DKIM1; p={rsa}; p={rsa}", "permerror"),
    ("v=DKIM1; p={pkcs1}", "pass"),
    ("v=DKIM1; p={split}", "pass"),
    ("some other text", "permerror"),
]


@pytest.mark.parametrize(("record", "result"), KEYS)
def test_a_key_is_judged_by_its_tags(record: str, result: str) -> None:
    p = rsa_p()
    record = record.format(rsa=p, pkcs1=rsa_p(form=PublicFormat.PKCS1), split=f"{p[:70]} \t{p[70:]}")
    found = check(signed(BASE), record)
    assert found.result == result, found.reason


def test_a_strict_key_forbids_subdomains_in_the_identity() -> None:
    record = f"v=DKIM1; t=s; p={rsa_p()}"
    assert check(signed(BASE.replace("bh=", "i=@example.org; bh=")), record).result == "pass"
    assert check(signed(BASE.replace("bh=", "i=@mail.example.org; bh=")), record).result == "permerror"


def test_short_rsa_keys_are_refused_by_policy() -> None:
    assert check(signed(BASE, bits=1024), f"p={rsa_p(1024)}").result == "pass"
    found = check(signed(BASE), f"p={RSA_512}")
    assert (found.result, found.bits) == ("policy", 0)


def test_an_ed25519_key_is_32_octets_and_nothing_else() -> None:
    assert check(signed(ED), f"v=DKIM1; k=ed25519; p={ED_P}").result == "pass"
    assert check(signed(ED), f"v=DKIM1; p={ED_P}").result == "permerror"
    wrapped = ED_KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert check(signed(ED), f"v=DKIM1; k=ed25519; p={b64encode(wrapped).decode()}").result == "permerror"


def test_of_several_key_records_any_one_will_do() -> None:
    other = b64encode(rsa_key(1024).public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()
    assert check(signed(BASE), [f"p={other}", "v=spf1 -all", f"p={rsa_p()}"]).result == "pass"
    assert check(signed(BASE), [f"p={other}"]).result == "fail"


def test_a_dns_failure_is_temporary() -> None:
    assert check(signed(BASE), "TIMEOUT").result == "temperror"


def test_character_strings_are_joined_without_a_gap() -> None:
    p = rsa_p()
    assert check(signed(BASE), [["v=DKIM1; p=" + p[:100], p[100:200], p[200:]]]).result == "pass"


@pytest.mark.parametrize("form", ["simple/simple", "relaxed/relaxed", "simple/relaxed", "relaxed/simple"])
@pytest.mark.parametrize("body", [b"", b"\r\n", b"\r\n\r\n", b"x", b"x\r\n", b"x \r\n\r\n", b" \r\n", b"\t"])
def test_bodies_that_end_oddly_verify(form: str, body: bytes) -> None:
    raw = signed(BASE.replace("relaxed/relaxed", form), body=body)
    assert check(raw).result == "pass"
    assert check(raw.replace(b"\r\n", b"\n")).result == "pass"
    assert check(raw + b"\r\n\r\n").result == "pass"
    assert check(raw + b"tail").result == "fail"


def test_a_message_without_the_empty_line_has_an_empty_body() -> None:
    raw = signed(BASE, body=b"")
    assert check(raw.removesuffix(b"\r\n")).result == "pass"


def test_instances_are_taken_from_the_bottom() -> None:
    head = HEAD + b"Received: first\r\nReceived: second\r\n"
    raw = signed(BASE.replace("h=from", "h=received:from"), head=head)
    assert check(b"Received: on top\r\n" + raw).result == "pass"
    assert check(raw.replace(b"Received: first", b"Received: other")).result == "pass"
    assert check(raw.replace(b"Received: second", b"Received: other")).result == "fail"


def test_over_signing_forbids_another_instance() -> None:
    sealed = signed(BASE.replace("h=from", "h=from:from"))
    assert check(sealed).result == "pass"
    assert check(b"From: evil@example.com\r\n" + sealed).result == "fail"
    open_ = b"From: evil@example.com\r\n" + signed(BASE)
    found = check(open_)
    assert found.result == "pass"
    assert any("From" in warning for warning in found.warnings)


def test_a_length_is_flagged_with_what_it_leaves_open() -> None:
    raw = signed(BASE.replace("bh={bh}; ", "bh={bh}; l=5; "))
    found = check(raw + b"buy now\r\n")
    assert found.result == "pass"
    assert found.unsigned > 5
    assert found.warnings


@pytest.mark.parametrize(
    "name", ["dkim-signature:", "DKIM-Signature :", "DKIM-Signature:\r\n\t", "DKIM-Signature: \t\r\n  "]
)
def test_the_field_may_be_written_in_any_legal_way(name: str) -> None:
    assert check(signed(BASE, name=name)).result == "pass"


def test_the_signature_in_the_middle_of_the_tags_is_cut_out_with_its_white_space() -> None:
    for form in ("simple/simple", "relaxed/relaxed"):
        value = BASE.replace("relaxed/relaxed", form)
        plain = signed(value.removesuffix("; b=") + "; b=")
        field, rest = plain.split(b"\r\n", 1)
        text, b = field.rsplit(b"b=", 1)
        folded = text + b"b= \r\n\t" + b[:60] + b"\r\n \t" + b[60:] + b"  "
        assert check(folded + b"\r\n" + rest).result == "pass"


def test_the_envelope_line_of_an_mbox_is_no_field() -> None:
    assert check(b"From ann@example.org Tue Nov 14 22:13:20 2023\r\n" + signed(BASE)).result == "pass"


def test_signatures_beyond_the_limit_are_not_looked_at() -> None:
    raw = signed(BASE)
    many = raw.split(b"\r\n", 1)[0] + b"\r\n"
    zone = ZoneResolver({"sel._domainkey.example.org": {"TXT": f"p={rsa_p()}"}})
    results = run(verify(Message.parse(many * 20 + raw), now=NOW * 1000), zone)
    assert len(results) == 21
    assert [one.result for one in results[16:]] == ["policy"] * 5


def test_ten_thousand_key_records_cost_no_more_than_a_few() -> None:
    other = ED_P
    records = [f"k=ed25519; p={other}"] * 10_000
    assert check(signed(BASE), records).result == "permerror"
