"""A small HTTP(S) client for URLs that somebody else named. Blocks; the whole, redirects included, has one deadline."""

import io
import re
import socket
import ssl
from collections.abc import Mapping
from datetime import timedelta
from functools import cache
from http.client import HTTPConnection, HTTPException, HTTPResponse
from types import MappingProxyType

from attrs import field, frozen

from mailkit.egress.connect import Deadline, Resolver, connect_by, system_resolver
from mailkit.egress.purpose import Purpose
from mailkit.egress.target import Target, parse_url
from mailkit.errors import Denied, Invalid, Unavailable

__all__ = ["Caps", "Response", "get", "post"]

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_OURS = frozenset({"host", "connection", "content-length", "transfer-encoding", "accept-encoding", "te", "upgrade"})
_CREDENTIALS = frozenset({"authorization", "cookie", "proxy-authorization"})
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_PIECE = 64 << 10
_NO_HEADERS: Mapping[str, str] = MappingProxyType({})


@frozen(kw_only=True)
class Caps:
    """What an exchange may take."""

    max_size: int = 1 << 20
    """Octets of the body, as sent."""
    timeout: timedelta = timedelta(seconds=30)
    """From resolving the first name to the last octet of the last body."""
    redirects: int = 3
    """How many are followed. With 0 a redirect is an answer like others (as RFC 8461 3.3 demands for MTA-STS)."""


@frozen
class Response:
    """An answer, whatever its status."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case; repeated fields are joined by a comma (RFC 9110 5.3)."""
    body: bytes = field(repr=False)
    """As sent: a Content-Encoding is never undone, so a bomb stays small."""
    url: str
    """Where the answer came from, after redirects."""


@frozen
class _Terms:
    purpose: Purpose
    caps: Caps
    deadline: Deadline
    resolver: Resolver
    tls: ssl.SSLContext | None


def get(
    url: str,
    purpose: Purpose,
    *,
    headers: Mapping[str, str] = _NO_HEADERS,
    caps: Caps = Caps(),
    resolver: Resolver = system_resolver,
    tls: ssl.SSLContext | None = None,
) -> Response:
    """GET. `tls` is the client context to use in place of the system's certificate authorities.

    Raises Invalid (`url.invalid`, `header.invalid`), Denied (`egress.denied`), Unavailable (`egress.failed`,
    `egress.timeout`).
    """
    terms = _Terms(purpose, caps, Deadline.after(caps.timeout), resolver, tls)
    return _exchange("GET", parse_url(url), None, _checked(headers), terms)


def post(
    url: str,
    body: bytes,
    purpose: Purpose,
    *,
    headers: Mapping[str, str] = _NO_HEADERS,
    caps: Caps = Caps(),
    resolver: Resolver = system_resolver,
    tls: ssl.SSLContext | None = None,
) -> Response:
    """POST. As `get`; a redirect by 307 or 308 repeats the POST, any other becomes a GET (RFC 9110 15.4)."""
    terms = _Terms(purpose, caps, Deadline.after(caps.timeout), resolver, tls)
    return _exchange("POST", parse_url(url), body, _checked(headers), terms)


def _exchange(method: str, target: Target, body: bytes | None, headers: Mapping[str, str], terms: _Terms) -> Response:
    followed = 0
    while True:
        response = _once(method, target, body, headers, terms)
        location = response.headers.get("location")
        if response.status not in _REDIRECTS or location is None or terms.caps.redirects == 0:
            return response
        followed += 1
        if followed > terms.caps.redirects:
            raise Unavailable("egress.failed", f"more than {terms.caps.redirects} redirects", url=str(target))
        onward = target.join(location)
        if target.scheme == "https" and onward.scheme != "https":
            raise Denied("egress.denied", "a redirect leads from https to http", url=str(onward))
        if onward.origin != target.origin:
            headers = {name: value for name, value in headers.items() if name not in _CREDENTIALS}
        if method == "POST" and response.status in (301, 302, 303):
            method, body = "GET", None
            headers = {name: value for name, value in headers.items() if not name.startswith("content-")}
        target = onward


