"""Words: what the quick ways find is what the definition says."""

import re
import unicodedata

from hypothesis import example, given, settings
from hypothesis import strategies as st

from mailkit.search.terms import MAX_WORD, fold, words

TEXT = st.lists(
    st.one_of(
        st.text(max_size=10),
        st.text("aZ09 _-.\n\t", max_size=80),
        st.sampled_from(["\u00e9", "e\u0301", "\u0130", "\u03a3\u03c2", "\ufb01", "\u1e9e", "\u2028", "\x0b", "\x85"]),
    ),
    max_size=12,
).map("".join)


def defined(text: str) -> str:
    """NFKC, case and marks make no difference."""
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    kept = "".join(character for character in plain if unicodedata.category(character)[0] != "M")
    return unicodedata.normalize("NFKC", kept)


@settings(max_examples=300)
@given(TEXT)
@example("".join(map(chr, range(0x300, 0x340))) + "a\u0301b")
def test_folding_is_what_it_is_defined_as(text: str) -> None:
    assert fold(text) == defined(text)


@settings(max_examples=300)
@given(TEXT)
@example("\u00e9" * 40 + "x" * 40 + "\nplain line\n\u00e9t\u00e9")
def test_words_are_runs_of_letters_and_digits_of_the_folded_text(text: str) -> None:
    unspaced = re.compile("[\u0e00-\u0eff\u1000-\u11ff\u1780-\u17ff\u2e80-\ud7ff\uf900-\ufaff\U0001b000-\U000323af]")
    folded = defined(text)
    if unspaced.search(folded) is None:  # what is cut into pairs has tests of its own
        expected = [word.encode()[:MAX_WORD].decode("utf-8", "ignore") for word in re.findall(r"[^\W_]+", folded)]
        assert [word.decode() for word in words(text)] == expected


@given(st.lists(TEXT, max_size=4))
def test_no_word_reaches_over_a_line_end(lines: list[str]) -> None:
    assert words("\n".join(lines)) == [word for line in lines for word in words(line)]
