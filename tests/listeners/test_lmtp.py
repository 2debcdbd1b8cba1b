"""The listener with real clients: slow ones, greedy ones, ones that leave; and how it stops."""

import smtplib
import socket
import struct
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from mailkit.errors import Invalid

BEGIN = b"LHLO me\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.net>\r\nDATA\r\n"
LONG = timedelta(minutes=5)


def until(condition: Callable[[], bool]) -> None:
    """Waits for something that other threads bring about."""
    for _ in range(4000):
        if condition():
            return
        time.sleep(0.005)
    raise AssertionError("it did not come about")


def read_until(client: socket.socket, end: bytes) -> bytes:
    got = b""
    while not got.endswith(end):
        octets = client.recv(65536)
        assert octets, f"closed after {got!r}"
        got += octets
    return got


def read_to_the_end(client: socket.socket) -> bytes:
    got = b""
    try:
        while octets := client.recv(65536):
            got += octets
    except ConnectionResetError:
        pass
    return got


def send_on(client: socket.socket, octets: bytes, *, pause: float = 0) -> None:
    for _ in range(100_000):
        client.sendall(octets)
        time.sleep(pause)


def into_content(client: socket.socket) -> None:
    client.sendall(BEGIN)
    read_until(client, b"End data with <CR><LF>.<CR><LF>\r\n")


# Real clients


def test_smtplib_delivers_and_sees_each_refusal(running: Any) -> None:
    server = running()
    with smtplib.LMTP(server.host, server.port, local_hostname="client.test") as client:
        refused = client.sendmail(
            "alice@example.org", ["bob@example.net", "unknown@example.net"], "Subject: x\n\n.dot\n"
        )
        assert refused == {"unknown@example.net": (550, b"5.1.1 no such mailbox here")}
    (session, envelope, raw) = server.sink.messages[0]
    assert raw == b"Subject: x\r\n\r\n.dot\r\n"
    assert str(envelope.mail_from) == "alice@example.org"
    assert (session.hello, session.peer, session.protocol, session.server) == (
        "client.test", "127.0.0.1", "LMTP", "mx.test",
    )  # fmt: skip
    assert session.local_port == server.port
    assert session.connected > 1_600_000_000_000
    assert envelope.parameters.size == len(raw)


def test_smtplib_sends_utf8(running: Any) -> None:
    server = running()
    with smtplib.LMTP(server.host, server.port) as client:
        client.sendmail(
            "jürgen@example.org", ["bob@example.net"], "Subject: ü\r\n".encode(), ["SMTPUTF8", "BODY=8BITMIME"]
        )
    session, envelope, raw = server.sink.messages[0]
    assert (str(envelope.mail_from), envelope.protocol(session), raw) == (
        "jürgen@example.org", "UTF8LMTP", "Subject: ü\r\n".encode(),
    )  # fmt: skip
    assert envelope.mail_options == {"SMTPUTF8": None, "BODY": "8BITMIME", "SIZE": "13"}


def test_a_local_socket_works_as_well(running: Any) -> None:
    server = running()
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "lmtp")
        assert server.run(server.listener.listen(path=path)) == (path, 0)
        with smtplib.LMTP(path) as client:
            client.sendmail("alice@example.org", ["bob@example.net"], "x\r\n")
        session, _, _ = server.sink.messages[0]
        assert (session.peer, session.local) == ("", path)


def test_port_25_is_refused(running: Any) -> None:
    server = running()
    with pytest.raises(Invalid, match="port 25"):
        server.run(server.listener.listen("127.0.0.1", 25))


def test_a_large_message_arrives_whole(running: Any) -> None:
    server = running(max_inflight=1 << 20)
    message = b"".join(b".line %d\r\n" % number for number in range(300_000))
    with server.connect() as client:
        into_content(client)
        client.sendall(message.replace(b"\r\n.", b"\r\n..").replace(b".", b"..", 1) + b".\r\n")
        read_until(client, b"250 2.0.0 stored for b\r\n")
    assert server.sink.messages[0][2] == message


def test_one_line_of_many_megabytes_is_content_like_any_other(running: Any) -> None:
    server = running()
    with server.connect() as client:
        into_content(client)
        client.sendall(b"x" * 8_000_000 + b"\r\n.\r\n")
        read_until(client, b"250 2.0.0 stored for b\r\n")
    assert len(server.sink.messages[0][2]) == 8_000_002


def test_a_client_that_half_closes_gets_its_replies(running: Any) -> None:
    server = running()
    server.sink.gate.clear()
    with server.connect() as client:
        into_content(client)
        client.sendall(b"x\r\n.\r\n")
        client.shutdown(socket.SHUT_WR)
        server.sink.delivering.wait(10)
        server.sink.gate.set()
        assert read_to_the_end(client) == b"250 2.0.0 stored for b\r\n"


