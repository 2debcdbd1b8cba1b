"""The public suites, as data in tests/conformance, and the page that counts them.

    python -m tests.mailauth.test_conformance > docs/conformance/mailauth.md

Each suite is a generator of `Case`: what was expected, what came out, and, where we judge the suite to be wrong, why.
"""

import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from attrs import frozen

from mailkit.mailauth.arc import seal, validate
from mailkit.mailauth.dkim import Signer, verify
from mailkit.mailauth.dkim.canonical import relax_field, relaxed_body, simple_body
from mailkit.mailauth.dmarc import Identifiers, author_domains, evaluate_authors, registered_domain
from mailkit.mailauth.domain import normal
from mailkit.mailauth.lookup import run
from mailkit.mailauth.message import Message
from mailkit.mailauth.resolvers.zone import ZoneResolver
from mailkit.mailauth.spf import check

ROOT = Path(__file__).parents[2]
DATA = ROOT / "tests" / "conformance"
PAGE = ROOT / "docs" / "conformance" / "mailauth.md"
NOW = 1_700_000_000_000


@frozen
class Case:
    """One comparison. `disputed` cites the section by which the expectation is wrong; such a case counts as such."""

    id: str
    expected: Any
    got: Any
    disputed: str = ""

    @property
    def ok(self) -> bool:
        return bool(self.got == self.expected)


def _documents(path: str) -> Iterator[dict[str, Any]]:
    with (DATA / path).open(encoding="utf-8") as file:
        yield from yaml.safe_load_all(file)


def _spf(path: str) -> Iterator[tuple[str, dict[str, Any], Any]]:
    for document in _documents(path):
        zone = ZoneResolver(document["zonedata"])
        for name, case in document["tests"].items():
            evaluation = check(
                case["host"], mail_from=case["mailfrom"], helo=case["helo"], default_explanation="DEFAULT"
            )
            yield f"{document['description']}: {name}", case, run(evaluation, zone)


def spf_results(path: str) -> Iterator[Case]:
    for name, case, result in _spf(path):
        allowed = case["result"] if isinstance(case["result"], list) else [case["result"]]
        yield Case(name, result.result if result.result in allowed else allowed, result.result)


def spf_explanations(path: str) -> Iterator[Case]:
    for name, case, result in _spf(path):
        if "explanation" in case:
            yield Case(name, case["explanation"], result.explanation)


def dkim_messages() -> Iterator[Case]:
    for case in json.loads((DATA / "dkim/cases.json").read_text()):
        message = Message.parse((DATA / "dkim" / case["file"]).read_bytes())
        now = NOW if case["now"] is None else case["now"] * 1000
        results = [one.result for one in run(verify(message, now=now), ZoneResolver(case["dns"]))]
        yield Case(case["id"], case["expect"], "pass" if set(results) == {"pass"} else ",".join(results))


def canonicalization() -> Iterator[Case]:
    for case in json.loads((DATA / "dkim/canonicalization.json").read_text()):
        text = case["input"].encode()
        if case["kind"] == "body":
            got = relaxed_body(text) if case["form"] == "relaxed" else simple_body(text)
        else:
            fields = [one.raw for one in Message.parse(text + b"\r\n").fields]
            got = b"".join([relax_field(raw) if case["form"] == "relaxed" else raw for raw in fields])
        yield Case(case["id"], case["expect"].encode(), got)


def arc_validation() -> Iterator[Case]:
    for document in _documents("arc/arc-draft-validation-tests.yml"):
        zone = ZoneResolver(document["txt-records"])
        for name, case in document["tests"].items():
            result = run(validate(Message.parse(case["message"].encode()), now=NOW), zone)
            # The suite leaves cv empty for chains that say cv=fail: their status is fail (RFC 8617 section 5.2 step 2).
            yield Case(name, case["cv"].lower() or "fail", result.result)


def arc_signing() -> Iterator[Case]:
    def bare(text: str) -> str:
        return re.sub(r"\s+", "", text)

    for document in _documents("arc/arc-draft-sign-tests.yml"):
        zone = ZoneResolver(document["txt-records"])
        signer = Signer(document["domain"], document["sel"], document["privatekey"].encode())
        for name, case in document["tests"].items():
            message = Message.parse(case["message"].encode())
            fields = seal(
                message,
                signer,
                authserv_id=case["srv-id"],
                chain=run(validate(message, now=NOW), zone),
                now=case["t"] * 1000,
                names=case["sig-headers"].split(":"),
            )
            got = [bare(one.decode().partition(":")[2]) for one in fields or (b"", b"", b"")]
            yield Case(name, [bare(case[part]) for part in ("AS", "AMS", "AAR")], got)


def public_suffixes() -> Iterator[Case]:
    pytest.importorskip("publicsuffixlist")
    for line in (DATA / "dmarc/test_psl.txt").read_text("utf-8").splitlines():
        match = re.match(r"checkPublicSuffix\('(.*?)', (?:null|'(.*?)')\);", line)
        if match:
            yield Case(match[1], normal(match[2]) if match[2] else None, registered_domain(match[1]))


