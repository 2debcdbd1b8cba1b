"""Laws: what is signed verifies however it was relayed, and nothing else does; no DNS answer breaks an evaluation."""

import asyncio
from ipaddress import IPv4Address, IPv6Address
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailkit.errors import Invalid
from mailkit.mailauth import Answer, Message, Query, arun, authenticate, run
from mailkit.mailauth.arc import validate
from mailkit.mailauth.authres import AuthenticationResults, MethodResult, Property, parse, strip_forged, write
from mailkit.mailauth.dkim import Signer, load_private_key, public_record, sign, sign_bytes, verify
from mailkit.mailauth.dkim.canonical import BodyHash, body_digests
from mailkit.mailauth.dmarc import Identifiers, compare, evaluate
from mailkit.mailauth.lookup import MX, TLSA, temporary
from mailkit.mailauth.resolvers.zone import ZoneResolver
from mailkit.mailauth.spf import check

NOW = 1_700_000_000_000
SEED = bytes(range(32))
SIGNER = Signer("example.org", "sel", SEED)
ZONE = ZoneResolver({"sel._domainkey.example.org": {"TXT": public_record(load_private_key(SEED))}})

words = st.text(st.sampled_from("abcXYZ019.,!?=;:-"), min_size=1, max_size=12)
lines = st.lists(words, max_size=6).map(" ".join)
bodies = st.lists(lines, max_size=8).map(lambda parts: "\r\n".join(parts).encode())
subjects = st.lists(words, min_size=1, max_size=5).map(" ".join)


def message(subject: str, body: bytes) -> bytes:
    head = f"From: Ann <ann@example.org>\r\nTo: bob@example.net\r\nSubject: {subject}\r\nMessage-ID: <1@b.c>\r\n\r\n"
    return head.encode() + body


def word(raw: bytes) -> str:
    (result,) = run(verify(Message.parse(raw), now=NOW), ZONE)
    return result.result


@given(subjects, bodies, st.data())
@settings(max_examples=60, deadline=None)
def test_what_a_relay_may_do_leaves_the_signature_whole(subject: str, body: bytes, data: st.DataObject) -> None:
    raw = sign_bytes(message(subject, body), [SIGNER], now=NOW)
    mutations = {
        "a trace field on top": lambda m: b"Received: from a by b; Tue, 14 Nov 2023 22:13:20 +0000\r\n" + m,
        "bare line feeds": lambda m: m.replace(b"\r\n", b"\n"),
        "empty lines at the end": lambda m: m + b"\r\n\r\n" if m.endswith(b"\r\n") else m + b"\r\n",
        "field names in capitals": lambda m: m.replace(b"Subject:", b"SUBJECT:").replace(b"To:", b"TO :"),
        "another folding": lambda m: m.replace(b"Subject: ", b"Subject:\r\n\t  "),
        "blanks at line ends": lambda m: m.replace(b"\r\n\r\n", b"\r\n\r\n", 1) + (b" \t" if m[-1:].isalnum() else b""),
        "an unsigned field": lambda m: b"X-Spam: no\r\n" + m,
    }
    for name in data.draw(st.lists(st.sampled_from(sorted(mutations)), max_size=4, unique=True)):
        raw = mutations[name](raw)
    assert word(raw) == "pass"


@given(subjects, bodies.filter(bool), st.data())
@settings(max_examples=80, deadline=None)
def test_any_other_changed_octet_breaks_it(subject: str, body: bytes, data: st.DataObject) -> None:
    raw = sign_bytes(message(subject, body), [SIGNER], now=NOW)
    visible = [i for i in range(raw.index(b"\r\nFrom:") + 8, len(raw)) if 0x21 <= raw[i] < 0x7F]
    names = [i for i in visible if raw[i : i + 1] == b":" or raw[:i].rpartition(b"\n")[2].isalpha()]
    place = data.draw(st.sampled_from([i for i in visible if i not in names]))
    other = data.draw(st.integers(0x21, 0x7E).filter(lambda octet: octet != raw[place] and octet != 0x3A))
    assert word(raw[:place] + bytes([other]) + raw[place + 1 :]) != "pass"


@given(st.data())
@settings(max_examples=40, deadline=None)
def test_no_octet_of_the_signature_itself_may_change(data: st.DataObject) -> None:
    raw = sign_bytes(message("x", b"y\r\n"), [SIGNER], now=NOW)
    end = raw.index(b"\r\nFrom:")
    # The last character of a 64-octet signature carries four bits that mean nothing.
    place = data.draw(st.integers(raw.index(b"v=1"), end - 4).filter(lambda i: raw[i] > 0x20))
    other = data.draw(st.integers(0x21, 0x7E).filter(lambda octet: octet != raw[place]))
    changed = raw[:place] + bytes([other]) + raw[place + 1 :]
    assert word(changed) != "pass"