def test_a_message_is_not_lost_when_its_client_leaves(running: Any) -> None:
    server = running()
    server.sink.gate.clear()
    with server.connect() as client:
        into_content(client)
        client.sendall(b"x\r\n.\r\nNOOP\r\n")
        server.sink.delivering.wait(10)
    server.sink.gate.set()
    until(lambda: server.listener.connections == 0)
    assert [raw for _, _, raw in server.sink.messages] == [b"x\r\n"]
    assert server.listener.inflight.total == 0


def test_half_a_message_is_no_message(running: Any) -> None:
    server = running()
    with server.connect() as client:
        into_content(client)
        client.sendall(b"half\r\n")
    until(lambda: server.listener.connections == 0)
    assert server.sink.messages == []
    assert server.listener.inflight.total == 0


def test_what_a_sink_breaks_is_reported(running: Any) -> None:
    server = running()
    with server.connect() as client:
        client.sendall(BEGIN.replace(b"<b@", b"<crash@"))
        read_until(client, b"End data with <CR><LF>.<CR><LF>\r\n")
        client.sendall(b".\r\n")
        assert read_until(client, b"\r\n") == b"451 4.3.0 Internal error; try again later\r\n"
    assert [str(problem["exception"]) for problem in server.problems] == ["sink crashed"]


# Slow clients


def test_a_silent_client_is_told_and_cut_off(running: Any) -> None:
    server = running(idle_timeout=timedelta(seconds=0.1))
    with server.connect() as client:
        assert read_to_the_end(client).endswith(b"421 4.4.2 idle for too long; closing\r\n")


def test_a_client_that_drips_a_command_is_cut_off(running: Any) -> None:
    server = running(command_timeout=timedelta(seconds=0.2))
    with server.connect() as client:
        read_until(client, b"\r\n")
        got = b""
        client.settimeout(0.02)
        for _ in range(500):
            client.sendall(b"N")
            try:
                got = client.recv(1000)
                break
            except TimeoutError:
                continue
        assert got == b"421 4.4.2 the command took too long; closing\r\n"


def test_a_client_that_drips_content_is_cut_off(running: Any) -> None:
    server = running(content_window=timedelta(seconds=0.2), content_rate=1000)
    with server.connect() as client:
        into_content(client)
        client.sendall(b"some")
        assert read_to_the_end(client) == b"421 4.4.2 the message comes too slowly; closing\r\n"
    assert server.sink.messages == []


def test_content_that_never_ends_is_cut_off(running: Any) -> None:
    server = running(content_timeout=timedelta(seconds=0.2), max_size=1000)
    with server.connect() as client:
        into_content(client)
        with pytest.raises(ConnectionError):
            send_on(client, b"x" * 1000, pause=0.001)
    until(lambda: server.listener.connections == 0)


def test_a_client_is_not_blamed_for_a_slow_sink(running: Any) -> None:
    server = running(idle_timeout=timedelta(seconds=0.8))
    server.sink.gate.clear()
    with server.connect() as client:
        into_content(client)
        client.sendall(b"x\r\n.\r\n")
        server.sink.delivering.wait(10)
        time.sleep(1)
        server.sink.gate.set()
        assert read_until(client, b"\r\n") == b"250 2.0.0 stored for b\r\n"
        time.sleep(0.3)
        client.sendall(b"NOOP\r\n")
        assert read_until(client, b"\r\n") == b"250 2.0.0 Ok\r\n"


def test_a_client_that_fetches_no_replies_is_reset(running: Any) -> None:
    server = running(idle_timeout=timedelta(seconds=0.2), max_line=100_000, max_wasted=10**9, max_recipients=1)
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    with client:
        client.settimeout(20)
        client.connect((server.host, server.port))
        with pytest.raises(ConnectionError):
            send_on(client, b"HELP\r\n" * 10_000)
    until(lambda: server.listener.connections == 0)


# Greedy clients


def test_one_connection_too_many_is_told_421(running: Any) -> None:
    server = running(max_connections=2)
    with server.connect() as one, server.connect() as two:
        for client in (one, two):
            assert read_until(client, b"\r\n").startswith(b"220 ")
        with server.connect() as three:
            assert read_to_the_end(three) == b"421 4.3.2 Too many connections; closing\r\n"
        one.close()
        until(lambda: server.listener.connections == 1)
        with server.connect() as four:
            assert read_until(four, b"\r\n").startswith(b"220 ")


def test_reading_stops_when_too_much_is_in_memory_and_goes_on_when_there_is_room(running: Any) -> None:
    server = running(max_inflight=100_000, max_size=1_000_000)
    server.sink.gate.clear()
    body = b"x" * 500_000 + b"\r\n.\r\n"
    with server.connect() as first, server.connect() as second:
        into_content(first)
        first.sendall(body)  # may pass the limit: it is the only one
        server.sink.delivering.wait(10)
        into_content(second)
        second.settimeout(0.3)
        with pytest.raises(TimeoutError):
            second.sendall(b"y" * 10_000_000)
        # One message, and what one read of a socket takes.
        assert server.listener.inflight.total <= len(body) + (256 << 10)
        second.settimeout(20)
        server.sink.gate.set()
        assert read_until(first, b"\r\n") == b"250 2.0.0 stored for b\r\n"
        second.sendall(b"\r\n.\r\n")
        assert read_until(second, b"\r\n") == b"552 5.3.4 the message is larger than 1000000 octets\r\n"
    until(lambda: server.listener.connections == 0)
    assert server.listener.inflight.total == 0


