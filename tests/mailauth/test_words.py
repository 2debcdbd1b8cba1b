"""Authentication-Results, iprev, MTA-STS, TLSRPT and DANE: what the RFCs' own examples and rules say."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from mailkit.errors import Invalid
from mailkit.mailauth import Message, authenticate, authentication_results, dane, iprev, mta_sts, run, tlsrpt
from mailkit.mailauth.authres import Property, parse, strip_forged, write
from mailkit.mailauth.lookup import TLSA
from mailkit.mailauth.resolvers.zone import ZoneResolver

# RFC 8601 appendix B, and the harder forms of section 2.2.
EXAMPLES: list[tuple[str, str, list[tuple[str, str]]]] = [
    ("example.org 1; none", "example.org", []),
    ("example.com;\r\n spf=pass smtp.mailfrom=example.net", "example.com", [("spf", "pass")]),
    (
        "example.com; auth=pass (cram-md5)\r\n smtp.auth=sender@example.net; spf=pass smtp.mailfrom=example.net",
        "example.com",
        [("auth", "pass"), ("spf", "pass")],
    ),
    (
        'example.com; dkim=pass (good signature) header.d=example.com header.i="@mail example" reason = "a;b"',
        "example.com",
        [("dkim", "pass")],
    ),
    (
        (
            "foo.example.net (foobar) 1 (baz);\r\n dkim (Because I like it) / 1 (One yay) = (wait for it) fail\r\n"
            " policy (A dot can go here) . (like that) expired\r\n"
            " (this surprised me) = (as I wasn't expecting it) 1362471462"
        ),
        "foo.example.net",
        [("dkim", "fail")],
    ),
    ("(c (nested) \\) x) id.example; iprev=pass policy.iprev=192.0.2.200;", "id.example", [("iprev", "pass")]),
    ('"quoted id"; x=y a.b="', "", []),
    ("example.org", "", []),
    ("", "", []),
    ("example.org; dkim", "", []),
    ("example.org; dkim=pass header=x", "", []),
    ("example.org; dkim=pass (never closed", "", []),
    ("((((" * 2000 + "x", "", []),
]


@pytest.mark.parametrize(("text", "authserv_id", "methods"), EXAMPLES)
def test_results_are_read_or_refused(text: str, authserv_id: str, methods: list[tuple[str, str]]) -> None:
    if not authserv_id:
        with pytest.raises(Invalid):
            parse(text)
        return
    found = parse(text)
    assert found.authserv_id == authserv_id
    assert [(one.method, one.result) for one in found.results] == methods


def test_comments_values_and_properties_are_kept() -> None:
    found = parse(EXAMPLES[3][0]).results[0]
    assert found.comments == ("good signature",)
    assert found.reason == "a;b"
    assert found.get("header", "i") == "@mail example"
    (surprising,) = parse(EXAMPLES[4][0]).results
    assert surprising.properties == (Property("policy", "expired", "1362471462"),)


def test_forged_results_of_our_id_are_stripped_whatever_they_look_like() -> None:
    head = (
        b"Authentication-Results: mx.example.org; dkim=pass\r\n"
        b"Authentication-Results: MX.Example.ORG (x) 1; none\r\n"
        b'Authentication-Results: "mx.example.org"; spf=pass\r\n'
        b"Authentication-Results: (a)\r\n mx.example.org; spf=pass\r\n"
        b"Authentication-Results: mx.example.org; broken\r\n"
        b"Authentication-Results: other.example; spf=pass\r\n"
        b"authentication-RESULTS : mx.example.org; spf=pass\r\n"
        b"From: a@b.example\r\n\r\n"
    )
    kept = strip_forged(Message.parse(head).fields, ["mx.example.org"])
    assert [field.raw for field in kept] == [
        b"Authentication-Results: other.example; spf=pass\r\n",
        b"From: a@b.example\r\n",
    ]


def test_a_whole_authentication_is_written_and_read_back() -> None:
    zone = ZoneResolver({"example.org": "v=spf1 -all", "_dmarc.example.org": "v=DMARC1; p=reject"})
    message = Message.parse(b"From: a@example.org\r\nDKIM-Signature: v=1; junk\r\n\r\n")
    found = run(authenticate(message, ip="192.0.2.1", mail_from="a@example.org", now=0), zone)
    field = write(authentication_results(found, "mx.example.net", ip="192.0.2.1"))
    read = parse(Message.parse(field + b"\r\n").fields[0].text)
    words = {one.method: one.result for one in read.results}
    assert words == {"iprev": "permerror", "spf": "fail", "dkim": "neutral", "arc": "none", "dmarc": "fail"}


@pytest.mark.parametrize(
    ("zone", "result"),
    [
        ({"1.2.0.192.in-addr.arpa": {"PTR": "mx.example"}, "mx.example": {"A": "192.0.2.1"}}, "pass"),
        ({"1.2.0.192.in-addr.arpa": {"PTR": ["x.example", "mx.example"]}, "mx.example": {"A": "192.0.2.1"}}, "pass"),
        ({"1.2.0.192.in-addr.arpa": {"PTR": "mx.example"}, "mx.example": {"A": "192.0.2.9"}}, "fail"),
        ({"1.2.0.192.in-addr.arpa": {"PTR": "mx.example"}, "mx.example": {"A": "TIMEOUT"}}, "temperror"),
        ({"1.2.0.192.in-addr.arpa": {"PTR": "SERVFAIL"}}, "temperror"),
        ({}, "permerror"),
    ],
)
def test_iprev_follows_the_name_back(zone: dict[str, Any], result: str) -> None:
    assert run(iprev.check("192.0.2.1"), ZoneResolver(zone)).result == result
    assert run(iprev.check("::ffff:192.0.2.1"), ZoneResolver(zone)).result == result


POLICY = b"version: STSv1\r\nmode: enforce\r\nmx: mail.example.com\r\nmx: *.example.net\r\nmax_age: 604800\r\n"


def test_an_mta_sts_policy_decides_about_hosts() -> None:
    policy = mta_sts.parse_policy(POLICY)
    assert policy == mta_sts.StsPolicy("enforce", 604800, ("mail.example.com", "*.example.net"))
    assert mta_sts.matches(policy, "MAIL.example.com.")
    assert mta_sts.matches(policy, "a.example.net")
    assert not mta_sts.matches(policy, "a.b.example.net")
    assert not mta_sts.matches(policy, "example.net")
    assert mta_sts.decide(policy, "mail.example.com", certificate_error=None).deliver
    assert not mta_sts.decide(policy, "mail.example.com", certificate_error="expired").deliver
    testing = mta_sts.parse_policy(POLICY.replace(b"enforce", b"testing"))
    decision = mta_sts.decide(testing, "mail.other.example", certificate_error=None)
    assert decision.deliver
    assert decision.report == "validation-failure"


@pytest.mark.parametrize(
    "body",
    [b"", POLICY.replace(b"STSv1", b"STSv2"), POLICY.replace(b"enforce", b"on"), POLICY.replace(b"604800", b"week"),
     b"version: STSv1\nmode: enforce\nmax_age: 1\n", POLICY.replace(b"*.ex", b"*ex*"), POLICY + b"x" * 70_000,
     b"\xff\n"],
)  # fmt: skip
def test_a_policy_that_is_none_is_refused(body: bytes) -> None:
    with pytest.raises(Invalid):
        mta_sts.parse_policy(body)


@pytest.mark.parametrize(
    ("record", "found"),
    [
        ("v=STSv1; id=20160831085700Z;", "20160831085700Z"),
        (["v=STSv1; id=1;", "v=STSv1; id=2;"], None),
        (["v=STSv1; id=1;", "unrelated"], "1"),
        ("v=STSv1; id=;", None),
        ("v=STSv1", None),
        ("TIMEOUT", None),
    ],
)
def test_the_mta_sts_record_gives_the_policy_id(record: Any, found: str | None) -> None:
    zone = ZoneResolver({"_mta-sts.example.com": {"TXT": record}})
    assert run(mta_sts.discover("Example.COM"), zone)[0] == found


@pytest.mark.parametrize(
    ("record", "rua"),
    [
        ("v=TLSRPTv1; rua=mailto:reports@example.com", ("mailto:reports@example.com",)),
        (
            "v=TLSRPTv1;rua=https://r.example/v1/tlsrpt,mailto:r@example.com;",
            ("https://r.example/v1/tlsrpt", "mailto:r@example.com"),
        ),
        ("v=TLSRPTv1; rua=ftp://x", None),
        ("v=TLSRPTv1; ruf=mailto:a@b.c", None),
        ("v=TLSRPTv2; rua=mailto:a@b.c", None),
        (["v=TLSRPTv1; rua=mailto:a@b.c", "v=TLSRPTv1; rua=mailto:d@e.f"], None),
    ],
)
def test_the_tlsrpt_record_gives_the_addresses(record: Any, rua: tuple[str, ...] | None) -> None:
    found, _ = run(tlsrpt.discover("example.com"), ZoneResolver({"_smtp._tls.example.com": {"TXT": record}}))
    assert (found.rua if found else None) == rua


# -- DANE

NOW = 1_700_000_000_000
START = datetime(2023, 1, 1, tzinfo=UTC)
CA_KEY, LEAF_KEY = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())


def certificate(name: str, key: Any, issuer: str, by: Any, *, ca: bool, days: int = 3650) -> bytes:
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(START)
        .not_valid_after(START + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    )
    return builder.sign(by, hashes.SHA256()).public_bytes(Encoding.DER)


CA = certificate("ca.example", CA_KEY, "ca.example", CA_KEY, ca=True)
LEAF = certificate("mx.example.org", LEAF_KEY, "ca.example", CA_KEY, ca=False)


def digest(data: bytes) -> bytes:
    calculation = hashes.Hash(hashes.SHA256())
    calculation.update(data)
    return calculation.finalize()


SPKI = LEAF_KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


@pytest.mark.parametrize(
    ("record", "chain", "names", "result"),
    [
        (TLSA(3, 1, 1, digest(SPKI)), [LEAF], ["other.example"], "pass"),  # names do not count for DANE-EE
        (TLSA(3, 0, 0, LEAF), [LEAF], [], "pass"),
        (TLSA(3, 0, 1, digest(CA)), [LEAF, CA], ["mx.example.org"], "fail"),
        (TLSA(2, 0, 1, digest(CA)), [LEAF, CA], ["mx.example.org"], "pass"),
        (TLSA(2, 0, 1, digest(CA)), [LEAF, CA], ["mail.example.org"], "fail"),
        (TLSA(2, 0, 1, digest(CA)), [certificate("mx.example.org", LEAF_KEY, "x", LEAF_KEY, ca=False), CA],
         ["mx.example.org"], "fail"),
        (TLSA(2, 0, 1, digest(CA)),
         [certificate("mx.example.org", LEAF_KEY, "ca.example", CA_KEY, ca=False, days=9), CA],
         ["mx.example.org"], "fail"),
        (TLSA(2, 0, 1, digest(CA)), [certificate("*.example.org", LEAF_KEY, "ca.example", CA_KEY, ca=False), CA],
         ["mx.example.org"], "pass"),
        (TLSA(3, 1, 1, digest(SPKI)), [], [], "fail"),
        (TLSA(3, 1, 1, digest(SPKI)), [b"junk"], [], "fail"),
    ],
)  # fmt: skip
def test_a_chain_is_held_against_tlsa(record: TLSA, chain: list[bytes], names: list[str], result: str) -> None:
    found = dane.verify([record], chain, names, now=NOW)
    assert found.result == result, found.reason


@pytest.mark.parametrize(
    ("zone", "secure", "demand"),
    [
        (
            {"mx.example": {"A": "192.0.2.1"}, "_25._tcp.mx.example": {"TLSA": "3 1 1 " + "ab" * 32}},
            True,
            "authenticate",
        ),
        ({"mx.example": {"A": "192.0.2.1"}, "_25._tcp.mx.example": {"TLSA": "3 1 1 " + "ab" * 32}}, False, "none"),
        ({"mx.example": {"A": "192.0.2.1"}, "_25._tcp.mx.example": {"TLSA": "0 1 1 " + "ab" * 32}}, True, "encrypt"),
        ({"mx.example": {"A": "192.0.2.1"}, "_25._tcp.mx.example": {"TLSA": "3 1 1 abcd"}}, True, "encrypt"),
        ({"mx.example": {"A": "192.0.2.1"}, "_25._tcp.mx.example": {"TLSA": "TIMEOUT"}}, True, "temporary"),
        ({"mx.example": {"A": "192.0.2.1"}}, True, "none"),
        ({"mx.example": "TIMEOUT"}, True, "temporary"),
    ],
)
def test_tlsa_records_demand(zone: dict[str, Any], secure: bool, demand: str) -> None:
    assert run(dane.discover("MX.example."), ZoneResolver(zone, secure=secure)).demand == demand
