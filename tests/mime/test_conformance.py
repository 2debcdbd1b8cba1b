"""The header and message cases of mail-parser, another parser's opinion: agreement, or a reason from the RFCs.

`python -m tests.mime.test_conformance` writes `docs/conformance/mime.md`. Where we differ on purpose, `judged.json`
holds our own answer and the reason; a case that is neither equal nor judged fails.
"""

import json
import re
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from mailkit.mime.addresses import Group, Mailbox, parse_addresses
from mailkit.mime.bodies import body_parts
from mailkit.mime.dates import parse_date
from mailkit.mime.encoded_words import decode_header
from mailkit.mime.list_headers import parse_phrases
from mailkit.mime.message_ids import parse_message_ids
from mailkit.mime.parameters import parse_parameters
from mailkit.mime.part_text import text_of
from mailkit.mime.received import parse_received
from mailkit.mime.scan import Part, scan

ROOT = Path(__file__).parents[2]
#: Messages where we differ, and why.
MESSAGES = {
    "000": "RFC 2045 6.8: what is no base64 in a base64 body is skipped; theirs leaves the body encoded and unsorted",
    "002": "RFC 8621 4.1.4: inline media that is in both bodies is no attachment",
    "008": "RFC 2046 5.2.1: a message/rfc822 may not be base64; we keep it as a leaf with a defect, theirs parses it",
}
DATA = ROOT / "tests" / "conformance" / "mime"
PAGE = ROOT / "docs" / "conformance" / "mime.md"

_FIELD = re.compile(rb"(?:[^\n]*\n[ \t])*[^\n]*")
_PROTOCOLS = re.compile(r"(?:UTF8)?(?:E?SMTP|LMTP)(?:SA|S|A)?|HTTPS?|IMAP|POP3|MMS|LOCAL")


def field(case: str) -> bytes:
    """The field's value: the cases go on behind the line end that closes it."""
    found = _FIELD.match(case.encode())
    assert found
    return found[0]


def moment(date: datetime | None) -> dict[str, Any] | None:
    if date is None:
        return None
    offset = date.utcoffset()
    assert offset is not None
    minutes = int(offset.total_seconds()) // 60
    return {
        "year": date.year, "month": date.month, "day": date.day,
        "hour": date.hour, "minute": date.minute, "second": date.second,
        "tz_before_gmt": minutes < 0, "tz_hour": abs(minutes) // 60, "tz_minute": abs(minutes) % 60,
    }  # fmt: skip


def mailbox(entry: Mailbox) -> dict[str, str | None]:
    return {"name": entry.name or None, "address": entry.address or None}


def our_address(case: str) -> Any:
    found = parse_addresses(field(case))
    if not any(isinstance(entry, Group) for entry in found):
        return {"List": [mailbox(entry) for entry in found if isinstance(entry, Mailbox)]} if found else None
    groups: list[dict[str, Any]] = []
    open_group = False
    for entry in found:
        if isinstance(entry, Group):
            groups.append({"name": entry.name or None, "addresses": [mailbox(member) for member in entry.members]})
            open_group = False
            continue
        if not open_group:
            groups.append({"name": None, "addresses": []})
            open_group = True
        groups[-1]["addresses"].append(mailbox(entry))
    return {"Group": groups}


def our_content_type(case: str) -> Any:
    found = parse_parameters(field(case).decode())
    kind, _, subtype = found.value.lower().partition("/")
    languages = {f"{name}-language": tag for name, tag in found.languages.items()}
    return {"c_type": kind, "c_subtype": subtype or None, **_attributes(found.parameters | languages)} if kind else None


def _attributes(pairs: dict[str, str]) -> dict[str, Any]:
    return {"attributes": sorted([name, value] for name, value in pairs.items())} if pairs else {"attributes": None}


def their_content_type(expected: Any) -> Any:
    return expected and {
        "c_type": expected["c_type"],
        "c_subtype": expected["c_subtype"],
        "attributes": sorted(expected["attributes"]) if expected.get("attributes") else None,
    }


def our_received(case: str) -> Any:
    found = parse_received(field(case).decode())
    told = {
        "from": found.from_name, "from_ip": found.from_ip, "from_iprev": found.from_rdns, "helo": found.helo,
        "ident": found.ident, "by": found.by, "via": found.via, "id": found.id, "for_": found.for_,
        "with": found.protocol if _PROTOCOLS.fullmatch(found.protocol) else "",
        "tls_version": found.tls_version, "tls_cipher": found.tls_cipher, "date": moment(found.date),
    }  # fmt: skip
    return {name: value for name, value in told.items() if value}


def their_received(expected: Any) -> Any:
    """Their words for hosts, versions and protocols in ours; the HELO command, which we don't keep, left out."""
    told = {name: value for name, value in expected.items() if value and name != "helo_cmd"}
    for name in ("from", "by", "helo"):
        if name in told:
            told[name] = next(iter(told[name].values()))
    if "with" in told:
        told["with"] = told["with"].upper()
    if "tls_version" in told:
        told["tls_version"] = told["tls_version"].replace("_", ".")
    if "from_ip" in told:
        told["from_ip"] = parse_received(f"from x ([{told['from_ip']}])").from_ip
    if told.get("date") and told["date"]["tz_hour"] == told["date"]["tz_minute"] == 0:
        told["date"] = told["date"] | {"tz_before_gmt": False}  # they keep the sign of zero
    return told


def same(expected: Any) -> Any:
    return expected


SUITES: dict[str, tuple[Callable[[str], Any], Callable[[Any], Any]]] = {
    "address": (our_address, same),
    "content_type": (our_content_type, their_content_type),
    "date": (lambda case: moment(parse_date(field(case).decode())), same),
    "id": (lambda case: list(parse_message_ids(field(case).decode())) or None, same),
    "list": (lambda case: list(parse_phrases(field(case))), same),
    "received": (our_received, their_received),
    "unstructured": (lambda case: decode_header(field(case)), same),
}