@given(
    st.lists(st.sampled_from([b"a", b" ", b"\t", b"\r\n", b"\n", b"\r", b"bc d ", b"\r\n\r\n"]), max_size=30), st.data()
)
@settings(max_examples=150, deadline=None)
def test_a_streamed_body_hashes_like_a_whole_one(parts: list[bytes], data: st.DataObject) -> None:
    raw = b"".join(parts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(raw)), max_size=6)))
    chunks = [raw[a:b] for a, b in zip([0, *cuts], [*cuts, len(raw)], strict=True)]
    whole = Message.parse(b"From: a@b.c\r\n\r\n" + raw).body
    wanted = [("simple", None), ("relaxed", None), ("relaxed", 3), ("simple", 2)]
    assert body_digests(iter(chunks), wanted) == body_digests(whole, wanted)
    streamed = Message.stream(iter([b"From: a@b.c\r", b"\n\r\n", *chunks]))
    assert [one.name for one in streamed.fields] == [b"from"]
    assert body_digests(streamed.body, wanted) == body_digests(whole, wanted)


def test_a_streamed_message_verifies_without_being_held() -> None:
    raw = sign_bytes(message("long", b"line of text\r\n" * 50_000), [SIGNER], now=NOW)
    chunks = (raw[i : i + 4096] for i in range(0, len(raw), 4096))
    (result,) = run(verify(Message.stream(chunks), now=NOW), ZONE)
    assert result.result == "pass"


def test_the_running_hash_counts_canonical_octets() -> None:
    running = BodyHash("relaxed")
    running.update(b"a  b \r\n")
    running.digest()
    assert running.size == len(b"a b\r\n")


# -- hostile answers

names = st.sampled_from(
    ["example.org", "a.example.org", "loop.example", "%{l}.example", "x" * 70 + ".example", "..", ""]
)
spf_records = st.lists(
    st.sampled_from(
        [
            *(
                "include:loop.example",
                "redirect=loop.example",
                "include:example.org",
                "exp=loop.example",
                "a",
                "mx",
                "ptr",
            ),
            *("exists:%{i}.x.example", "a:%{p}.example", "mx:example.org", "ptr:example.org", "-all", "~all"),
            *("ip4:192.0.2.0/24", "ip6:2001:db8::/32", "bad:term", "a:%{z}"),
        ]
    ),
    max_size=12,
).map(lambda terms: " ".join(["v=spf1", *terms]))
records = {
    "TXT": st.one_of(
        spf_records,
        st.sampled_from(
            ["v=DMARC1; p=reject", "v=DMARC1; p=none; psd=y", "v=DMARC1; psd=n", "v=DKIM1; p=", "\udcff", ""]
        ),
    ),
    "A": st.sampled_from([IPv4Address("192.0.2.1"), IPv4Address("198.51.100.7")]),
    "AAAA": st.just(IPv6Address("2001:db8::1")),
    "MX": st.builds(MX, st.integers(0, 9), names),
    "PTR": names,
    "TLSA": st.just(TLSA(3, 1, 1, b"x" * 32)),
}


class Hostile:
    """Answers every query from a random tape; counts the queries."""

    def __init__(self, data: st.DataObject) -> None:
        self.data, self.count, self.known = data, 0, dict[Query, Answer]()

    def __call__(self, query: Query) -> Answer:
        self.count += 1
        if query not in self.known:
            self.known[query] = self.data.draw(
                st.one_of(
                    st.just(Answer("nxdomain")),
                    st.just(Answer("nodata")),
                    st.just(temporary("timeout")),
                    st.lists(records[query.type], min_size=1, max_size=13).map(lambda r: Answer("ok", tuple(r))),
                )
            )
        return self.known[query]


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_hostile_answers_end_in_a_word_and_within_the_limits(data: st.DataObject) -> None:
    dns = Hostile(data)
    result = run(check("192.0.2.1", mail_from="u@example.org", helo="h.example"), dns)
    assert result.result in ("none", "neutral", "pass", "fail", "softfail", "temperror", "permerror")
    # 10 terms, each with one query and at most ten more, a validated name, the record of each domain, exp=.
    assert dns.count <= 10 * 12 + 24
    dns = Hostile(data)
    verdict = run(evaluate("a.b.example.org", Identifiers("mail.example.org", ("c.example.org", "other.example"))), dns)
    assert verdict.result in ("none", "pass", "fail", "temperror", "permerror")
    assert dns.count <= 8 * 4 + 1


@pytest.mark.parametrize(
    "record", ["v=spf1 include:a.example", "v=spf1 redirect=a.example", "v=spf1 mx ptr include:a.example"]
)
def test_loops_are_permanent_errors(record: str) -> None:
    zone = ZoneResolver({"a.example": {"TXT": record, "MX": "1 a.example", "A": "198.51.100.1"}})
    assert run(check("192.0.2.1", mail_from="u@a.example"), zone).result == "permerror"


