"""The bundled server on a real socket."""

import gzip
import socket
import threading
from collections.abc import Iterator

import httpx2
import pytest
import uvicorn

from mailkit import MailKit
from mailkit.http import build_app
from mailkit.http.protocol import BoundedProtocol


@pytest.fixture
def port() -> Iterator[int]:
    with MailKit.open("memory:", settings={"http.open": True}) as kit, socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        config = uvicorn.Config(build_app(kit), http=BoundedProtocol, ws="none", lifespan="off", log_config=None)
        server = uvicorn.Server(config)
        started = threading.Event()
        thread = threading.Thread(target=lambda: (started.set(), server.run([listening])))
        thread.start()
        started.wait()
        while not server.started:
            threading.Event().wait(0.01)
        yield listening.getsockname()[1]
        server.should_exit = True
        thread.join()


def test_a_hundred_megabytes_of_headers_end_in_a_4xx(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), 10) as client:
        sent = client.send(b"GET /users HTTP/1.1\r\nHost: localhost\r\n")
        line = b"X-Long: " + b"x" * 8000 + b"\r\n"
        try:
            while sent < 100 << 20:
                sent += client.send(line)
        except OSError:
            pass  # the server has hung up long before
        assert sent < 100 << 20
        answer = b""
        try:
            answer = client.recv(65536)
        except OSError:
            pass  # a reset may overtake the answer
        assert answer.startswith(b"HTTP/1.1 431 ") or not answer
    with httpx2.Client(base_url=f"http://localhost:{port}") as client:
        assert client.get("/users").json()["success"] is True


def test_one_header_beyond_the_bound_is_answered_431(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), 10) as client:
        client.sendall(b"GET /users HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * (65 << 10))
        answer = b""
        while chunk := client.recv(65536):
            answer += chunk
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 431 ")
    assert f"content-length: {len(body)}".encode() in head


def test_bodies_and_kept_connections_are_not_heads(port: int) -> None:
    with httpx2.Client(base_url=f"http://localhost:{port}") as client:
        big = "x" * 300_000
        for number in range(3):
            user = {"username": f"u{number}", "password": "", "emptyAddress": True, "metaData": {"big": big}}
            assert client.post("/users", json=user).json()["success"] is True
        assert (
            client.post(
                "/users", content=iter([b'{"username":', b'"chunked","password":"","emptyAddress":1}'])
            ).status_code
            == 200
        )


@pytest.mark.parametrize("field", [b"X: " + b"x" * 80 + b"\r\n", b"x" * 8000])
def test_trailers_are_bounded_whoever_sends_them(port: int, field: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port), 10) as client:
        sent = client.send(
            b"POST /users HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nX: "
        )
        try:
            while sent < 50 << 20:
                sent += client.send(field)
        except OSError:
            pass  # the server has hung up long before
        assert sent < 50 << 20


def test_trailer_fields_are_no_headers(port: int) -> None:
    chunked = b"POST /users HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    body = b'{"username":"t","password":"","emptyAddress":true}'
    with socket.create_connection(("127.0.0.1", port), 10) as client:
        client.sendall(
            chunked + b"%x\r\n%s\r\n0\r\nX-Access-Token: wrong\r\nContent-Type: text/plain\r\n\r\n" % (len(body), body)
        )
        answer = b""
        while chunk := client.recv(65536):
            answer += chunk
    assert answer.startswith(b"HTTP/1.1 200 ")


MAKE = b"POST /users HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
JANE = b'{"username":"jane","password":"","emptyAddress":true}'


def said(port: int, *pieces: bytes) -> bytes:
    """What the server answers to these bytes, until it closes."""
    with socket.create_connection(("127.0.0.1", port), 10) as client:
        for piece in pieces:
            client.sendall(piece)
        answer = b""
        while chunk := client.recv(65536):
            answer += chunk
    return answer


def users(port: int) -> int:
    with httpx2.Client(base_url=f"http://localhost:{port}") as client:
        return int(client.get("/users").json()["total"])


