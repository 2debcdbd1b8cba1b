"""Conversations as text files, run over a real socket.

# a comment
! max_size=100          limits of the listener, before the first line
C: LHLO client.test     the client sends a line and CRLF; lines in a row are sent together
C> "a\n.\r\n"           the client sends these octets, written as a Python literal
S: 250 2.0.0 Ok         the server answers exactly this; "..." stands for anything
S: <closed>             the server has closed the connection
M: alice@example.org -> bob@example.net, carol@example.net "Subject: x\r\n"
                        the sink got this message (all such lines, in order, and no others)
"""

import ast
import re
import socket
from pathlib import Path
from typing import Any

import pytest

_FILES = sorted((Path(__file__).parent / "dialogues").glob("*.txt"))


@pytest.mark.parametrize("path", _FILES, ids=lambda path: path.stem)
def test_dialogue(path: Path, running: Any) -> None:
    lines = [line for line in path.read_text("utf-8").splitlines() if line.strip() and not line.startswith("#")]
    limits: dict[str, Any] = {}
    while lines[0].startswith("!"):
        limits |= {key: ast.literal_eval(value) for key, value in (p.split("=") for p in lines.pop(0)[1:].split())}
    server = running(**limits)
    expected_messages = [line[3:] for line in lines if line.startswith("M: ")]
    with server.connect() as client, client.makefile("rb") as replies:
        pending = b""
        for line in lines:
            kind, text = line[:3], line[3:]
            if kind == "C: ":
                pending += text.encode() + b"\r\n"
            elif kind == "C> ":
                pending += _octets(text)
            elif kind == "S: ":
                if pending:
                    client.sendall(pending)
                    pending = b""
                _expect(replies.readline(), text, line)
            else:
                assert kind == "M: ", line
        assert not pending, "a dialogue ends with the server's words"
        client.shutdown(socket.SHUT_WR)
        assert replies.read() == b""
    got = []
    for _, envelope, raw in server.sink.messages:
        recipients = ", ".join(str(recipient.mailbox) for recipient in envelope.recipients)
        got.append(f"{envelope.mail_from or '<>'} -> {recipients} {str(raw)[1:]}")
    assert got == [_normal(message) for message in expected_messages]


def _octets(text: str) -> bytes:
    value = ast.literal_eval(text)
    return value if isinstance(value, bytes) else value.encode("utf-8")


def _normal(message: str) -> str:
    found = re.fullmatch(r"(.+ -> \S+(?:, \S+)*) (b?\".*\")", message)
    assert found, message
    return f"{found[1]} {str(_octets(found[2]))[1:]}"


def _expect(got: bytes, pattern: str, line: str) -> None:
    if pattern == "<closed>":
        assert got == b"", line
        return
    wanted = ".*".join(map(re.escape, pattern.split("...")))
    text = got.decode()
    assert text.endswith("\r\n"), f"{line!r}: got {text!r}"
    assert re.fullmatch(wanted, text.removesuffix("\r\n")), f"{line!r}: got {text!r}"


def test_there_are_dialogues() -> None:
    assert len(_FILES) > 20