def test_ten_thousand_records_are_no_problem() -> None:
    many = 10_000
    zone = ZoneResolver(
        {
            "a.example": {"TXT": "v=spf1 mx -all", "MX": [f"1 m{i}.example" for i in range(many)]},
            "b.example": {"TXT": "v=spf1 a -all", "A": ["198.51.100.1"] * many},
            "c.example": {"TXT": ["v=spf1 -all"] * many},
            "_dmarc.c.example": {"TXT": ["v=DMARC1; p=reject"] * many},
            "1.2.0.192.in-addr.arpa": {"PTR": [f"p{i}.example" for i in range(many)]},
            "d.example": {"TXT": "v=spf1 ptr -all"},
        }
    )
    results = [run(check("192.0.2.1", mail_from=f"u@{name}.example"), zone).result for name in "abcd"]
    assert results == ["permerror", "fail", "permerror", "fail"]
    assert run(evaluate("c.example", Identifiers()), zone).result == "none"


# -- drivers

senders = st.sampled_from(["ann@example.org", "", "x@nowhere.example", "@example.org"])


@given(st.data(), senders, st.sampled_from(["192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1"]))
@settings(max_examples=60, deadline=None)
def test_both_drivers_agree(data: st.DataObject, sender: str, ip: str) -> None:
    raw = sign_bytes(message("x", b"y\r\n"), [SIGNER], now=NOW)
    dns = Hostile(data)

    async def resolve(query: Query) -> Answer:
        await asyncio.sleep(0)
        return dns(query)

    def evaluation() -> Any:
        return authenticate(Message.parse(raw), ip=ip, helo="h.example.org", mail_from=sender, now=NOW)

    assert run(evaluation(), dns) == asyncio.run(arun(evaluation(), resolve))


def test_what_is_independent_is_asked_together() -> None:
    raw = b"".join(sign(Message.parse(message("x", b"")), [SIGNER, Signer("example.org", "two", SEED)], now=NOW))
    evaluation = authenticate(
        Message.parse(raw + message("x", b"")), ip="192.0.2.1", mail_from="a@example.org", now=NOW
    )
    assert {(query.name, query.type) for query in next(evaluation)} == {
        ("sel._domainkey.example.org", "TXT"),
        ("two._domainkey.example.org", "TXT"),
        ("example.org", "TXT"),
        ("1.2.0.192.in-addr.arpa", "PTR"),
    }


# -- Authentication-Results

tokens = st.from_regex(r"[a-z][a-z0-9-]{0,8}", fullmatch=True)
anything = st.text(st.characters(exclude_categories=["C", "Z"]), max_size=12) | st.text('ab "\\();=@.,', max_size=12)
results = st.builds(
    MethodResult,
    tokens.filter(lambda name: name != "none"),
    tokens,
    anything,
    st.lists(st.builds(Property, tokens, tokens, anything), max_size=3).map(tuple),
    st.lists(anything.map(lambda text: " ".join(text.split())).filter(bool), max_size=2).map(tuple),
    st.integers(1, 3),
)


@given(st.builds(AuthenticationResults, tokens, st.lists(results, max_size=3).map(tuple), st.integers(1, 2)))
@settings(max_examples=100, deadline=None)
def test_written_results_are_read_back(value: AuthenticationResults) -> None:
    raw = write(value)
    assert raw.endswith(b"\r\n")
    assert all(line[:1] in b" \t" for line in raw.split(b"\r\n")[1:-1])
    assert parse(raw.decode().partition(":")[2].replace("\r\n", "")) == value


@given(st.text('abc ;=()"\\/.@1\r\n\t', max_size=60))
@settings(max_examples=300, deadline=None)
def test_hostile_results_are_refused_and_never_crash(text: str) -> None:
    try:
        parse(text)
    except Invalid:
        pass
    raw = b"Authentication-Results: " + text.encode().replace(b"\r", b"").replace(b"\n", b"\r\n ") + b"\r\n\r\n"
    strip_forged(Message.parse(raw).fields, ["abc"])


@given(st.binary(max_size=400))
@settings(max_examples=200, deadline=None)
def test_any_octets_are_a_message(raw: bytes) -> None:
    for prefix in (b"", b"DKIM-Signature: ", b"ARC-Seal: i=1; ", b"From: "):
        found = Message.parse(prefix + raw)
        run(verify(found, now=NOW), ZONE)
        run(validate(found, now=NOW), ZONE)


def test_both_dmarc_methods_are_compared() -> None:
    zone = ZoneResolver(
        {"_dmarc.mail.example.co.uk": "v=DMARC1; p=reject; psd=n", "_dmarc.example.co.uk": "v=DMARC1; p=none"}
    )
    found = run(compare(["mail.example.co.uk"], Identifiers(dkim=("example.co.uk",))), zone)
    assert (found.rfc9989.result, found.rfc7489.result) == ("fail", "pass")
    assert any(line.startswith("organizational domain") for line in found.differences)