def test_commands_that_pile_up_behind_a_slow_sink_are_all_answered(running: Any) -> None:
    server = running(max_wasted=1000)
    server.sink.gate.clear()
    with server.connect() as client:
        into_content(client)
        client.sendall(b"x\r\n.\r\n")
        server.sink.delivering.wait(10)
        sending = threading.Thread(target=client.sendall, args=[(b"NOOP " * 400 + b"\r\n") * 500])
        sending.start()
        until(lambda: server.listener.inflight.total > 64 << 10)
        server.sink.gate.set()
        assert read_until(client, b"250 2.0.0 Ok\r\n" * 500).startswith(b"250 2.0.0 stored for b\r\n")
        sending.join()


def test_a_message_that_came_whole_passes_one_that_fills_the_memory(running: Any) -> None:
    server = running(max_inflight=10_000)
    with server.connect() as large, server.connect() as small:
        into_content(large)
        large.sendall(b"x" * 20_000)
        until(lambda: server.listener.inflight.total == 20_000)
        into_content(small)
        small.sendall(b"x" * 1000 + b"\r\n.\r\n")
        assert read_until(small, b"\r\n") == b"250 2.0.0 stored for b\r\n"
        small.sendall(b"QUIT\r\n")
        assert read_until(small, b"\r\n") == b"221 2.0.0 Bye\r\n"


def test_many_messages_at_once_all_get_through_a_small_memory(running: Any) -> None:
    server = running(max_inflight=10_000)
    clients = [server.connect() for _ in range(8)]
    for _ in range(3):
        for client in clients:
            into_content(client)
        # Each sends half a message, so that all of them together are above the limit with none complete.
        for client in clients:
            client.sendall(b"x" * 30_000)
        for client in clients:
            client.sendall(b"x" * 30_000 + b"\r\n.\r\n")
        for client in clients:
            assert read_until(client, b"\r\n") == b"250 2.0.0 stored for b\r\n"
    for client in clients:
        client.close()
    assert len(server.sink.messages) == 24


def test_a_million_garbage_commands_do_no_harm(running: Any) -> None:
    server = running()
    with server.connect() as client, pytest.raises(ConnectionError):
        client.sendall(b"garbage\r\n" * 1_000_000)
    with server.connect() as client:
        assert read_until(client, b"\r\n").startswith(b"220 ")


# Stopping


def test_closing_finishes_the_message_being_delivered_and_sends_the_others_away(running: Any) -> None:
    server = running()
    server.sink.gate.clear()
    with server.connect() as delivering, server.connect() as sending, server.connect() as idle:
        for client in (delivering, sending):
            into_content(client)
        read_until(idle, b"\r\n")
        sending.sendall(b"half\r\n")
        delivering.sendall(b"whole\r\n.\r\nNOOP\r\n")
        server.sink.delivering.wait(10)
        closed = server.start(server.listener.close(LONG))
        for client in (sending, idle):
            assert read_to_the_end(client) == b"421 4.3.2 Shutting down; closing\r\n"
        assert not closed.done()
        server.sink.gate.set()
        assert read_to_the_end(delivering) == b"250 2.0.0 stored for b\r\n421 4.3.2 Shutting down; closing\r\n"
        closed.result(10)
    assert [raw for _, _, raw in server.sink.messages] == [b"whole\r\n"]
    with pytest.raises(ConnectionRefusedError):
        server.connect()


def test_a_delivery_without_end_is_given_up_and_not_answered(running: Any) -> None:
    server = running()
    server.sink.gate.clear()
    with server.connect() as client:
        into_content(client)
        client.sendall(b"x\r\n.\r\n")
        server.sink.delivering.wait(10)
        server.run(server.listener.close(timedelta(seconds=0.1)))
        assert read_to_the_end(client) == b""
    assert server.sink.messages == []


@pytest.mark.parametrize("linger", [struct.pack("ii", 0, 0), struct.pack("ii", 1, 0)], ids=["end", "reset"])
def test_closing_waits_for_a_delivery_whose_client_has_left(linger: bytes, running: Any) -> None:
    server = running()
    server.sink.gate.clear()
    with server.connect() as client:
        into_content(client)
        client.sendall(b"x\r\n.\r\n")
        server.sink.delivering.wait(10)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    time.sleep(0.05)
    closed = server.start(server.listener.close(LONG))
    time.sleep(0.05)
    assert not closed.done()
    server.sink.gate.set()
    closed.result(10)
    assert len(server.sink.messages) == 1