DISPUTED = {
    "does not inherit the org policy when the author domain publishes multiple records (§4.10 step 2)": (
        "RFC 9989 section 4.10 step 2 discards several records at one name and does not stop the walk; section 4.10.1 "
        "then takes the record of the organizational domain"
    )
}


def dmarc_zones() -> Iterator[Case]:
    for test in json.loads((DATA / "dmarc/rfc9989-zones.json").read_text("utf-8")):
        for call in test["calls"]:
            if "zone" not in call or not (expected := _expectations(call)):
                continue
            senders = call["headerFrom"] if isinstance(call["headerFrom"], list) else [call["headerFrom"]]
            message = Message.parse(f"From: {', '.join(senders)}\r\n\r\n".encode())
            found = Identifiers(
                spf=next((one["domain"] for one in call["spfDomains"]), None),
                dkim=tuple(one["domain"] for one in call["dkimDomains"]),
            )
            result = run(evaluate_authors(author_domains(message), found), ZoneResolver(call["zone"]))
            record = result.record
            values = {
                "status.result": result.result,
                "policy": result.policy,
                "domain": result.domain,
                "status.header.from": result.author,
                "status.header.d": result.domain,
                "alignment.spf.result": result.organizational_domain if result.spf else None,
                "alignment.dkim.result": result.organizational_domain if result.dkim else None,
                "alignment.dkim.strict": record is not None and record.adkim == "s",
            }
            got = {path: values[path] for path in expected}
            yield Case(f"{test['suite']}: {test['name']}", expected, got, DISPUTED.get(test["name"], ""))


def _expectations(call: dict[str, Any]) -> dict[str, Any]:
    """What the case expects, by path; expectations about another library's own fields are left out."""
    values = {"true": True, "false": False, "not ok": None, "undefined": None}
    return {
        one["path"]: values.get(one["op"], one["value"])
        for one in call["expect"]
        if one["path"] and not one["path"].endswith("underSized")
    }


SUITES: dict[str, tuple[str, Callable[[], Iterator[Case]]]] = {
    "SPF, openspf rfc7208": ("RFC 7208", lambda: spf_results("spf/rfc7208-tests.yml")),
    "SPF, openspf rfc7208, explanations": ("RFC 7208", lambda: spf_explanations("spf/rfc7208-tests.yml")),
    "SPF, openspf rfc4408": ("RFC 7208", lambda: spf_results("spf/rfc4408-tests.yml")),
    "SPF, openspf rfc4408, explanations": ("RFC 7208", lambda: spf_explanations("spf/rfc4408-tests.yml")),
    "DKIM, messages": ("RFC 6376, 8463", dkim_messages),
    "DKIM, canonicalization": ("RFC 6376", canonicalization),
    "ARC, validation": ("RFC 8617", arc_validation),
    "ARC, signing, whole sets": ("RFC 8617", arc_signing),
    "public suffixes": ("RFC 7489", public_suffixes),
    "DMARC, zones": ("RFC 9989", dmarc_zones),
}


@pytest.mark.parametrize("name", SUITES)
def test_every_case_of_the_suite_passes_unless_disputed(name: str) -> None:
    cases = list(SUITES[name][1]())
    assert cases
    assert [case for case in cases if not case.ok and not case.disputed] == []


def test_a_disputed_case_is_dropped_once_it_passes() -> None:
    assert [case.id for case in dmarc_zones() if case.disputed and case.ok] == []


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("SPF, openspf rfc7208", 203),
        ("SPF, openspf rfc7208, explanations", 22),
        ("SPF, openspf rfc4408", 191),
        ("ARC, validation", 109),
        ("ARC, signing, whole sets", 17),
        ("public suffixes", 77),
    ],
)
def test_the_suite_is_there_as_a_whole(name: str, count: int) -> None:
    assert len(list(SUITES[name][1]())) == count


def test_the_page_says_what_this_run_counts() -> None:
    assert PAGE.read_text("utf-8") == page()


def page() -> str:
    """docs/conformance/mailauth.md."""
    lines = [
        "# Conformance: message authentication",
        "",
        "Generated by `python -m tests.mailauth.test_conformance > docs/conformance/mailauth.md`; the counts are those",
        "of the run, and a test holds the page to them. The suites are in `tests/conformance`, with their licences.",
        "",
        "| suite | specification | passed | of |",
        "|---|---|---|---|",
    ]
    disputes = []
    for name, (specification, suite) in SUITES.items():
        cases = list(suite())
        lines.append(f"| {name} | {specification} | {sum(case.ok for case in cases)} | {len(cases)} |")
        disputes += [case for case in cases if not case.ok]
    lines += ["", "## Cases that do not pass", ""]
    for case in disputes:
        lines.append(f"- {case.id}: expected `{case.expected}`, got `{case.got}`. {case.disputed or 'Open.'}.")
    lines += [
        "",
        "The ARC signing set is compared without white space: a seal covers the white space of the signature below it,",
        "and the published seals were made over a b= on one line. The ARC cases whose expected status is empty say",
        "cv=fail, and count as fail (RFC 8617 section 5.2 step 2). DMARC cases without a zone, and expectations about",
        "fields of the library that the suite comes from, are left out.",
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.stdout.write(page())
