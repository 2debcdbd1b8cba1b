"""HTTP(S) with real servers on loopback, opened for the purpose of the test."""

import gzip
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from mailkit.egress import Purpose
from mailkit.egress.fetch import Caps, get, post
from mailkit.egress.purpose import networks
from mailkit.errors import Denied, Invalid, Unavailable

LOOPBACK = Purpose(name="test", open_networks=networks("127.0.0.1"))
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def resolver(host: str) -> list[str]:
    """Names of the test's world."""
    return {"private.example": ["10.0.0.1"], "metadata.example": ["169.254.169.254"]}.get(host, ["127.0.0.1"])


Behaviour = Callable[[socket.socket, bytes], None]


class Server:
    """Reads one request per connection and leaves the answer to `behaviour`."""

    def __init__(self, behaviour: Behaviour, tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[bytes] = []
        self.behaviour, self.tls = behaviour, tls
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.port = self.listening.getsockname()[1]
        self.threads: list[threading.Thread] = []
        self.accepting = threading.Thread(target=self.accept)
        self.accepting.start()

    def accept(self) -> None:
        while True:
            try:
                client, _ = self.listening.accept()
            except OSError:
                return
            thread = threading.Thread(target=self.serve, args=[client])
            self.threads.append(thread)
            thread.start()

    def serve(self, client: socket.socket) -> None:
        client.settimeout(10)
        try:
            if self.tls:
                client = self.tls.wrap_socket(client, server_side=True)
            self.requests.append(request := self.read(client))
            self.behaviour(client, request)
        except OSError:
            pass
        finally:
            client.close()

    @staticmethod
    def read(client: socket.socket) -> bytes:
        got = b""
        while b"\r\n\r\n" not in got:
            octets = client.recv(65536)
            if not octets:
                return got
            got += octets
        head, _, body = got.partition(b"\r\n\r\n")
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                while len(body) < int(line[15:]):
                    body += client.recv(65536)
        return head + b"\r\n\r\n" + body

    def url(self, path: str = "/", host: str = "hooks.example", scheme: str = "http") -> str:
        return f"{scheme}://{host}:{self.port}{path}"

    def stop(self) -> None:
        self.listening.shutdown(socket.SHUT_RDWR)
        self.listening.close()
        self.accepting.join()
        for thread in self.threads:
            thread.join()


@pytest.fixture
def serving() -> Iterator[Callable[..., Server]]:
    """Starts servers: `serving(behaviour)`, or `serving(b"the answer")`."""
    servers: list[Server] = []

    def start(answer: bytes | Behaviour, tls: ssl.SSLContext | None = None) -> Server:
        def say(client: socket.socket, _: bytes) -> None:
            assert isinstance(answer, bytes)
            client.sendall(answer)

        servers.append(Server(say if isinstance(answer, bytes) else answer, tls))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


def drip(prefix: bytes, octet: bytes) -> Behaviour:
    def behave(client: socket.socket, _: bytes) -> None:
        client.sendall(prefix)
        if not octet:
            client.recv(1)  # until the client hangs up
            return
        for _ in range(2000):
            client.sendall(octet)
            time.sleep(0.005)

    return behave


def fetch(url: str, purpose: Purpose = LOOPBACK, **options: Any) -> Any:
    return get(url, purpose, resolver=resolver, **options)


# The plain case


def test_get(serving: Any) -> None:
    server = serving(b"HTTP/1.1 404 Not Found\r\nX-A: 1\r\nx-a: 2\r\nContent-Length: 4\r\n\r\nnope")
    response = fetch(server.url("/p?q=1"), headers={"X-Test": "yes"})
    assert (response.status, response.body, response.headers["x-a"]) == (404, b"nope", "1, 2")
    assert response.url == server.url("/p?q=1")
    head = server.requests[0].decode().split("\r\n")
    assert head[0] == "GET /p?q=1 HTTP/1.1"
    assert sorted(head[1:-2]) == [
        "accept-encoding: identity", "connection: close", f"host: hooks.example:{server.port}", "x-test: yes",
    ]  # fmt: skip


def test_post(serving: Any) -> None:
    server = serving(OK)
    body = b"x" * 300_000
    assert post(server.url(), body, LOOPBACK, resolver=resolver, headers={"Content-Type": "text/plain"}).body == b"ok"
    assert server.requests[0].endswith(b"\r\n\r\n" + body)
    assert b"content-type: text/plain\r\n" in server.requests[0]


def test_a_chunked_answer_and_one_that_ends_with_the_connection(serving: Any) -> None:
    chunked = serving(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
    assert fetch(chunked.url()).body == b"abcde"
    closing = serving(b"HTTP/1.0 200 OK\r\n\r\nabcde")
    assert fetch(closing.url()).body == b"abcde"


def test_proxies_of_the_environment_are_not_asked(serving: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy, server = serving(b"HTTP/1.1 500 proxy\r\n\r\n"), serving(OK)
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
    assert fetch(server.url()).status == 200
    assert proxy.requests == []


@pytest.mark.parametrize(
    "headers",
    [{"Host": "x"}, {"Accept-Encoding": "gzip"}, {"X": "a\r\nY: b"}, {"X\r\nY": "b"}, {"X": "\u20ac"}, {"": "x"}],
)
def test_headers_that_could_break_the_request_are_refused(headers: dict[str, str]) -> None:
    with pytest.raises(Invalid) as refused:
        fetch("http://hooks.example/", headers=headers)
    assert refused.value.code == "header.invalid"


# Where it may go


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:{}/", "http://localhost:{}/", "http://hooks.example:{}/", "http://[::ffff:127.0.0.1]:{}/"]
)
def test_loopback_is_closed_unless_opened(url: str, serving: Any) -> None:
    server = serving(OK)
    with pytest.raises(Denied) as denied:
        fetch(url.format(server.port), Purpose(name="webhook"))
    assert denied.value.code == "egress.denied"
    assert server.requests == []


def test_a_scheme_can_be_closed(serving: Any) -> None:
    server = serving(OK)
    with pytest.raises(Denied):
        fetch(server.url(), Purpose(name="t", schemes=frozenset({"https"}), open_networks=networks("127.0.0.1")))
    assert server.requests == []


def redirect(location: str, status: int = 302) -> bytes:
    return f"HTTP/1.1 {status} Go\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode()


@pytest.mark.parametrize(
    "location",
    ["http://10.0.0.1/", "http://private.example/", "http://metadata.example/latest/meta-data", "http://[::1]/",
     "http://127.0.0.2/", "//169.254.169.254/", "http://[::ffff:10.0.0.1]/"],
)  # fmt: skip
def test_a_redirect_to_a_closed_address_is_refused(location: str, serving: Any) -> None:
    with pytest.raises(Denied):
        fetch(serving(redirect(location)).url())


@pytest.mark.parametrize("location", ["file:///etc/passwd", "http://u@hooks.example/", "http://2130706433/"])
def test_a_redirect_to_what_is_no_url_is_invalid(location: str, serving: Any) -> None:
    with pytest.raises(Invalid):
        fetch(serving(redirect(location)).url())


def test_each_redirect_asks_again_so_a_name_that_moved_is_caught(serving: Any) -> None:
    answers = iter([["127.0.0.1"], ["10.0.0.1"]])
    server = serving(redirect("/again"))
    with pytest.raises(Denied):
        get(server.url(), LOOPBACK, resolver=lambda _: next(answers))
    assert len(server.requests) == 1


def test_redirects_are_followed_up_to_the_cap(serving: Any) -> None:
    def count_down(client: socket.socket, request: bytes) -> None:
        left = int(request.split(b" ")[1][1:])
        client.sendall(redirect(f"/{left - 1}") if left else OK)

    server = serving(count_down)
    response = fetch(server.url("/3"))
    assert (response.status, response.url) == (200, server.url("/0"))
    with pytest.raises(Unavailable, match="more than 3 redirects"):
        fetch(server.url("/4"))
    assert fetch(server.url("/1"), caps=Caps(redirects=0)).status == 302


def test_credentials_do_not_follow_to_another_origin(serving: Any) -> None:
    other = serving(OK)
    first = serving(redirect(other.url("/", host="other.example")))
    fetch(first.url(), headers={"Authorization": "Bearer secret", "X-Kept": "1"})
    assert b"Bearer secret" in first.requests[0]
    assert b"secret" not in other.requests[0]
    assert b"x-kept: 1" in other.requests[0]


@pytest.mark.parametrize(
    ("status", "method"), [(301, b"GET"), (302, b"GET"), (303, b"GET"), (307, b"POST"), (308, b"POST")]
)
def test_a_redirected_post(status: int, method: bytes, serving: Any) -> None:
    other = serving(OK)
    first = serving(redirect(other.url("/there"), status))
    post(first.url(), b"body", LOOPBACK, resolver=resolver, headers={"Content-Type": "text/plain"})
    assert other.requests[0].startswith(method + b" /there ")
    assert (b"body" in other.requests[0]) == (b"text/plain" in other.requests[0]) == (method == b"POST")


# What it may take


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n" + b"x" * 1001,
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 1001 + b"0\r\n\r\n",
        b"HTTP/1.0 200 OK\r\n\r\n" + b"x" * 1001,
    ],
)
def test_a_body_above_the_cap_is_refused(answer: bytes, serving: Any) -> None:
    with pytest.raises(Unavailable, match="larger than 1000 octets") as failed:
        fetch(serving(answer).url(), caps=Caps(max_size=1000))
    assert failed.value.code == "egress.failed"