LIES = {
    "more than announced": b"Content-Length: %d\r\n\r\n%s and more" % (len(JANE), JANE),
    "two lengths": b"Content-Length: %d\r\nContent-Length: 2\r\n\r\n%s" % (len(JANE), JANE),
    "a length and chunks": b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n"
    % (len(JANE), JANE),
    "a negative length": b"Content-Length: -1\r\n\r\n" + JANE,
    "no length at all": b"Content-Length: many\r\n\r\n" + JANE,
    "a chunk without a length": b"Transfer-Encoding: chunked\r\n\r\nzz\r\n%s\r\n0\r\n\r\n" % JANE,
    "a chunk that is longer": b"Transfer-Encoding: chunked\r\n\r\n5\r\n%s\r\n0\r\n\r\n" % JANE,
}


@pytest.mark.parametrize("lie", LIES)
def test_a_body_that_is_not_as_announced_does_nothing(port: int, lie: str) -> None:
    answer = said(port, MAKE + LIES[lie])
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b'"code":"BadRequest"' in answer
    assert answer.count(b"HTTP/1.1") == 1
    assert users(port) == 0


def test_a_request_under_way_is_answered_whatever_follows(port: int) -> None:
    whole = MAKE + b"Content-Length: %d\r\n\r\n%s" % (len(JANE), JANE)
    with socket.create_connection(("127.0.0.1", port), 10) as client:
        client.sendall(whole)
        answer = client.recv(65536)  # it was done
        client.sendall(b"and more\r\n\r\n")
        while chunk := client.recv(65536):
            answer += chunk
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b"HTTP/1.1 400 " in answer
    assert users(port) == 1


def test_a_body_that_is_cut_short_does_nothing(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), 10) as client:
        client.sendall(MAKE + b"Content-Length: 1000\r\n\r\n" + JANE)
    with socket.create_connection(("127.0.0.1", port), 10) as client:
        client.sendall(MAKE + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n" % (len(JANE), JANE))
        client.shutdown(socket.SHUT_WR)
        assert client.recv(1) == b""
    assert users(port) == 0


@pytest.mark.parametrize("path", ["/users", "/api/principal"])
@pytest.mark.parametrize(
    ("head", "framing"),
    [
        (b"Content-Encoding: gzip\r\n", b"Content-Length: %d\r\n\r\n%s"),
        (b"Content-Encoding: identity\r\nContent-Encoding: br\r\n", b"Content-Length: %d\r\n\r\n%s"),
        (b"Transfer-Encoding: gzip, chunked\r\n", b"\r\n%x\r\n%s\r\n0\r\n\r\n"),
    ],
)
def test_a_compressed_body_is_refused_not_kept_as_it_is(port: int, path: str, head: bytes, framing: bytes) -> None:
    body = gzip.compress(JANE)
    answer = said(
        port,
        b"POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nConnection: close\r\n"
        % path.encode()
        + head
        + framing % (len(body), body),
    )
    assert answer.startswith(b"HTTP/1.1 415 ")
    assert b"send it as it is" in answer
    assert users(port) == 0


@pytest.mark.parametrize(
    "framing", [b"Content-Length: %d\r\n\r\n%s", b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n"]
)
@pytest.mark.parametrize("whole", [True, False])
def test_an_offer_of_another_protocol_is_passed_over_not_the_body(port: int, framing: bytes, whole: bool) -> None:
    """Java's client offers HTTP/2 with the first request of a connection."""
    offer = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAA\r\n"
    data = MAKE + offer + framing % (len(JANE), JANE)
    last = b"GET /users HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    pieces = [data + last] if whole else [bytes([byte]) for byte in data] + [last]
    answer = said(port, *pieces)
    assert answer.count(b"HTTP/1.1 200 ") == 2
    assert b'"total":1' in answer


def test_an_offer_without_a_body_is_passed_over(port: int) -> None:
    ask = b"GET /users HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    answer = said(port, ask + ask.replace(b"Upgrade\r\nUpgrade: websocket", b"close"))
    assert answer.count(b"HTTP/1.1 200 ") == 2
