"""Message authentication against its peers in Python, DNS in memory.

    python -m benchmarks.mailauth [--rounds 5] [--seconds 0.4] [--only NAME]

Rounds are interleaved, ours and the peer's in turn, and the best of each counts (processor time). The ratio says how
many times faster ours is. Peers: pyspf for SPF, dkimpy for DKIM and ARC (`pip install pyspf dkimpy`); DMARC has an
absolute aim, for which the machine is printed.
"""

import argparse
import platform
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from attrs import frozen

from mailkit.mailauth import Message, Query, run
from mailkit.mailauth.arc import validate
from mailkit.mailauth.dkim import Signer, load_private_key, public_record, sign, sign_bytes, verify
from mailkit.mailauth.dmarc import Identifiers, evaluate
from mailkit.mailauth.resolvers.zone import ZoneResolver
from mailkit.mailauth.spf import check

DATA = Path(__file__).parents[1] / "tests" / "conformance"
NOW = 1_700_000_000_000


@frozen
class Contest:
    """`ours` and `peer` do `work` units when called; `aim` is a ratio, or units per second without a peer."""

    name: str
    aim: float
    ours: Callable[[], Any]
    peer: Callable[[], Any] | None = None
    work: int = 1


def spf() -> Contest:
    import spf as pyspf

    cases = []
    for document in yaml.safe_load_all((DATA / "spf/rfc7208-tests.yml").read_text("utf-8")):
        zone = ZoneResolver(document["zonedata"])
        cases += [(case["host"], case["mailfrom"], case["helo"], zone) for case in document["tests"].values()]
    tables = {id(zone): prepared(zone) for _, _, _, zone in cases}
    current: dict[Any, Any] = {}

    def lookup(name: str, kind: str, *_: Any, **__: Any) -> list[Any]:
        found = current.get((name.rstrip(".").lower(), kind), [])
        if found == "temporary":
            raise pyspf.TempError("timeout")
        return found

    pyspf.DNSLookup = lookup

    def ours() -> None:
        for ip, sender, helo, zone in cases:
            run(check(ip, mail_from=sender, helo=helo), zone)

    def peer() -> None:
        nonlocal current
        for ip, sender, helo, zone in cases:
            current = tables[id(zone)]
            pyspf.query(ip, sender, helo, timeout=100).check()

    return Contest("SPF checks, DNS in memory", 1.5, ours, peer, len(cases))


def prepared(zone: ZoneResolver) -> dict[Any, Any]:
    """The zone in the shape that pyspf wants, so that its look-ups cost it nothing."""
    shape = {"TXT": lambda r: (r.encode("utf-8", "surrogateescape"),), "SPF": lambda r: (r.encode(),), "MX": tuple}
    return {
        key: "temporary" if answer.status == "temporary" else [(key, shape.get(key[1], str)(r)) for r in answer.records]
        for key, answer in zone._records.items()
    }


def rsa2048() -> bytes:
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key = rsa.generate_private_key(65537, 2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())


KEY = rsa2048()
SIGNER = Signer("example.org", "sel", KEY)
RECORD = public_record(load_private_key(KEY))
ZONE = ZoneResolver({"sel._domainkey.example.org": RECORD})
HEAD = (
    b"Received: from a.example by b.example with ESMTPS id 1; Tue, 14 Nov 2023 22:13:20 +0000\r\n"
    b"From: Ann <ann@example.org>\r\nTo: Bob <bob@example.net>\r\nSubject: A subject of the usual length\r\n"
    b"Date: Tue, 14 Nov 2023 22:13:20 +0000\r\nMessage-ID: <1@example.org>\r\nMIME-Version: 1.0\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\n\r\n"
)
LINE = b"The quick brown fox jumps over the lazy dog,  and then it sleeps. \r\n"


