"""How searches are written, and what they mean on one message."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailkit.errors import Invalid
from mailkit.ids import Id
from mailkit.mime.parse import parse as parse_message
from mailkit.search.document import Facts, document
from mailkit.search.match import matches
from mailkit.search.parse import parse
from mailkit.search.query import In, Query
from mailkit.search.terms import MAX_WORD, words
from mailkit.search.words_query import words_query

MESSAGE = parse_message(
    "From: Amy Smith <amy.smith@example.org>\r\n"
    "To: Bob <bob@example.net>\r\n"
    "Cc: carol@example.com\r\n"
    "Subject: =?utf-8?q?Caf=C3=A9_opening_on_Friday?=\r\n"
    "Content-Type: multipart/mixed; boundary=b\r\n\r\n"
    "--b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
    "The STRASSE is closed; see http://example.org/map. 東京都で会いましょう。 or else\r\n"
    '--b\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; filename="floor plan.pdf"\r\n\r\n'
    "x\r\n--b--\r\n".encode()
)
HERE = Id(b"\x01" * 12)
FACTS = Facts(
    date=1_716_000_000_000,  # 2024-05-18
    size=20_000,
    thread=Id(b"\x02" * 12),
    mailbox=HERE,
    uid=7,
    flags=frozenset({"\\Flagged"}),
)


def place(name: str) -> Query:
    return In((HERE,)) if name == "Inbox" else In(())


def found(q: str) -> bool:
    return matches(parse(q, place=place), document(MESSAGE), FACTS)


@pytest.mark.parametrize(
    "q",
    [
        "",
        "cafe",
        "CAFÉ",
        "opening friday",
        '"opening on friday"',
        "straße",
        "open*",
        "amy",
        "amy.smith@example.org",
        "from:smith",
        "from:mit",
        'from:"amy smith"',
        'from: "amy smith"',
        'from:"my smi"',
        "to:bob",
        "to:carol",
        "cc:carol",
        "subject:caf",
        "filename:plan",
        'filename:"floor plan.pdf"',
        "has:attachment",
        "is:unread",
        "is:flagged",
        "in:Inbox",
        "after:2024-05-17",
        "before:2024-06",
        "on:2024-05-18",
        "on:2024",
        "larger:10k",
        "smaller:1M",
        "東京",
        "京都",
        "都",
        "会いましょう",
        "lunch or friday",
        "-lunch",
        "-(lunch or dinner)",
        "cafe AND friday",
        "(lunch or cafe) friday",
        "lunch friday OR cafe",
        "thread:020202020202020202020202",
        "\\or else",
        '"or" else',
        "colour:red friday",
        "lunch or friday -dinner",
        "??? cafe",
        "example.org/map",
        "thread:nonsense",
    ],
)
def test_finds(q: str) -> None:
    assert found(q)


@pytest.mark.parametrize(
    "q",
    [
        "caf",
        "pen*",
        '"friday opening"',
        '"friday amy"',
        "from:bob",
        "to:amy",
        "cc:bob",
        "subject:strasse",
        'from:"amy sm" -cafe',
        "lunch",
        "cafe lunch",
        "is:read",
        "in:Trash",
        "before:2024-05-18",
        "after:2024-05-18",
        "larger:20000",
        "smaller:20000",
        "京東",
        "-cafe",
        "lunch friday",
        "-has:attachment",
        "filename:cafe",
        "-(lunch or friday)",
        "(lunch or dinner) friday",
        "thread:030303030303030303030303",
        '"smith bob"',
        "lunch or ???",
    ],
)
def test_does_not_find(q: str) -> None:
    assert not found(q)


@pytest.mark.parametrize(
    ("q", "position"),
    [
        ("a or", 2),
        ("or b", 0),
        ("a and", 2),
        ("(a", 0),
        ("a)", 1),
        ('a "b', 2),
        ("a () b", 3),
        ("is:foo", 0),
        ("x from:", 2),
        ("before:soon", 0),
        ("larger:big", 0),
        ("((a) or", 5),
        ("a and or b", 6),
        ("before:2024-13", 0),
        ("-(", 2),
        ("(a -)", 3),
        ("(" * 60 + "a" + ")" * 60, 51),
        ("a" * 1025, 1024),
    ],
)
def test_error_says_where(q: str, position: int) -> None:
    with pytest.raises(Invalid) as error:
        parse(q)
    assert error.value.code == "query.invalid"
    assert error.value.fields["position"] == position
    assert error.value.errors[0].path == ("q",)


@given(st.text(max_size=60) | st.text(alphabet='ab -()"\\:*orand', max_size=40))
def test_any_text_is_a_query_or_an_error_with_a_place_in_it(q: str) -> None:
    try:
        parse(q)
    except Invalid as error:
        where = error.fields["position"]
    else:
        where = 0
    assert 0 <= where <= len(q)


@pytest.mark.parametrize(
    ("text", "hit"),
    [
        ("lunch cafe", True),
        ("lunch dinner", False),
        ('"opening on friday" lunch', True),
        ('"friday opening" cafe', False),
        ("cafe -friday", False),
        ("-lunch", True),
        ('cafe -"amy smith"', False),
        ("", True),
        ("???", True),
        ('"cafe', True),
    ],
)
def test_simple_text_search_follows_the_text_rules(text: str, hit: bool) -> None:
    assert matches(words_query(text), document(MESSAGE), FACTS) is hit


def test_deleted_messages_are_found_by_conditions_but_not_by_words() -> None:
    gone = Facts(FACTS.date, FACTS.size, FACTS.thread, HERE, 7, frozenset({"\\Deleted"}))
    assert not matches(parse("cafe"), document(MESSAGE), gone)
    assert matches(parse("subject:cafe"), document(MESSAGE), gone)


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ("Don't  stop_now 12:30", ["don", "t", "stop", "now", "12", "30"]),
        ("ＦＵＬＬ ﬁne Ünï İstanbul ς", ["full", "fine", "uni", "istanbul", "σ"]),
        ("हिन्दी", ["हनद"]),
        ("日本語x", ["日本", "本語", "語", "x"]),
        ("日", ["日"]),
        ("a" * 100, ["a" * MAX_WORD]),
        ("é" * 100, ["e" * MAX_WORD]),
        ("д" * 31, ["д" * 30]),
    ],
)
def test_words(text: str, cut: list[str]) -> None:
    assert [word.decode() for word in words(text)] == cut


@given(st.text(max_size=80))
def test_words_of_words_are_themselves_and_hold_no_control_character(text: str) -> None:
    for word in words(text):
        assert 0 < len(word) <= MAX_WORD
        assert min(word) >= 0x30


@given(st.text(alphabet=st.characters(codec="ascii"), max_size=80))
def test_ascii_is_cut_like_all_other_text(text: str) -> None:
    assert words(text) == words(text + " é")[:-1]
