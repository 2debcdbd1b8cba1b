"""Sockets: the name is asked for once, and only permitted addresses are connected to."""

import socket
import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest

from mailkit.egress import Purpose
from mailkit.egress.connect import connect
from mailkit.egress.purpose import networks
from mailkit.errors import Denied, Invalid, Unavailable

LOOPBACK = Purpose(name="test", open_networks=networks("127.0.0.0/24"))
CLOSED = Purpose(name="test")
SHORT = timedelta(seconds=0.3)


class Resolver:
    """Gives its answers in turn, the last one for ever."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    def __call__(self, host: str) -> list[str]:
        self.asked.append(host)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def port_of(server: socket.socket) -> int:
    port = server.getsockname()[1]
    assert isinstance(port, int)
    return port


def test_a_permitted_address_is_connected_to(listening: socket.socket) -> None:
    resolver = Resolver(["127.0.0.1"])
    with connect("Hooks.Example.", port_of(listening), LOOPBACK, resolver=resolver) as client:
        assert client.getpeername() == listening.getsockname()
        assert 0 < (client.gettimeout() or 0) <= 30
    assert resolver.asked == ["hooks.example"]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "::ffff:7f00:1", "0.0.0.0"])
def test_loopback_is_refused_by_default_however_it_is_written(host: str, listening: socket.socket) -> None:
    with pytest.raises(Denied) as denied:
        connect(host, port_of(listening), CLOSED)
    assert denied.value.code == "egress.denied"
    assert denied.value.fields["host"] == host
    assert all(decision.reason for decision in denied.value.fields["decisions"])
    assert "127" not in denied.value.message.replace(host, "")
    listening.setblocking(False)
    with pytest.raises(BlockingIOError):
        listening.accept()


def test_an_answer_that_changes_after_the_check_changes_nothing(listening: socket.socket) -> None:
    resolver = Resolver(["127.0.0.1"], ["10.0.0.1"])
    with connect("rebinding.example", port_of(listening), LOOPBACK, resolver=resolver) as client:
        assert client.getpeername()[0] == "127.0.0.1"
    assert len(resolver.asked) == 1


def test_refused_addresses_among_the_answers_are_passed_over(listening: socket.socket) -> None:
    resolver = Resolver(["127.0.1.1", "::1", "169.254.169.254", "nonsense", "127.0.0.1"])
    with connect("mixed.example", port_of(listening), LOOPBACK, resolver=resolver) as client:
        assert client.getpeername()[0] == "127.0.0.1"


def test_the_next_address_is_tried_when_one_does_not_answer(listening: socket.socket) -> None:
    resolver = Resolver(["127.0.0.77", "127.0.0.1"])
    with connect("two.example", port_of(listening), LOOPBACK, resolver=resolver) as client:
        assert client.getpeername()[0] == "127.0.0.1"


def test_all_refusals_are_named() -> None:
    with pytest.raises(Denied) as denied:
        connect("bad.example", 443, CLOSED, resolver=Resolver(["10.0.0.1", "::1"]))
    assert [(d.address, d.reason) for d in denied.value.fields["decisions"]] == [
        ("10.0.0.1", "private (RFC 1918)"),
        ("::1", "loopback (RFC 4291)"),
    ]


def test_dns_is_not_asked_about_a_host_or_port_that_is_closed() -> None:
    resolver = Resolver(["8.8.8.8"])
    for purpose in (Purpose(name="t", hosts=("a.example",)), Purpose(name="t", ports=frozenset({25}))):
        with pytest.raises(Denied):
            connect("secret-data.evil.example", 443, purpose, resolver=resolver)
    assert resolver.asked == []


def test_a_closed_port_of_the_system_is_a_failure_not_a_refusal(listening: socket.socket) -> None:
    port = port_of(listening)
    listening.close()
    with pytest.raises(Unavailable) as failed:
        connect("a.example", port, LOOPBACK, resolver=Resolver(["127.0.0.1"]))
    assert failed.value.code == "egress.failed"


def test_a_silent_host_ends_in_a_timeout() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server:
        # With the backlog full, the kernel lets further handshakes wait.
        fillers = []
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(server.getsockname())
            fillers.append(filler)
        with pytest.raises(Unavailable) as failed:
            connect("a.example", port_of(server), LOOPBACK, resolver=Resolver(["127.0.0.1"]), timeout=SHORT)
        assert failed.value.code == "egress.timeout"
        for filler in fillers:
            filler.close()


def test_a_resolver_without_end_is_a_timeout() -> None:
    released = threading.Event()

    def resolver(host: str) -> list[str]:
        released.wait(10)
        return []

    with pytest.raises(Unavailable) as failed:
        connect("a.example", 1, LOOPBACK, resolver=resolver, timeout=SHORT)
    released.set()
    assert failed.value.code == "egress.timeout"


def test_a_name_without_address_is_a_failure() -> None:
    def none_such(host: str) -> list[str]:
        raise socket.gaierror(socket.EAI_NONAME, "no such name")

    for resolver in (none_such, Resolver([])):
        with pytest.raises(Unavailable) as failed:
            connect("a.example", 1, LOOPBACK, resolver=resolver)
        assert failed.value.code == "egress.failed"


@pytest.mark.parametrize("host", ["2130706433", "0x7f.1", "a b", "", "user@host"])
def test_what_is_no_host_is_invalid(host: str) -> None:
    with pytest.raises(Invalid):
        connect(host, 1, LOOPBACK)
