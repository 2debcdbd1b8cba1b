"""Reverse-path and forward-path (RFC 5321 4.1.2)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailkit.errors import Invalid
from mailkit.listeners import Mailbox
from mailkit.listeners.paths import parse_path


@pytest.mark.parametrize(
    ("text", "mailbox", "rest"),
    [
        ("<>", None, ""),
        ("<> SIZE=1", None, " SIZE=1"),
        ("<a@b>", Mailbox("a", "b"), ""),
        ("<Joe.Q.Public@Example.ORG> X", Mailbox("Joe.Q.Public", "Example.ORG"), " X"),
        ("<!#$%&'*+-/=?^_`{|}~@example.org>", Mailbox("!#$%&'*+-/=?^_`{|}~", "example.org"), ""),
        ("<@a.example:u@b>", Mailbox("u", "b"), ""),
        ("<@a.example,@b.example:u@c>", Mailbox("u", "c"), ""),
        ('<"a@b"@c>', Mailbox("a@b", "c"), ""),
        ('<"a\\"b\\\\"@c>', Mailbox('a"b\\', "c"), ""),
        ('<" "@c>', Mailbox(" ", "c"), ""),
        ('<"joe"@c>', Mailbox("joe", "c"), ""),
        ("<postMaster>", Mailbox("postMaster", ""), ""),
        ("<a@[192.0.2.1]>", Mailbox("a", "[192.0.2.1]"), ""),
        ("<a@[IPv6:::1]>", Mailbox("a", "[IPv6:::1]"), ""),
        ("<a@[tag:whatever]>", Mailbox("a", "[tag:whatever]"), ""),
        ("<a@under_score.example>", Mailbox("a", "under_score.example"), ""),
        ("<a@xn--bcher-kva.example>", Mailbox("a", "xn--bcher-kva.example"), ""),
        ("<ü@bücher.example>", Mailbox("ü", "bücher.example"), ""),
        (f"<{'x' * 100}@example.org>", Mailbox("x" * 100, "example.org"), ""),
    ],
)
def test_good_paths(text: str, mailbox: Mailbox | None, rest: str) -> None:
    assert parse_path(text) == (mailbox, rest)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "angle brackets"),
        ("a@b", "angle brackets"),
        ("<", "the local part cannot start with the end of the line"),
        ("<@b>", "the local part is empty"),
        ("<.a@b>", "the local part cannot start with '.'"),
        ("<a.@b>", "two in a row"),
        ('<""@b>', "the local part is empty"),
        ('<"a\x01"@b>', "control character"),
        ("<a@b@c>", "after the domain comes >, not '@'"),
        ("<a@b c>", "after the domain comes >, not ' '"),
        ("<a@b-.c>", "ends with a hyphen"),
        ("<a@[127.1]>", "no address literal"),
        ("<a@[::1]>", "no address literal"),
        ("<a@[IPv6:fe80::1%eth0]>", "no address literal"),
        ("<a@[]>", "no address literal"),
        ("<a@[192.0.2.1>", "no address literal"),
        ("<@a.example u@b>", "the local part is empty"),
        ("<a\u00a0b@c>", "invisible"),
        ("<a\ufffd@c>", "invisible"),
        (f"<a@{'x.' * 127}xx>", "255 octets"),
        (f"<a@{'x' * 64}>", "63 octets"),
        (f"<{'x' * 250}@example.org>", "256 octets"),
    ],
)
def test_bad_paths_name_what_is_wrong(text: str, reason: str) -> None:
    with pytest.raises(Invalid) as refused:
        parse_path(text)
    assert reason in refused.value.message
    assert refused.value.code.startswith("address.")


LOCAL = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=60)
DOMAIN = st.from_regex(r"[a-z0-9](-?[a-z0-9]){0,20}(\.[a-z0-9](-?[a-z0-9]){0,20}){0,4}", fullmatch=True)


@given(LOCAL, DOMAIN, st.sampled_from(["", " SIZE=1"]))
def test_every_mailbox_comes_back_from_its_written_form(local: str, domain: str, rest: str) -> None:
    mailbox = Mailbox(local, domain)
    assert parse_path(f"<{mailbox}>{rest}") == (mailbox, rest)


@given(st.text(max_size=80).map(lambda text: f"<{text}>"))
def test_any_text_is_a_path_or_invalid(text: str) -> None:
    try:
        mailbox, _ = parse_path(text)
    except Invalid:
        return
    assert mailbox is None or parse_path(f"<{mailbox}>") == (mailbox, "")


@given(st.text(st.sampled_from('ab.-_@<>"\\[]: ,\u00fc'), max_size=30))
def test_the_short_way_and_the_long_way_agree(text: str) -> None:
    # A source route sends the same mailbox down the long way.
    def read(path: str) -> object:
        try:
            return parse_path(path)
        except Invalid:
            return None

    if not text.startswith((">", "@")) and not text.lower().startswith("postmaster>"):
        assert read(f"<{text}") == read(f"<@r.example:{text}")
