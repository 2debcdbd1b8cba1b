import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailkit.storage.api import MAX_KEY
from mailkit.storage.keys import Shape, after_prefix
from mailkit.storage.keyspace import Space, account_shape

NUMBERS = {"u8": 8, "u32": 32, "u64": 64}
SIZES = {"id": 12, "sha": 32}
KINDS = st.sampled_from([*NUMBERS, *SIZES, "text", "bytes"])
# letters with neighbours, zero and high bytes, so that order and escapes are hit often
TEXTS = st.text(st.sampled_from("\x00\x01ab\xff\u0100\U0001f600"), max_size=8)
RAW = st.binary(max_size=6) | st.lists(st.sampled_from([b"\x00", b"\x01", b"\xff", b"a"]), max_size=8).map(b"".join)


def part(kind: str) -> st.SearchStrategy[object]:
    if kind in NUMBERS:
        return st.integers(0, 2 ** NUMBERS[kind] - 1) | st.integers(0, 3)
    if kind in SIZES:
        return st.binary(min_size=SIZES[kind], max_size=SIZES[kind])
    return TEXTS if kind == "text" else RAW


def parts(kinds: list[str]) -> st.SearchStrategy[tuple[object, ...]]:
    return st.tuples(*map(part, kinds))


def rank(value: object) -> object:
    return value.encode() if isinstance(value, str) else value


SHAPES = st.lists(KINDS, min_size=1, max_size=4)
SHAPED = SHAPES.flatmap(lambda kinds: st.tuples(st.just(kinds), parts(kinds), parts(kinds)))


@given(SHAPED)
def test_keys_sort_as_their_tuples(shaped: tuple[list[str], tuple[object, ...], tuple[object, ...]]) -> None:
    kinds, one, other = shaped
    shape = Shape(b"\x01", *kinds)
    by_key = shape.pack(*one) < shape.pack(*other)
    assert by_key == (tuple(map(rank, one)) < tuple(map(rank, other)))  # type: ignore[operator]


@given(SHAPED)
def test_a_key_gives_back_what_it_was_made_of(shaped: tuple[list[str], tuple[object, ...], object]) -> None:
    kinds, made_of, _ = shaped
    shape = Shape(b"\x80prefix", *kinds)
    assert shape.unpack(shape.pack(*made_of)) == made_of


@given(SHAPED, st.integers(0, 4))
def test_the_range_of_the_first_parts_holds_exactly_the_keys_that_begin_with_them(
    shaped: tuple[list[str], tuple[object, ...], tuple[object, ...]], count: int
) -> None:
    kinds, one, other = shaped
    count = min(count, len(kinds))
    shape = Shape(b"\x01", *kinds)
    start, stop = shape.range(*one[:count])
    assert start <= shape.pack(*one) < stop
    assert (start <= shape.pack(*other) < stop) == (other[:count] == one[:count])


@given(st.binary(min_size=1, max_size=4), st.binary(max_size=4))
def test_after_prefix_is_just_above_all_that_begin_so(prefix: bytes, rest: bytes) -> None:
    assert prefix + rest < after_prefix(prefix)
    assert prefix + b"\xff" * (MAX_KEY - len(prefix)) < after_prefix(prefix)
    above = after_prefix(prefix)
    assert len(above) > MAX_KEY or not above.startswith(prefix)


@pytest.mark.parametrize("length", [118, 119, 120, 121, 200, 5000])
def test_long_texts_are_told_apart_and_keep_the_order_of_their_beginnings(length: int) -> None:
    shape = Shape(b"\x01", "text", "text", "u32")
    long = "x" * (length - 1)
    keys = {shape.pack(long + end, "", 1) for end in ("a", "b", "c")}
    assert len(keys) == 3
    assert all(len(key) < 200 for key in keys)
    assert shape.pack("w" + long, "", 1) < min(keys) < shape.pack("y" + long, "", 1)
    assert shape.unpack(shape.pack(long + "a", "next", 7))[1:] == ("next", 7)


def test_no_text_passes_for_the_shortened_form_of_another() -> None:
    shape = Shape(b"\x01", "bytes")
    long = b"x" * 300
    shortened = shape.unpack(shape.pack(long))[0]
    assert shape.pack(shortened) != shape.pack(long)


@pytest.mark.parametrize(
    "wrong",
    [(-1,), (2**32,), ("1",), (1, b"short"), (1, b"x" * 13), (1, b"x" * 12, b"x" * 31), (1, b"x" * 12, b"x" * 32, 1)],
)
def test_parts_that_do_not_fit_are_refused(wrong: tuple[object, ...]) -> None:
    for shape in (Shape(b"\x01", "u32", "id", "sha"), account_shape(7, "id", "sha")):
        with pytest.raises(ValueError):
            shape.pack(*wrong)


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ValueError):
        Shape(b"\x01", "u16")


@given(SHAPED, st.sampled_from(sorted(NUMBERS)), st.integers(0, 255), st.binary(min_size=1, max_size=3))
def test_a_mark_stands_behind_the_first_part_and_is_none_of_them(
    shaped: tuple[list[str], tuple[object, ...], object], first: str, number: int, mark: bytes
) -> None:
    kinds, rest, _ = shaped
    marked, plain = Shape(b"\x80", first, *kinds, mark=mark), Shape(b"", *kinds)
    key = marked.pack(number, *rest)
    assert key == Shape(b"\x80", first).pack(number) + mark + plain.pack(*rest)
    assert marked.unpack(key) == (number, *rest)


def test_a_mark_that_has_no_place_is_refused() -> None:
    for kinds in ((), ("text", "u32")):
        with pytest.raises(ValueError):
            Shape(b"\x80", *kinds, mark=b"\x01")


def test_a_range_of_an_accounts_table_is_of_one_account() -> None:
    with pytest.raises(ValueError):
        account_shape(9, "u32").range()


def test_an_accounts_table_lies_behind_the_account_and_hides_its_number() -> None:
    space = Space("test", "test", account_shape(9, "u32", "text"))
    key = space.key(258, 7, "a")
    assert key.startswith(b"\x80\x00\x00\x01\x02\x09\x00\x00\x00\x07a")
    assert space.parts(key) == (258, 7, "a")
    start, stop = space.range(258)
    assert start == b"\x80\x00\x00\x01\x02\x09"
    assert start <= key < stop
