"""Trace fields."""

from email import message_from_bytes

from hypothesis import given
from hypothesis import strategies as st

from mailkit.delivery.trace import Trace, crlf, header_block

NOW = 1_700_000_000_000


def test_trace_fields_say_who_when_and_how() -> None:
    trace = Trace(id="abc", host="mx.example.org", ip="2001:db8::1", hello="client.example")
    message = message_from_bytes(header_block(trace, mail_from="a@b.c", recipient="d@e.f", now=NOW) + b"\r\nx")
    assert message["Return-Path"] == "<a@b.c>"
    assert message["Delivered-To"] == "d@e.f"
    assert " ".join(message["Received"].split()) == (
        "from client.example ([IPv6:2001:db8::1]) by mx.example.org with LMTP id abc for <d@e.f>; "
        "Tue, 14 Nov 2023 22:13:20 +0000"
    )


@given(st.text(max_size=80), st.text(max_size=80), st.text(max_size=80))
def test_no_client_can_write_other_fields(hello: str, mail_from: str, recipient: str) -> None:
    trace = Trace(id="abc", host="mx", ip="192.0.2.1", hello=hello)
    block = header_block(trace, mail_from=mail_from, recipient=recipient, now=NOW)
    names = [line.split(b":")[0] for line in block.split(b"\r\n") if line and not line.startswith(b"\t")]
    assert names == [b"Return-Path", b"Delivered-To", b"Received"]
    assert block.endswith(b"\r\n")
    assert b"\n" not in block.replace(b"\r\n", b"")


@given(st.lists(st.sampled_from([b"a", b"\r\n", b"\n", b"\r"]), max_size=12))
def test_line_ends_become_crlf_once(parts: list[bytes]) -> None:
    fixed = crlf(b"".join(parts))
    assert b"\n" not in fixed.replace(b"\r\n", b"")
    assert crlf(fixed) == fixed
