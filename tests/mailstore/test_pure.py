"""The mail store's pure decisions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailkit.errors import Invalid
from mailkit.mailstore.folders import folders_for
from mailkit.mailstore.paths import leaf, normal_path, sort_key
from mailkit.mailstore.segments import INLINE_BELOW, LEAF_FROM, cut
from mailkit.mailstore.selection import parse_selection
from mailkit.mime.scan import scan


@pytest.mark.parametrize(
    ("language", "sent"), [("", "Sent Mail"), ("et_EE", "Saadetud kirjad"), ("pt-br", "Sent Mail")]
)
def test_folders_are_named_by_language(language: str, sent: str) -> None:
    folders = folders_for(language)
    assert [folder.special_use for folder in folders] == [None, "\\Sent", "\\Trash", "\\Drafts", "\\Junk"]
    assert folders[0].path == "INBOX"
    assert folders[1].path == sent


def test_trash_and_junk_keep_for_a_month_or_less() -> None:
    assert [folder.retention for folder in folders_for("en")] == [0, 0, 2_592_000_000, 0, 2_592_000_000]
    assert [folder.retention for folder in folders_for("en", 1000)] == [1000] * 5


@pytest.mark.parametrize(
    ("given_path", "stored"),
    [
        ("inbox", "INBOX"),
        ("/a/b", "a/b"),
        ("InBox/x", "INBOX/x"),
        ("a/inbox", "a/inbox"),
        ("ınbox", "ınbox"),
        ("/".join("x" * 128), "/".join("x" * 128)),
        ("😀" * 512, "😀" * 512),
        ("/".join(["y" * 500] * 32), "/".join(["y" * 500] * 32)),
        ("cafe\u0301", "cafe\u0301"),
        ("a\u200db", "a\u200db"),
        ("a\u0378b", "a\u0378b"),  # no letter yet: that is for another version of Unicode to say
    ],
)
def test_paths_take_one_form(given_path: str, stored: str) -> None:
    assert normal_path(given_path) == stored


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "a//b",
        "a/",
        "/".join("x" * 129),
        "y" * 513,
        "/".join(["é" * 512] * 17),
        "a\x00b",
        "a/b\r",
        "a\u202eb",
        "a\x85b",
    ],
)
def test_paths_that_cannot_be_are_refused(path: str) -> None:
    with pytest.raises(Invalid) as refused:
        normal_path(path)
    assert refused.value.errors[0].path == ("path",)


def test_mailboxes_are_listed_inbox_first() -> None:
    paths = ["Zoo", "INBOX/b", "apple", "INBOX", "Hidden"]
    assert sorted(paths, key=lambda path: sort_key(path, path != "apple")) == [
        "INBOX",
        "INBOX/b",
        "Hidden",
        "Zoo",
        "apple",
    ]
    assert leaf("a/b") == "b"
    assert sorted(["Zoo", "Ägypten", "ähre", "Bär", "bar"], key=lambda path: sort_key(path, True)) == [
        "Ägypten",
        "ähre",
        "bar",
        "Bär",
        "Zoo",
    ]


def test_ten_thousand_ids_are_a_list_and_one_more_is_none() -> None:
    ids = [str(4_000_000_000 + n) for n in range(10_000)]
    assert parse_selection(",".join(ids)).ranges == ((4_000_000_000, 4_000_009_999),)
    with pytest.raises(Invalid, match="more than 10000 ids"):
        parse_selection(",".join([*ids, "1"]))
    assert parse_selection(",".join(["7"] * 10_000)).ranges == ((7, 7),)


@st.composite
def messages(draw: st.DrawFn) -> bytes:
    size = st.sampled_from([10, INLINE_BELOW, LEAF_FROM - 1, LEAF_FROM, 3 * LEAF_FROM])
    leaves = draw(st.lists(size, max_size=4))
    if not leaves:
        return b"Subject: one\r\n\r\n" + b"x" * draw(size)
    parts = [b"--b\r\nContent-Type: application/x\r\n\r\n" + b"y" * n + b"\r\n" for n in leaves]
    return b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n' + b"".join(parts) + b"--b--\r\n"


@given(messages())
def test_pieces_are_the_message_and_large_leaves_stand_alone(raw: bytes) -> None:
    pieces = list(cut(scan(raw)))
    assert b"".join(raw[piece.start : piece.end] for piece in pieces) == raw
    alone = {raw[piece.start : piece.end] for piece in pieces if piece.part >= 0}
    assert all(len(leaf) >= LEAF_FROM for leaf in alone)
    assert sum(piece.part >= 0 for piece in pieces) == sum(
        part.body_end - part.body_start >= LEAF_FROM for part in scan(raw).leaves if part.index
    )


@given(st.binary(max_size=300))
def test_pieces_of_anything_are_that_thing(raw: bytes) -> None:
    assert b"".join(raw[piece.start : piece.end] for piece in cut(scan(raw))) == raw
