"""Words of every script, and what spammers do to them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailkit.spam.words import INVISIBLE, LOOK_ALIKE, scripts, shouted, words


def cut(text: str) -> list[str]:
    return [word.decode() for word in words(text.encode("utf-8", "surrogatepass"))]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Don't pay $9.99 (100% OFF)", ["don't", "pay", "$9", "99", "100%", "off"]),
        ("don’t “quote”", ["don't", "quote"]),
        ("Привет МИР", ["привет", "мир"]),
        ("ＦＲＥＥ 𝐅𝐫𝐞𝐞", ["free", "free"]),
        ("今日は", ["今日", "日は"]),
        ("สวัส", ["สว", "วั", "ัส"]),
        ("ខ្មែរ"[:3], ["ខ្", "្ម"]),
        ("हिन्दी में", ["हिन्दी", "में"]),
        ("한국어 뉴스", ["한국어", "뉴스"]),
        ("price今日only", ["price", "今日", "only"]),
        ("win🎉🎉", ["win", "🎉", "🎉"]),
    ],
)
def test_words_of_a_script(text: str, expected: list[str]) -> None:
    assert cut(text) == expected


def test_letters_of_another_script_that_look_latin_are_read_as_latin_and_told() -> None:
    assert cut("раураl") == ["paypal", LOOK_ALIKE.decode()]  # Cyrillic but for the l
    assert cut("рад") == ["рад"]  # a word of its own script stays


def test_characters_that_cannot_be_seen_do_not_hide_a_word() -> None:
    assert cut("via\u200bgra") == ["viagra", INVISIBLE.decode()]
    assert cut("soft\u00adhyphen") == ["softhyphen", INVISIBLE.decode()]
    assert cut("\ufeffhello") == ["hello"]


@given(st.text(alphabet=st.characters(max_codepoint=127)))
def test_ascii_is_cut_the_same_on_the_fast_and_the_slow_path(text: str) -> None:
    slow = cut(text + " я")
    assert slow[:-1] == cut(text)


@given(st.binary())
def test_any_bytes_have_words(data: bytes) -> None:
    assert all(word and b" " not in word for word in words(data))


def test_capitals() -> None:
    runs, count = shouted(b"BUY now, BUY CheaP FREEdom")
    assert sorted(runs) == [b"U+buy", b"U+free"]
    assert count == 12


def test_scripts() -> None:
    assert scripts("Grüße, мир 漢字".encode()) == [b"cyrillic", b"han", b"latin"]
