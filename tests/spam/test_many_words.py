"""The words of many texts at once are those of each: the same words, hashes, counts."""

from zlib import crc32

from hypothesis import example, given
from hypothesis import strategies as st

from mailkit.spam.many_words import shouted_in_each, spaced, word_hashes
from mailkit.spam.words import shouted, words

ANY_LENGTH = st.one_of(st.binary(max_size=60), st.text(alphabet="aB \x00\xe9漢\u200bр", max_size=60).map(str.encode))


@given(st.lists(ANY_LENGTH, max_size=8), st.integers(1, 12))
@example([b"a" * size for size in range(40)], 1)
@example([b"", b" ", b"\x00", b"\x00\x00", b"\xff" * 17], 3)
def test_hashes_of_words_are_their_crc32(texts: list[bytes], most: int) -> None:
    cut = [[word for word in text.split(b" ") if word][:most] for text in texts]
    hashes, counts = word_hashes(texts, most)
    assert counts == list(map(len, cut))
    assert hashes.tolist() == [crc32(word) for found in cut for word in found]


@given(st.one_of(st.binary(max_size=300), ANY_LENGTH))
@example("я".encode())
@example("x я".encode())
@example("я x y яя, я".encode())
@example("漢".encode() * 2_000)
def test_spaced_words_are_the_words(text: bytes) -> None:
    assert [word for word in spaced(text).split(b" ") if word] == words(text)


@given(
    st.lists(st.one_of(st.binary(max_size=40), st.text(alphabet="ABZ[@aé ", max_size=40).map(str.encode)), max_size=8)
)
@example([b"ABC", b"DEF", b"A" * 30, b"", b"AB", b"C"])
def test_shouted_words_of_many_are_those_of_each(texts: list[bytes]) -> None:
    assert [(sorted(runs), count) for runs, count in shouted_in_each(texts)] == [
        (sorted(runs), count) for runs, count in map(shouted, texts)
    ]
