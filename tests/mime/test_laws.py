"""Laws that hold for every byte string."""

import email
import email.policy
from pathlib import Path

from fuzz.mime import PIECES, check, check_tree
from hypothesis import given, settings
from hypothesis import strategies as st

from mailkit.mime.parse import parse
from mailkit.mime.scan import Part, scan
from mailkit.mime.segments import segments

ALTERNATIVE = (Path(__file__).parent / "messages" / "alternative.eml").read_bytes()
soup = st.lists(st.one_of(st.sampled_from(PIECES), st.binary(max_size=12)), max_size=40).map(b"".join)


@settings(max_examples=200)
@given(soup)
def test_any_byte_string_parses_and_keeps_the_laws(raw: bytes) -> None:
    check(raw)


@given(st.integers(0, len(ALTERNATIVE)))
def test_any_truncation_parses(length: int) -> None:
    check(ALTERNATIVE[:length])


@given(soup, st.integers(0, 50))
def test_concatenated_segments_are_the_source(raw: bytes, large: int) -> None:
    found = scan(raw)
    cut = segments(found, large=large)
    assert b"".join(raw[segment.start : segment.end] for segment in cut) == raw
    assert all(segment.start < segment.end for segment in cut)
    assert [segment.part for segment in cut if segment.part >= 0] == [
        part.index for part in found.leaves if part.body_end - part.body_start >= max(large, 1)
    ]
    assert found.root.body_start in {0, len(raw)} | {segment.end for segment in cut}


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
