"""Throws mutated records, signatures and messages at every parser and evaluator of mailkit.mailauth.

    python -m fuzz.mailauth [--seconds 30] [--seed N]

What must hold: a parser raises its own error or returns; an evaluation ends in one of the standard's words within the
limits on queries, whatever the DNS answers; nothing takes more than a second.
"""

import argparse
import random
import time
from collections.abc import Callable
from contextlib import suppress
from ipaddress import IPv4Address

from mailkit.errors import Invalid
from mailkit.mailauth import Answer, Message, Query, authenticate, authentication_results, mta_sts, run, tlsrpt
from mailkit.mailauth.authres import parse, strip_forged, write
from mailkit.mailauth.dkim.key import KeyRefused, parse_key
from mailkit.mailauth.dmarc.record import parse_record as parse_dmarc
from mailkit.mailauth.lookup import MX, TLSA, temporary
from mailkit.mailauth.message import crlf_chunks
from mailkit.mailauth.report import as_json, as_text
from mailkit.mailauth.resolvers.zone import ZoneResolver, read_zone
from mailkit.mailauth.spf.record import SpfSyntaxError, is_spf
from mailkit.mailauth.spf.record import parse_record as parse_spf
from mailkit.mailauth.taglist import TagSyntaxError, parse_tags

KEY = "v=DKIM1; k=ed25519; h=sha256; s=email; t=y:s; p=A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg="
TEXTS = [
    "v=spf1 include:a.example a:%{d1r-}.b mx/24//64 ip4:192.0.2.0/24 ip6:2001:db8::/32 exists:%{ir}.x ptr redirect=c",
    "v=spf1 exp=%{l}.example -all",
    KEY,
    "v=DMARC1; p=reject; sp=none; np=quarantine; psd=n; t=y; adkim=s; rua=mailto:a@b.example!10m,https://x/y; fo=1:d",
    "v=STSv1; id=20231114;",
    "v=TLSRPTv1; rua=mailto:a@b.example,https://x.example/",
    'mx.example 1 (c (d)); dkim/1=pass (x) reason="a;b" header.d=b.example header.i="@q r"@b.example; spf=fail',
    "version: STSv1\nmode: enforce\nmx: *.example\nmax_age: 1",
    "a.example: {TXT: [x], MX: ['1 b'], A: 192.0.2.1}",
]
SIGNATURE = (
    "v=1; a=ed25519-sha256; c=relaxed/simple; d=b.example; s=sel; i=x=40y@b.example; q=dns/txt;\r\n"
    " t=1; x=4000000000; l=3;\r\n"
    " h=from : to:subject;\r\n bh=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=; b=AAAA"
)
MESSAGE = (
    f"DKIM-Signature: {SIGNATURE}\r\n"
    "ARC-Seal: i=1; a=rsa-sha256; cv=none; d=b.example; s=sel; t=1; b=AAAA\r\n"
    "ARC-Message-Signature: i=1; a=rsa-sha256; c=relaxed/relaxed; d=b.example; s=sel; h=from; bh=AAAA; b=AAAA\r\n"
    "ARC-Authentication-Results: i=1; mx.example; spf=pass\r\n"
    "Authentication-Results: mx.example; dkim=pass\r\n"
    "From: A <a@b.example>, c@d.example\r\nTo: x@y.example\r\nSubject: s\r\n\r\nbody \t\r\n\r\n"
).encode()
SPICE = [
    *';=:.,%{}()"\\/<>@ \t\r\n-~?+*',
    *("\x00", "\udcff", "ü", "%{p}", "::", ";;", "i=51", "\r\n ", "include:a.example "),
]
WORDS = {"none", "pass", "fail", "policy", "neutral", "softfail", "temperror", "permerror"}


def mutate(text: str, chance: random.Random) -> str:
    for _ in range(chance.randrange(6)):
        place = chance.randrange(len(text) + 1)
        match chance.randrange(4):
            case 0:
                text = text[:place] + chance.choice(SPICE) + text[place:]
            case 1:
                text = text[:place] + text[place + chance.randrange(1, 8) :]
            case 2:
                text = text[:place] + text[place : place + 20] * chance.randrange(1, 4) + text[place:]
            case _:
                text = text[:place] + chance.choice(TEXTS)[chance.randrange(30) :][:30] + text[place:]
    return text[:20_000]


class Dns:
    """Answers at random, the same each time within one run; counts."""

    def __init__(self, chance: random.Random) -> None:
        self.chance, self.known, self.count = chance, dict[Query, Answer](), 0

    def __call__(self, query: Query) -> Answer:
        self.count += 1
        if query not in self.known:
            self.known[query] = self.answer(query.type)
        return self.known[query]

    def answer(self, kind: str) -> Answer:
        chance = self.chance
        if chance.random() < 0.3:
            return chance.choice([Answer("nodata"), Answer("nxdomain"), temporary("fuzz")])
        makers: dict[str, Callable[[], object]] = {
            "TXT": lambda: mutate(chance.choice(TEXTS), chance),
            "A": lambda: IPv4Address(chance.choice(["192.0.2.1", "198.51.100.1"])),
            "MX": lambda: MX(chance.randrange(9), mutate("a.example", chance)),
            "PTR": lambda: mutate("a.example", chance),
            "TLSA": lambda: TLSA(3, 1, 1, b""),
        }
        make = makers.get(kind, makers["A"])
        return Answer("ok", tuple(make() for _ in range(chance.choice([1, 1, 1, 2, 12, 200]))))