def test_a_body_at_the_cap_is_taken(serving: Any) -> None:
    server = serving(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + b"x" * 1000)
    assert len(fetch(server.url(), caps=Caps(max_size=1000)).body) == 1000


def test_framing_without_end_is_cut_off_by_size(serving: Any) -> None:
    def extend(client: socket.socket, _: bytes) -> None:
        client.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(10_000):  # one octet of body in each kilobyte
            client.sendall(b"1;" + b"x" * 1000 + b"\r\nx\r\n")

    with pytest.raises(Unavailable, match="too large"):
        fetch(serving(extend).url(), caps=Caps(max_size=100_000))


def test_headers_without_end_are_cut_off(serving: Any) -> None:
    with pytest.raises(Unavailable) as failed:
        fetch(serving(b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * 100_000).url())
    assert failed.value.code == "egress.failed"


def test_interim_answers_without_end_are_cut_off(serving: Any) -> None:
    def go_on(client: socket.socket, _: bytes) -> None:
        while True:
            client.sendall(b"HTTP/1.1 100 Continue\r\n\r\n" * 1000)

    with pytest.raises(Unavailable):
        fetch(serving(go_on).url(), caps=Caps(timeout=timedelta(seconds=5)))


def test_a_compressed_bomb_stays_packed(serving: Any) -> None:
    bomb = gzip.compress(b"\0" * 50_000_000)
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb)
    response = fetch(serving(head + bomb).url())
    assert response.body == bomb
    assert response.headers["content-encoding"] == "gzip"


