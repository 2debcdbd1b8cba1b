"""A message's tokens: what counts, what must not, and that hostile input is bounded."""

import gc
from base64 import b64encode
from zlib import crc32

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.spam.mails import corpus, ham, spam

from mailkit.spam import families as f
from mailkit.spam.features import (
    feature_names,
    features_in_python,
    features_of,
    pack_ids,
    singles,
    unpack_ids,
)
from mailkit.spam.reading import features_of_messages
from mailkit.spam.tokens import read


def family(raw: bytes, number: int) -> set[bytes]:
    return set(read(raw).families[number])


def test_headers_become_tokens_of_their_families() -> None:
    raw = ham(1).replace(b"Message-ID: <1.", b"X-Mailer: Pine 4.2\nMessage-ID: <1.")
    assert {b"example.org", b".example.org"} & family(raw, f.FROM) or family(raw, f.FROM)
    assert b"mailer:pine" in family(raw, f.MAILER)
    assert b"subject re:" in family(raw, f.SHAPE)
    assert b"no cc" in family(raw, f.SHAPE)


@pytest.mark.parametrize(
    "field",
    [
        b"List-Id: <ilug.linux.ie>",
        b"X-Spam-Status: Yes",
        b"X-Mailman-Version: 2.1",
        b"Authentication-Results: mx; spf=pass",
        b"Delivered-To: me@example.org",
        b"X-Keywords: junk",
        b"Received: from a by b; Mon, 1 Jan 2024 00:00:00 +0000",
        b"Date: Tue, 7 Jan 2025 10:00:00 +0000",
        b"X-MS-Exchange-Organization-SCL: 9",
    ],
)
def test_what_tells_where_a_copy_was_kept_changes_no_feature(field: bytes) -> None:
    raw = ham(3)
    assert features_of(read(field + b"\n" + raw)).pack() == features_of(read(raw)).pack()


def test_the_tag_of_a_list_is_not_part_of_the_subject() -> None:
    tagged = ham(5).replace(b"Subject: Re: ", b"Subject: [ILUG] Re: ")
    assert b"ilug" not in family(tagged, f.SUBJECT)
    assert family(tagged, f.SUBJECT) == family(ham(5), f.SUBJECT)


def test_encoded_text_is_read_like_plain_text() -> None:
    body = "Größere Gewinne für alle".encode()
    head = b"Content-Type: text/plain; charset=utf-8\n"
    plain = read(head + b"\n" + body).families[f.BODY]
    coded = read(head + b"Content-Transfer-Encoding: base64\n\n" + b64encode(body)).families[f.BODY]
    assert plain == coded
    latin = read(head.replace(b"utf-8", b"iso-8859-1") + b"\n" + body.decode().encode("latin-1")).families[f.BODY]
    assert plain == latin


def test_tags_and_comments_inside_a_word_do_not_break_it() -> None:
    raw = b"Content-Type: text/html\n\n<p>V<b></b>ia<!-- x -->gra</p><p>now</p>"
    assert {b"viagra", b"now"} <= family(raw, f.BODY)


def test_html_tricks_are_told() -> None:
    raw = (
        b"Content-Type: text/html\n\n<div style='display:none'>x</div>"
        b"<a href='http://evil.example.net/x'>www.bank.example.com </a><img src=a><form>"
    )
    found = family(raw, f.HTML)
    assert {b"display hides", b"<form", b"pictures 1", b"link text is another host"} <= found


def test_links_become_hosts_paths_and_oddities() -> None:
    raw = b"\n see http://user@1.2.3.4:8080/buy/now?x=%20 or www.shop.example.com/a"
    found = family(raw, f.URL)
    oddities = {b"user in link", b"port in link", b"address for host", b"query in link", b"escapes in link"}
    assert oddities | {b"1.2.3.4", b"/buy", b"www.shop.example.com", b".example.com"} <= found


def test_a_forged_sender_does_not_profit_from_the_true_ones_name() -> None:
    raw = ham(7)
    assert not set(read(raw, forged=True).families[f.FROM]) & set(read(raw).families[f.FROM])
    assert read(raw, forged=True).families[f.BODY] == read(raw).families[f.BODY]


def test_ids_are_the_same_with_and_without_numpy_and_have_names() -> None:
    for raw, _ in corpus(60):
        tokens = read(raw)
        fast, slow = features_of(tokens), features_in_python(tokens)
        ids = [int(number) for number in fast.ids]
        assert ids == list(slow.ids) == sorted(set(ids))
        assert [int(bits) for bits in fast.where] == list(slow.where)
        assert set(feature_names(tokens)) == set(ids)


