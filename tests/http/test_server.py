"""The bundled server on a real socket."""

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