@pytest.mark.parametrize(
    ("prefix", "octet"),
    [
        (b"", b""),
        (b"HTTP/1.1 200 OK\r\nX: ", b"x"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b"x"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
        (b"HTTP/1.0 200 OK\r\n\r\n", b"x"),
    ],
    ids=["silence", "header", "length", "chunks", "close"],
)
def test_a_dripping_answer_has_one_deadline_for_all(prefix: bytes, octet: bytes, serving: Any) -> None:
    server = serving(drip(prefix, octet))
    with pytest.raises(Unavailable) as failed:
        fetch(server.url(), caps=Caps(timeout=timedelta(seconds=0.3)))
    assert failed.value.code == "egress.timeout"


def test_redirects_share_the_deadline(serving: Any) -> None:
    def slowly(client: socket.socket, _: bytes) -> None:
        time.sleep(0.15)
        client.sendall(redirect("/"))

    with pytest.raises(Unavailable) as failed:
        fetch(serving(slowly).url(), caps=Caps(timeout=timedelta(seconds=0.4), redirects=100))
    assert failed.value.code == "egress.timeout"


def test_a_server_that_does_not_read_has_the_deadline_too(serving: Any) -> None:
    hung_up = threading.Event()
    server = serving(OK)
    server.read = lambda client: hung_up.wait(10) and b""
    with pytest.raises(Unavailable) as failed:
        post(server.url(), b"x" * 50_000_000, LOOPBACK, resolver=resolver, caps=Caps(timeout=timedelta(seconds=0.3)))
    hung_up.set()
    assert failed.value.code == "egress.timeout"


@pytest.mark.parametrize(
    "answer",
    [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab",
     b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
     b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab"],
)  # fmt: skip
def test_a_broken_answer_is_a_failure(answer: bytes, serving: Any) -> None:
    with pytest.raises(Unavailable) as failed:
        fetch(serving(answer).url())
    assert failed.value.code == "egress.failed"


# TLS


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's context with a certificate for hooks.example, and a client's that trusts its issuer."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    folder: Path = tmp_path_factory.mktemp("ca")
    now = datetime.now(UTC)

    def certificate(
        name: str, issuer: str, key: Any, signer: Any, *extensions: tuple[x509.ExtensionType, bool]
    ) -> bytes:
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]))
            .issuer_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, issuer)]))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        )
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        return builder.sign(signer, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    usage = x509.KeyUsage(True, False, False, False, False, True, True, False, False)
    ca = certificate("Test CA", "Test CA", ca_key, ca_key, (x509.BasicConstraints(True, None), True), (usage, True))
    names = x509.SubjectAlternativeName([x509.DNSName("hooks.example")])
    leaf = certificate("leaf", "Test CA", key, ca_key, (names, False))
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "leaf.pem").write_bytes(leaf + pem)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(folder / "leaf.pem")
    return server, ssl.create_default_context(cadata=ca.decode())


