"""DMARC where the zones of the suite do not go: the walk itself, several authors, failures, both methods."""

from typing import Any

import pytest

from mailkit.mailauth import Answer, Message, Query, run
from mailkit.mailauth.dmarc import (
    DmarcResult,
    Identifiers,
    author_domains,
    evaluate,
    evaluate_7489,
    evaluate_authors,
    parse_record,
)
from mailkit.mailauth.dmarc.walk import targets
from mailkit.mailauth.resolvers.zone import ZoneResolver

REJECT = "v=DMARC1; p=reject"


def outcome(author: str, zone: dict[str, Any], **identifiers: Any) -> DmarcResult:
    return run(evaluate(author, Identifiers(**identifiers)), ZoneResolver(zone))


@pytest.mark.parametrize(
    ("domain", "names"),
    [
        ("example.com", "example.com com"),
        ("a.mail.example.com", "a.mail.example.com mail.example.com example.com com"),
        (
            "a.b.c.d.e.f.g.org",
            "a.b.c.d.e.f.g.org b.c.d.e.f.g.org c.d.e.f.g.org d.e.f.g.org e.f.g.org f.g.org g.org org",
        ),
        (
            "a.b.c.d.e.f.g.h.i.org",
            "a.b.c.d.e.f.g.h.i.org d.e.f.g.h.i.org e.f.g.h.i.org f.g.h.i.org g.h.i.org h.i.org i.org org",
        ),
        ("com", "com"),
    ],
)
def test_a_walk_asks_these_names(domain: str, names: str) -> None:
    assert targets(domain) == tuple(names.split())


def test_a_walk_stops_at_psd_and_does_not_ask_what_it_need_not() -> None:
    asked: list[str] = []

    def answering(zone: dict[str, Any]) -> Any:
        resolve = ZoneResolver(zone)

        def answer(query: Query) -> Answer:
            asked.append(query.name)
            return resolve(query)

        return answer

    identifiers = Identifiers(dkim=("example.org",))
    run(evaluate("example.org", identifiers), answering({"_dmarc.example.org": REJECT}))
    assert asked == ["_dmarc.example.org"]
    asked.clear()
    run(evaluate("a.b.example.org", Identifiers()), answering({"_dmarc.b.example.org": REJECT + "; psd=n"}))
    assert asked == ["_dmarc.a.b.example.org", "_dmarc.b.example.org"]


def test_the_examples_of_organizational_domains() -> None:
    two = {"_dmarc.mail.example.com": REJECT, "_dmarc.example.com": "v=DMARC1; p=none"}
    found = outcome("a.mail.example.com", two, spf="b.example.com")
    assert (found.result, found.organizational_domain, found.policy) == ("pass", "example.com", "none")
    bounded = {"_dmarc.mail.example.com": REJECT + "; psd=n", "_dmarc.example.com": "v=DMARC1; p=none"}
    found = outcome("a.mail.example.com", bounded, spf="b.example.com")
    assert (found.result, found.domain, found.policy) == ("fail", "mail.example.com", "reject")
    suffix = {"_dmarc.com": "v=DMARC1; p=reject; sp=quarantine; psd=y"}
    found = outcome("a.mail.example.com", suffix, dkim=("b.example.com",))
    assert (found.result, found.organizational_domain, found.domain) == ("pass", "example.com", "com")
    assert (found.policy, found.applied) == ("quarantine", "sp")
    assert outcome("a.mail.example.com", suffix, dkim=("example.net", "other.com")).result == "fail"


def test_a_public_suffix_domain_speaks_for_itself() -> None:
    zone = {"_dmarc.bank": "v=DMARC1; p=reject; psd=y"}
    assert outcome("bank", zone, dkim=("bank",)).result == "pass"
    assert outcome("bank", zone, dkim=("giant.bank",)).result == "fail"
    assert outcome("giant.bank", zone, dkim=("mail.giant.bank",)).result == "pass"
    assert outcome("giant.bank", zone, dkim=("mega.bank",)).result == "fail"


def test_an_intermediate_record_is_not_the_policy_of_what_lies_below() -> None:
    zone = {"_dmarc.mail.example.com": REJECT, "_dmarc.example.com": "v=DMARC1; p=quarantine; sp=none"}
    assert outcome("a.mail.example.com", zone).domain == "example.com"


@pytest.mark.parametrize(
    ("record", "result", "policy"),
    [
        ("v=DMARC1; p=oops; rua=mailto:a@b.example", "fail", "none"),
        ("v=DMARC1; p=oops; rua=nonsense", "none", None),
        ("v=DMARC1; p=reject; sp=oops; rua=mailto:a@b.example", "fail", "none"),
        ("v=DMARC1; p=reject; np=oops", "none", None),
        ("v=DMARC1; p=reject; adkim=x; psd=maybe; t=what; other=1", "fail", "reject"),
        ("v=DMARC1;p=reject", "fail", "reject"),
        ("v=DMARC1", "none", None),
        ("V = DMARC1 ; P = QUARANTINE ;", "fail", "quarantine"),
        ("p=reject; v=DMARC1", "none", None),
        ("v=DMARC2; p=reject", "none", None),
    ],
)
def test_a_malformed_record_counts_for_what_it_is_worth(record: str, result: str, policy: str | None) -> None:
    found = outcome("example.org", {"_dmarc.example.org": record})
    assert (found.result, found.policy) == (result, policy)


