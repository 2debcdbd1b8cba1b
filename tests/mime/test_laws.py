"""Laws that hold for every byte string."""

import email
import email.policy
from itertools import pairwise
from pathlib import Path

from fuzz.mime import PIECES, check, check_tree
from hypothesis import given, settings
from hypothesis import strategies as st

from mailkit.mime.parse import parse
from mailkit.mime.scan import Part, Scan, scan

ALTERNATIVE = (Path(__file__).parent / "messages" / "alternative.eml").read_bytes()
soup = st.lists(st.one_of(st.sampled_from(PIECES), st.binary(max_size=12)), max_size=40).map(b"".join)


@settings(max_examples=200)
@given(soup)
def test_any_byte_string_parses_and_keeps_the_laws(raw: bytes) -> None:
    check(raw)


@given(st.integers(0, len(ALTERNATIVE)))
def test_any_truncation_parses(length: int) -> None:
    check(ALTERNATIVE[:length])


def segments(found: Scan) -> list[bytes]:
    """The source cut at every offset the scan knows, in order."""
    cuts = {0, len(found.raw)}
    for part in found.parts:
        cuts |= {part.header_start, part.header_end, part.body_start, part.body_end}
        cuts |= {field.start for field in part.headers} | {field.end for field in part.headers}
    places = sorted(cuts)
    return [found.raw[a:b] for a, b in pairwise(places)]


@given(soup)
def test_concatenated_segments_are_the_source(raw: bytes) -> None:
    assert b"".join(segments(scan(raw))) == raw


@given(soup)
def test_leaves_do_not_overlap(raw: bytes) -> None:
    position = 0
    for part in scan(raw).leaves:
        assert part.body_start >= position
        position = part.body_end


@given(soup)
def test_scan_is_a_function_of_the_bytes(raw: bytes) -> None:
    def shape(part: Part) -> tuple[object, ...]:
        return part.content_type, part.encoding, part.body_start, part.body_end, tuple(map(shape, part.children))

    assert shape(scan(raw).root) == shape(scan(bytes(raw)).root)
    check_tree(parse(raw))


names = st.from_regex(r"[A-Za-z][A-Za-z0-9-]{0,10}", fullmatch=True).map(lambda name: f"X-{name}")
values = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=60)


@given(st.lists(st.tuples(names, values), min_size=1, max_size=10), st.text("ab\n", max_size=30))
def test_header_and_body_of_sound_messages_are_those_of_the_standard_library(
    fields: list[tuple[str, str]], body: str
) -> None:
    raw = ("".join(f"{name}: {value}\n" for name, value in fields) + "\n" + body).encode()
    theirs = email.message_from_bytes(raw, policy=email.policy.compat32)
    ours = scan(raw)
    assert [(name.decode(), value.strip().decode()) for name, value in ours.headers.items()] == [
        (name.lower(), value) for name, value in theirs.items()
    ]
    assert ours.root.raw_body.decode() == theirs.get_payload()