def test_the_certificate_is_checked_against_the_name_of_the_url(serving: Any, authority: Any) -> None:
    names: list[str | None] = []
    authority[0].sni_callback = lambda sock, name, context: names.append(name)
    server = serving(OK, authority[0])
    assert fetch(server.url(scheme="https"), tls=authority[1]).body == b"ok"
    assert names == ["hooks.example"]
    with pytest.raises(Unavailable, match=r"not valid for 'other\.example'"):
        fetch(server.url(scheme="https", host="other.example"), tls=authority[1])
    with pytest.raises(Unavailable, match=r"not valid for '127\.0\.0\.1'"):
        fetch(server.url(scheme="https", host="127.0.0.1"), tls=authority[1])


def test_an_unknown_authority_is_a_failure(serving: Any, authority: Any) -> None:
    server = serving(OK, authority[0])
    with pytest.raises(Unavailable, match="CERTIFICATE_VERIFY_FAILED") as failed:
        fetch(server.url(scheme="https"))
    assert failed.value.code == "egress.failed"
    assert server.requests == []


def test_a_server_that_never_shakes_hands_is_a_timeout() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(Unavailable) as failed:
        fetch(f"https://hooks.example:{silent.getsockname()[1]}/", caps=Caps(timeout=timedelta(seconds=0.3)))
    assert failed.value.code == "egress.timeout"


def test_a_large_post_over_tls(serving: Any, authority: Any) -> None:
    server = serving(OK, authority[0])
    body = bytes(range(256)) * 8000
    assert post(server.url(scheme="https"), body, LOOPBACK, resolver=resolver, tls=authority[1]).status == 200
    assert server.requests[0].endswith(body)


def test_a_redirect_may_not_leave_tls(serving: Any, authority: Any) -> None:
    plain = serving(OK)
    server = serving(redirect(plain.url()), authority[0])
    with pytest.raises(Denied, match="from https to http"):
        fetch(server.url(scheme="https"), tls=authority[1])
    assert plain.requests == []