def test_temporary_failures_are_neither_pass_nor_fail() -> None:
    assert outcome("example.org", {"_dmarc.example.org": "TIMEOUT"}).result == "temperror"
    assert outcome("a.example.org", {"_dmarc.example.org": "TIMEOUT"}).result == "temperror"
    zone = {"_dmarc.example.org": REJECT, "_dmarc.a.example.org": "TIMEOUT"}
    assert outcome("example.org", zone, dkim=("a.example.org",)).result == "temperror"
    assert outcome("example.org", zone, dkim=("a.example.org", "example.org")).result == "pass"
    assert outcome("example.org", zone, unsure=("example.org",)).result == "temperror"
    assert outcome("example.org", zone, unsure=("example.com",)).result == "fail"
    existence = {"_dmarc.example.org": REJECT + "; np=none", "b.example.org": "TIMEOUT"}
    assert outcome("b.example.org", existence).result == "temperror"


@pytest.mark.parametrize(
    ("head", "domains"),
    [
        ("From: a@Example.ORG\r\n", ["example.org"]),
        ('From: "x@y.example" <a@example.org>\r\n', ["example.org"]),
        ("From: a@example.org, b@example.org\r\n", ["example.org"]),
        ("From: a@example.org,\r\n b@example.com\r\n", ["example.org", "example.com"]),
        ("From: a@example.org\r\nFROM : b@example.com\r\n", ["example.org", "example.com"]),
        ("From: a@bücher.example\r\n", ["xn--bcher-kva.example"]),
        ("From: a@[192.0.2.1]\r\n", []),
        ("From: nobody\r\n", []),
        ("To: a@example.org\r\n", []),
    ],
)
def test_the_author_domains_of_a_message(head: str, domains: list[str]) -> None:
    assert list(author_domains(Message.parse(head.encode() + b"\r\n"))) == domains


def test_of_several_authors_the_worst_counts() -> None:
    zone = ZoneResolver({"_dmarc.a.example": "v=DMARC1; p=none", "_dmarc.b.example": REJECT})
    identifiers = Identifiers(dkim=("a.example",))
    found = run(evaluate_authors(["a.example", "b.example"], identifiers), zone)
    assert (found.result, found.author, found.policy) == ("fail", "b.example", "reject")
    assert found.authors == ("a.example", "b.example")
    assert run(evaluate_authors([], identifiers), zone).result == "permerror"
    assert run(evaluate_authors([f"{i}.example" for i in range(6)], identifiers), zone).result == "permerror"


@pytest.mark.parametrize(
    ("author", "record", "at", "result", "policy"),
    [
        ("a.example.co.uk", "v=DMARC1; p=reject; sp=none", "example.co.uk", "fail", "none"),
        ("a.example.co.uk", REJECT, "co.uk", "none", None),
        ("example.co.uk", "v=DMARC1; p=reject; np=oops", "example.co.uk", "fail", "reject"),
        ("example.co.uk", "v=DMARC1; p=reject; sp=oops", "example.co.uk", "none", None),
        ("example.co.uk", "v=DMARC1; sp=oops; rua=mailto:a@b.c", "example.co.uk", "fail", "none"),
        ("example.co.uk", "v=DMARC1; p=reject; t=y; pct=10", "example.co.uk", "fail", "reject"),
    ],
)
def test_the_older_method_asks_the_author_and_the_registered_domain(
    author: str, record: str, at: str, result: str, policy: str | None
) -> None:
    found = run(evaluate_7489(author, Identifiers()), ZoneResolver({f"_dmarc.{at}": record}))
    assert (found.result, found.policy) == (result, policy)


def test_the_older_method_stops_at_several_records() -> None:
    zone = ZoneResolver({"_dmarc.a.example.org": {"TXT": [REJECT, REJECT]}, "_dmarc.example.org": REJECT})
    assert run(evaluate_7489("a.example.org", Identifiers()), zone).result == "none"
    assert run(evaluate("a.example.org", Identifiers()), zone).result == "fail"


def test_reporting_addresses_are_kept_in_their_case_and_without_size() -> None:
    record = parse_record(
        "v=DMARC1; p=none; rua=mailto:Reports@Example.COM!10m , https://x.example/; ruf=mailto:nobody"
    )
    assert record is not None
    assert record.rua == ("mailto:Reports@Example.COM", "https://x.example/")
    assert record.ruf == ()