def message(size: int) -> bytes:
    return HEAD + (LINE * (size // len(LINE) + 1))[: size - len(HEAD) - 2] + b"\r\n"


def dkim_sign() -> Contest:
    import dkim

    raw = message(4096)
    names = [b"from", b"to", b"subject", b"date", b"message-id", b"mime-version", b"content-type"]

    def peer() -> None:
        dkim.sign(raw, b"sel", b"example.org", KEY, canonicalize=(b"relaxed", b"relaxed"), include_headers=names)

    return Contest("DKIM sign 4 KB, rsa2048", 10, lambda: sign(Message.parse(raw), [SIGNER], now=NOW), peer)


def dkim_verify(name: str, size: int, aim: float) -> Contest:
    import dkim

    raw = sign_bytes(message(size), [SIGNER], now=NOW)

    def ours() -> None:
        (result,) = run(verify(Message.parse(raw), now=NOW), ZONE)
        assert result.result == "pass"

    def peer() -> None:
        assert dkim.verify(raw, dnsfunc=lambda *_, **__: RECORD.encode())

    return Contest(name, aim, ours, peer)


def arc_validate() -> Contest:
    import dkim

    document = next(iter(yaml.safe_load_all((DATA / "arc/arc-draft-validation-tests.yml").read_text("utf-8"))))
    zone = ZoneResolver(document["txt-records"])
    raws = [
        case["message"].replace("\n", "\r\n").encode() for case in document["tests"].values() if case["cv"] == "Pass"
    ]

    def ours() -> None:
        for raw in raws:
            assert run(validate(Message.parse(raw), now=NOW), zone).result == "pass"

    def lookup(name: bytes, *_: Any, **__: Any) -> bytes:
        return b"".join(text.encode() for text in zone(Query(name.decode(), "TXT")).records)

    def peer() -> None:
        for raw in raws:
            assert dkim.arc_verify(raw, dnsfunc=lookup)[0] == b"pass"

    return Contest("ARC validate", 2, ours, peer, len(raws))


def dmarc() -> Contest:
    zone = ZoneResolver({"_dmarc.example.org": "v=DMARC1; p=reject; rua=mailto:d@example.org"})
    mixed = [
        ("example.org", Identifiers("example.org", ("example.org",))),
        ("news.example.org", Identifiers("bounce.example.org", ("example.org",))),
        ("example.org", Identifiers("bounce.example.net", ("mail.example.org",))),
        ("example.com", Identifiers("example.com")),
    ]

    def ours() -> None:
        for author, identifiers in mixed:
            run(evaluate(author, identifiers), zone)

    return Contest("DMARC evaluate, warm DNS", 20_000, ours, None, len(mixed))


CONTESTS: dict[str, Callable[[], Contest]] = {
    "spf": spf,
    "sign": dkim_sign,
    "verify-4k": lambda: dkim_verify("DKIM verify 4 KB", 4096, 3),
    "verify-100k": lambda: dkim_verify("DKIM verify 100 KB", 100_000, 5),
    "verify-1m": lambda: dkim_verify("DKIM verify 1 MB", 1_000_000, 5),
    "arc": arc_validate,
    "dmarc": dmarc,
}


def rate(work: Callable[[], Any], units: int, seconds: float) -> float:
    count, start = 0, time.process_time()
    while (spent := time.process_time() - start) < seconds or not count:
        work()
        count += 1
    return count * units / spent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.4)
    parser.add_argument("--only", choices=CONTESTS)
    options = parser.parse_args()
    print(f"{platform.processor() or platform.machine()}, Python {sys.version.split()[0]}, best of {options.rounds}\n")
    print(f"{'benchmark':28} {'ours/s':>10} {'peer/s':>10} {'ratio':>8} {'aim':>8}")
    rates: dict[str, float] = {}
    for name in [options.only] if options.only else CONTESTS:
        contest = CONTESTS[name]()
        ours = peer = 0.0
        for _ in range(options.rounds):
            ours = max(ours, rate(contest.ours, contest.work, options.seconds))
            if contest.peer is not None:
                peer = max(peer, rate(contest.peer, contest.work, options.seconds))
        rates[name] = ours
        if contest.peer is None:
            print(f"{contest.name:28} {ours:>10,.0f} {'-':>10} {'-':>8} {contest.aim:>7,.0f}/s")
        else:
            print(f"{contest.name:28} {ours:>10,.0f} {peer:>10,.0f} {ours / peer:>7.1f}x {contest.aim:>7.1f}x")
    if {"verify-100k", "verify-1m"} <= rates.keys():
        print(f"\n1 MB takes {rates['verify-100k'] / rates['verify-1m']:.1f} times as long as 100 KB (linear: 10)")


if __name__ == "__main__":
    main()