def test_ids_do_not_change_from_release_to_release() -> None:
    # Stored models rest on them. Whoever changes them on purpose raises tokens.VERSION.
    assert [
        (len(packed) // 6, crc32(packed))
        for packed in (features_of(read(ham(1))).pack(), features_of(read(spam(1))).pack())
    ] == [
        (139, 1058620169),
        (103, 625899121),
    ]


LETTERS = st.text(alphabet="abcAB $!\n\xa0éяар漢字ไทย\u200b", max_size=400).map(
    lambda text: b"Content-Type: text/plain; charset=utf-8\n\n" + text.encode()
)
MAIL = st.one_of(st.binary(max_size=300), st.integers(0, 9).map(spam), st.just(b""), LETTERS)


@settings(max_examples=100)
@given(st.lists(MAIL, max_size=70))
@example([b"\n" + b"a b " * 4_000, b"\n" + "ж я ".encode() * 3_000, b"\n" + b"x" * 20_000])
def test_ids_of_many_are_the_ids_of_each(messages: list[bytes]) -> None:
    tokens = [read(raw) for raw in messages]
    each = [features_of(one).pack() for one in tokens]
    assert [one.pack() for one in features_of_messages(messages)] == each
    assert [features_in_python(one).pack() for one in tokens] == each


def test_reading_many_leaves_the_collector_as_it_was() -> None:
    assert gc.isenabled()
    features_of_messages([ham(1)])
    assert gc.isenabled()
    gc.disable()
    try:
        features_of_messages([ham(1)])
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_the_second_stage_sees_neither_steps_nor_pairs() -> None:
    ids = features_of(read(spam(2))).ids
    assert all(int(number) >> 28 not in (f.SHAPE, f.SUBJECT_PAIRS, f.BODY_PAIRS) for number in singles(ids))
    assert 0 < len(singles(ids)) < len(ids)


def test_each_stretch_of_the_text_has_its_words_and_pairs() -> None:
    raw = b"Subject: one two\n\n" + b" ".join(b"w%d" % n for n in range(100)) + b" w0 two\n"
    tokens = read(raw)
    found = features_of(tokens)
    places = dict(zip(map(int, found.ids), map(int, found.where), strict=True))
    named = {words: places[number] for number, (_, words) in feature_names(tokens).items() if number in places}
    assert [named[word] for word in ("w0", "w1", "w33", "w34", "w68", "w99")] == [
        *(0b101, 0b001, 0b001, 0b010, 0b100, 0b100)
    ]
    assert (named["w33 w34"], named["w34 w35"], named["w99 w0"], named["one two"]) == (0b001, 0b010, 0b100, 0)
    assert {bits for number, bits in places.items() if number >> 28 not in (f.BODY, f.BODY_PAIRS)} == {0}


@given(st.lists(st.integers(1, 2**32 - 1), unique=True).map(sorted))
def test_packed_ids_come_back(ids: list[int]) -> None:
    assert [int(number) for number in unpack_ids(pack_ids(ids))] == ids


@settings(max_examples=300)
@given(st.binary(max_size=2000))
def test_any_bytes_can_be_read(data: bytes) -> None:
    features_of(read(data))
    features_of(read(b"Content-Type: text/html; charset=utf-7\nSubject: =?x?q?" + data[:50] + b"?=\n\n" + data))


HOSTILE = {
    "nothing but <": b"Content-Type: text/html\n\n" + b"<" * 10_000_000,
    "tags": b"Content-Type: text/html\n\n" + b"<b a='" * 1_600_000,
    "open anchors": b"Content-Type: text/html\n\n" + b"<a href=http://x " * 600_000,
    "links": b"\n" + b"http://a.b/c " * 800_000,
    "one word": b"\n" + b"a" * 10_000_000,
    "short words": b"\n" + b"a b " * 2_500_000,
    "8-bit": b"\n" + b"\xc3\xa9" * 5_000_000,
    "Han": b"\n" + "漢".encode() * 3_300_000,
    "parts": b"Content-Type: multipart/mixed; boundary=x\n\n" + b"--x\n\ntext\n" * 900_000,
    "headers": b"a: b\n" * 2_000_000,
    "one header": b"Subject: " + b"=?utf-8?q?a?= " * 700_000,
    "addresses": b"To: " + b"a@b.c, " * 1_400_000,
    "references": b"Content-Type: text/html\n\n" + b"&#97;" * 2_000_000,
    "base64": b"Content-Transfer-Encoding: base64\n\n" + b"QUFB" * 2_500_000,
    "quoted": b"Content-Transfer-Encoding: quoted-printable\n\n" + b"=41" * 3_300_000,
    "comments": b"Content-Type: text/html\n\n" + b"<!--" * 2_500_000,
    "closed comments": b"Content-Type: text/html\n\n" + b"<!---->" * 1_400_000,
    "styles": b"Content-Type: text/html\n\n" + b"<style>" * 1_400_000,
}


def test_what_a_reader_does_not_see_is_no_text() -> None:
    page = (
        b"Content-Type: text/html\n\none<!-- two --><STYLE type=x>three</style >four<script>five</SCRIPT>six<!-->seven"
        b"<!-- <style> -->eight<style>nine<!-- ten"
    )
    tokens = read(page)
    assert tokens.families[f.BODY][: tokens.body_words] == [b"one", b"four", b"sixseveneight"]
    assert b"style" not in b"".join(read(page.replace(b"<STYLE", b"<!--->" * 3_000)).families[f.BODY])


@pytest.mark.parametrize("name", HOSTILE)
def test_what_a_hostile_message_yields_is_bounded(name: str) -> None:
    tokens = read(HOSTILE[name])
    assert sum(map(len, tokens.families)) < 25_000
    assert max((len(token) for family in tokens.families for token in family), default=0) < 100_000