def parsers(text: str) -> None:
    with suppress(TagSyntaxError):
        parse_tags(text)
    with suppress(KeyRefused):
        parse_key(text)
    if is_spf(text):
        with suppress(SpfSyntaxError):
            parse_spf(text)
    parse_dmarc(text)
    tlsrpt.parse_record(text)
    with suppress(Invalid):
        assert parse(text) is not None
    with suppress(Invalid):
        mta_sts.parse_policy(text.encode("utf-8", "surrogateescape"))
    with suppress(Invalid):
        ZoneResolver(read_zone(text))


def evaluations(raw: bytes, chance: random.Random) -> None:
    message = Message.parse(raw)
    streamed = Message.stream(raw[i : i + 7] for i in range(0, len(raw), 7))
    assert streamed.fields == message.fields
    assert b"".join(crlf_chunks(streamed.body)) == message.body
    dns = Dns(chance)
    sender = mutate("u@b.example", chance)
    evaluation = authenticate(
        message,
        ip=chance.choice(["192.0.2.1", "2001:db8::1"]),
        mail_from=sender,
        helo="h.example",
        now=2_000_000_000_000,
        method=chance.choice(["rfc9989", "rfc7489"]),
    )
    found = run(evaluation, dns)
    words = {found.arc.result, found.dmarc.result, *(one.result for one in found.dkim)}
    assert words <= WORDS
    # SPF at most 146, iprev 11, 16 signatures, an ARC chain of 50 sets, five authors with walks of 18 identifiers.
    assert dns.count <= 146 + 11 + 16 + 100 + 5 * 8 * 19, dns.count
    as_json(found)
    as_text(found)
    field = write(authentication_results(found, "mx.example", ip="192.0.2.1"))
    assert parse(Message.parse(field + b"\r\n").fields[0].text).authserv_id == "mx.example"
    strip_forged(message.fields, ["mx.example"])


# Where a careless parser would be quadratic.
BLANKS = " " * 60_000
LETTERS = "a" * 60_000
HUGE = [
    f"v=spf1 a:{LETTERS}! -all",
    f"v=spf1 a:.{LETTERS}! -all",
    f"v=spf1 a:{'.a' * 30_000}! -all",
    f"v=spf1 exists:{'%{l}.' * 10_000}example -all",
    f"v=spf1 a:{'/1' * 30_000}x -all",
    f"v=spf1 {'ip4:192.0.2.1 ' * 4000}-all",
    f"v=spf1 exp={'%{l1r-}.' * 7000}a -all",
]

FIELDS = [
    f"DKIM-Signature: v=1; a=rsa-sha256; d=b.example; s=s; h=from{BLANKS}x; bh=AAAA; b=AAAA",
    f"DKIM-Signature: v=1; a=rsa-sha256; d=b.example; s=s; q=a{BLANKS}b; h=from; bh=AAAA; b={BLANKS}AAAA",
    f"DKIM-Signature: {'b' + BLANKS}; v=1; {';'.join(['x' + str(i) + '=' for i in range(9000)])}",
    f"DKIM-Signature: v=1; {'(' * 60_000}",
    f"ARC-Authentication-Results: {'(' * 30_000}{')' * 30_000} i=1; x",
    f"ARC-Authentication-Results: {'()' * 30_000} i=1 x",
    f"Authentication-Results: {'(' * 60_000}",
    f"Authentication-Results: x; {'a=b ' * 15_000}",
    f"From: {BLANKS}<a@{LETTERS}.example>",
]

POLICIES = [
    f"v=DMARC1; p=none; rua=x{BLANKS}y",
    f"v=DMARC1; p{BLANKS}reject; fo=0{BLANKS}1",
    f"v=DMARC1;{';' * 60_000}",
]


def long_inputs() -> None:
    """Every long input takes well under the second that quadratic work on 60 kB would need many of."""
    zone = ZoneResolver(
        {
            "s._domainkey.b.example": {"TXT": [f"h=a{BLANKS}b; p=AAAA", f"p={LETTERS}"]},
            **{f"p{i}.example": {"TXT": text} for i, text in enumerate(HUGE)},
            **{f"_dmarc.d{i}.example": {"TXT": text} for i, text in enumerate(POLICIES)},
        }
    )
    raws = [f"{field}\r\n\r\n" for field in FIELDS]
    raws += [f"From: a@d{i}.example\r\n\r\n" for i in range(len(POLICIES))]
    inputs = [(raw, "") for raw in raws] + [("\r\n", f"{'l-' * 30}@p{i}.example") for i in range(len(HUGE))]
    for raw, sender in inputs:
        message = Message.parse(raw.encode())
        start = time.monotonic()
        run(authenticate(message, ip="203.0.113.1", mail_from=sender, now=2_000_000_000_000), zone)
        strip_forged(message.fields, ["x"])
        assert time.monotonic() - start < 1, (raw[:80], sender)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    options = parser.parse_args()
    long_inputs()
    chance = random.Random(options.seed)
    end, count = time.monotonic() + options.seconds, 0
    while time.monotonic() < end:
        text = mutate(chance.choice(TEXTS), chance)
        raw = mutate(MESSAGE.decode(), chance).encode("utf-8", "surrogateescape")
        start = time.monotonic()
        try:
            parsers(text)
            evaluations(raw, chance)
            assert time.monotonic() - start < 1 or not count
        except Exception:
            print(f"seed {options.seed}, input {count}: {text!r}\n{raw!r}")
            raise
        count += 1
    print(f"{count} inputs; seed {options.seed}")


if __name__ == "__main__":
    main()
