"""One-time codes: RFC 6238's vectors, URLs, the window."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailkit.credentials import totp
from mailkit.credentials.totp import Seed, code_at, generate, matching_step, parse, split_code
from mailkit.errors import Invalid

VECTORS = json.loads((Path(__file__).parents[1] / "conformance/credentials/rfc6238.json").read_text())
SEEDS = {
    "SHA1": b"12345678901234567890",
    "SHA256": b"12345678901234567890123456789012",
    "SHA512": b"1234567890123456789012345678901234567890123456789012345678901234",
}


@pytest.mark.parametrize("seconds", [row[0] for row in VECTORS])
def test_rfc_6238_appendix_b(seconds: int) -> None:
    row = next(row for row in VECTORS if row[0] == seconds)
    for (name, secret), expected in zip(SEEDS.items(), row[1:], strict=True):
        seed = Seed(secret, digits=8, algorithm=name)
        assert code_at(seed, seconds // 30) == expected
        assert matching_step(seed, expected, now=seconds * 1000, window=0) == seconds // 30


def test_the_window_is_as_wide_as_it_says_and_no_wider() -> None:
    seed = generate(b"x" * 20, label="a", issuer="b")
    now = 1_700_000_010_000
    step = now // 30_000
    for away in range(-4, 5):
        code = code_at(seed, step + away)
        expected = step + away if abs(away) <= 1 else None
        assert matching_step(seed, code, now=now, window=1) == expected, away
    assert matching_step(seed, code_at(seed, step + 3), now=now, window=3) == step + 3


@pytest.mark.parametrize("code", ["", "12345", "1234567", "abcdef", "١٢٣٤٥٦"])
def test_what_is_no_code_matches_nothing(code: str) -> None:
    assert matching_step(generate(b"x" * 20, label="a", issuer="b"), code, now=0, window=1) is None


@given(
    st.binary(min_size=10, max_size=64),
    st.text(st.characters(exclude_characters=":", exclude_categories=["Cs"]), max_size=30).map(str.strip),
    st.text(st.characters(exclude_characters=":", exclude_categories=["Cs"]), min_size=1, max_size=30),
    st.sampled_from([6, 8]),
    st.sampled_from([15, 30, 60]),
    st.sampled_from(sorted(SEEDS)),
)
def test_urls_round_trip(secret: bytes, label: str, issuer: str, digits: int, period: int, algorithm: str) -> None:
    seed = Seed(secret, label, issuer, digits, period, algorithm)
    assert parse(seed.url) == seed
    assert seed.base32 not in seed.masked or not seed.base32


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org",
        "otpauth://hotp/x?secret=JBSWY3DPEHPK3PXP",
        "otpauth://totp/x",
        "otpauth://totp/x?secret=AB",
        "otpauth://totp/x?secret=0000000000000000",
        "otpauth://totp/x?secret=JBSWY3DPEHPK3PXP&digits=4",
        "otpauth://totp/x?secret=JBSWY3DPEHPK3PXP&period=1",
        "otpauth://totp/x?secret=JBSWY3DPEHPK3PXP&algorithm=MD5",
        "otpauth://[totp/x?secret=JBSWY3DPEHPK3PXP",
    ],
)
def test_urls_that_are_no_use_are_refused_with_a_reason(url: str) -> None:
    with pytest.raises(Invalid, match="otpauth"):
        parse(url)


def test_a_code_is_split_off_a_password() -> None:
    assert split_code("pass$123456") == ("pass", "123456")
    assert split_code("pa$$word$12345678") == ("pa$$word", "12345678")
    assert split_code("pass$12345") == ("pass$12345", None)
    assert split_code("pass") == ("pass", None)


def test_the_picture_is_a_png() -> None:
    assert totp.qr_picture(generate(b"x" * 20, label="a", issuer="b").url).startswith("data:image/png;base64,iVBOR")