def _once(method: str, target: Target, body: bytes | None, headers: Mapping[str, str], terms: _Terms) -> Response:
    if target.scheme not in terms.purpose.schemes:
        raise Denied("egress.denied", f"{target.scheme} is closed for {terms.purpose.name}", url=str(target))
    sock = connect_by(target.host, target.port, terms.purpose, terms.deadline, terms.resolver)
    connection = HTTPConnection(target.host, target.port)  # for its protocol alone: it is given a socket
    connection.auto_open = 0
    try:
        if target.scheme == "https":
            sock.settimeout(terms.deadline.remaining())  # of the whole handshake
            # The certificate is that of the name in the URL, whatever address was chosen (RFC 9110 4.3.4).
            sock = (terms.tls or _system_tls()).wrap_socket(sock, server_hostname=target.host)
        connection.sock = _BoundedSocket(sock, terms.deadline, most=2 * terms.caps.max_size + (1 << 20))
        connection.putrequest(method, target.path, skip_host=True, skip_accept_encoding=True)
        fields = {"host": target.authority, "connection": "close", "accept-encoding": "identity", **headers}
        if body is not None:
            fields["content-length"] = str(len(body))
        for name, value in fields.items():
            connection.putheader(name, value)
        connection.endheaders(body)
        with connection.getresponse() as response:
            return Response(response.status, _headers(response), _body(response, terms.caps), str(target))
    except TimeoutError:
        raise Unavailable("egress.timeout", f"{target.host} took too long", url=str(target)) from None
    except (OSError, HTTPException, ValueError) as error:
        reason = str(error) or type(error).__name__
        raise Unavailable("egress.failed", f"{target.host}: {reason}", url=str(target)) from error
    finally:
        connection.close()
        sock.close()


def _checked(headers: Mapping[str, str]) -> Mapping[str, str]:
    for name, value in headers.items():
        if _TOKEN.fullmatch(name) is None or _VALUE.fullmatch(value) is None:
            raise Invalid.field(name, f"{name!a} is no header field (RFC 9110 5.1, 5.5)", code="header.invalid")
        if name.lower() in _OURS:
            raise Invalid.field(name, f"{name} is not the caller's to set", code="header.invalid")
    return {name.lower(): value for name, value in headers.items()}


def _body(response: HTTPResponse, caps: Caps) -> bytes:
    expected = response.length
    if expected is not None and expected > caps.max_size:
        raise _too_large(caps)
    pieces, size = [], 0
    while piece := response.read1(_PIECE):
        size += len(piece)
        if size > caps.max_size:
            raise _too_large(caps)
        pieces.append(piece)
    if expected is not None and size < expected:
        raise Unavailable("egress.failed", "the answer ended too early")
    return b"".join(pieces)


def _headers(response: HTTPResponse) -> Mapping[str, str]:
    headers: dict[str, str] = {}
    for name, value in response.getheaders():
        name = name.lower()
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return MappingProxyType(headers)


def _too_large(caps: Caps) -> Unavailable:
    return Unavailable("egress.failed", f"the answer is larger than {caps.max_size} octets", max_size=caps.max_size)


@cache
def _system_tls() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context


class _BoundedReader(io.RawIOBase):
    """Reads with what is left of the deadline: a timeout per read would let one octet a second go on for ever."""

    def __init__(self, sock: socket.socket, deadline: Deadline, most: int) -> None:
        self._sock, self._deadline, self._most = sock, deadline, most

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "memoryview | bytearray") -> int:  # type: ignore[override]
        self._sock.settimeout(self._deadline.remaining())
        count = self._sock.recv_into(buffer)
        self._most -= count
        if self._most < 0:  # headers and the framing of chunks count here, which the size of the body does not see
            raise Unavailable("egress.failed", "the answer is too large")
        return count


class _BoundedSocket:
    """What http.client wants of a socket."""

    def __init__(self, sock: socket.socket, deadline: Deadline, most: int) -> None:
        self._sock, self._deadline, self._most = sock, deadline, most

    def sendall(self, octets: bytes) -> None:
        left = memoryview(octets)
        while left:  # by hand: over TLS, sendall has the timeout for each record anew
            self._sock.settimeout(self._deadline.remaining())
            left = left[self._sock.send(left) :]

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(_BoundedReader(self._sock, self._deadline, self._most), _PIECE)

    def close(self) -> None:
        """Nothing: http.client drops its socket while an answer that ends with the connection is still being read."""