def message(part: Part, raw: bytes) -> dict[str, Any]:
    """One message as mail-parser shows it: its parts flat, nested messages within."""
    flat: list[Part] = []

    def gather(node: Part) -> None:
        flat.append(node)
        for child in node.children if node.content_type != b"message/rfc822" else []:
            gather(child)

    gather(part)
    places = {id(node): number for number, node in enumerate(flat)}
    bodies = body_parts(part)
    return {
        "text_body": [places[id(node)] for node in bodies.text],
        "html_body": [places[id(node)] for node in bodies.html],
        "attachments": [places[id(node)] for node in bodies.attachments],
        "parts": [
            {
                "fields": [
                    [f.name.decode(), f.start, f.value_start, f.end] for f in node.headers
                ],
                "offsets": [node.header_start, node.body_start, node.body_end],
                "body": message(node.children[0], raw)
                if node.content_type == b"message/rfc822" and node.children
                else [places[id(child)] for child in node.children]
                if node.children
                else text_of(node).text
                if node.content_type.startswith(b"text/")
                else node.decoded().decode("latin-1"),
            }
            for node in flat
        ],
    }  # fmt: skip


def their_message(expected: Any) -> dict[str, Any]:
    def body(part: Any) -> Any:
        [(kind, content)] = part["body"].items()
        if kind == "Message":
            return their_message(content)
        if kind in ("Text", "Html"):
            return content.replace("\r\n", "\n")
        return content if kind == "Multipart" else bytes(content).decode("latin-1")

    return {
        "text_body": expected["text_body"],
        "html_body": expected["html_body"],
        "attachments": expected["attachments"],
        "parts": [
            {
                "fields": [
                    [_name(h["name"]), h["offset_field"], h["offset_start"], h["offset_end"]] for h in part["headers"]
                ],
                "offsets": [part["offset_header"], part["offset_body"], part["offset_end"]],
                "body": body(part),
            }
            for part in expected["parts"]
        ],
    }  # fmt: skip


def _name(name: Any) -> str:
    text = name["other"] if isinstance(name, dict) else name
    return str(text).replace("_", "-").lower()


def header_cases() -> Iterator[tuple[str, int, str, Any, Any]]:
    """(suite, number, case, our answer, theirs)."""
    for suite, (ours, theirs) in SUITES.items():
        for number, case in enumerate(json.loads((DATA / f"{suite}.json").read_text())):
            yield suite, number, case["header"], ours(case["header"]), theirs(case["expected"])


def message_cases() -> Iterator[tuple[str, Any, Any]]:
    for path in sorted((DATA / "eml-rfc").glob("*.eml")):
        raw = path.read_bytes()
        crlf = raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        for source, suffix in ((raw, ".json"), (crlf, ".crlf.json")):
            expected = json.loads(path.with_suffix(suffix).read_text())
            yield path.stem + suffix, message(scan(source).root, source), their_message(expected)


def judged() -> dict[tuple[str, int], dict[str, Any]]:
    entries = json.loads((DATA / "judged.json").read_text())
    return {(entry["suite"], entry["case"]): entry for entry in entries}


@pytest.mark.parametrize("suite", SUITES)
def test_header_cases_agree_or_are_judged(suite: str) -> None:
    reasons = judged()
    for name, number, case, ours, theirs in header_cases():
        if name != suite:
            continue
        if (name, number) in reasons:
            assert ours == reasons[name, number]["ours"], (number, case)
            assert ours != theirs, f"{name} {number} agrees now: take it out of judged.json"
        else:
            assert ours == theirs, (number, case)


def test_messages_agree() -> None:
    for name, ours, theirs in message_cases():
        if name[:3] in MESSAGES:
            assert ours != theirs
            places = [[(part["fields"], part["offsets"]) for part in of["parts"]] for of in (ours, theirs)]
            assert places[0] == places[1], name
            continue
        for key in ("text_body", "html_body", "attachments"):
            assert ours[key] == theirs[key], name
        for number, (our_part, their_part) in enumerate(zip(ours["parts"], theirs["parts"], strict=True)):
            assert our_part == their_part, (name, number)


def test_page_is_up_to_date() -> None:
    assert PAGE.read_text() == page()


def page() -> str:
    """`docs/conformance/mime.md`."""
    reasons = judged()
    lines = [
        "# Conformance: MIME", "",
        "Cases of mail-parser (Apache-2.0 or MIT), in `tests/conformance/mime`; another parser's opinion, not a",
        "standard. Written by `python -m tests.mime.test_conformance`; `tests/mime/test_conformance.py` holds it.", "",
        "| suite | cases | equal | differ, with a reason |", "|---|---|---|---|",
    ]  # fmt: skip
    cases = list(header_cases())
    for suite in SUITES:
        of_suite = [(number, ours == theirs) for name, number, _, ours, theirs in cases if name == suite]
        equal = sum(same for _, same in of_suite)
        lines.append(f"| {suite} | {len(of_suite)} | {equal} | {len(of_suite) - equal} |")
    messages = [ours == theirs for _, ours, theirs in message_cases()]
    lines.append(
        f"| messages (offsets, fields, bodies) | {len(messages)} | {sum(messages)} | {messages.count(False)} |"
    )
    lines += ["", "## Where we differ", "", "| case | why |", "|---|---|"]
    lines += [f"| {suite} {number} | {entry['why']} |" for (suite, number), entry in reasons.items()]
    lines += [f"| message {name} | {why} |" for name, why in MESSAGES.items()]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(page())
