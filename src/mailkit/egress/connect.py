"""A socket to a host that somebody else named. Blocks; the whole of it takes no longer than its deadline."""

import queue
import socket
import threading
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from ipaddress import ip_address

from attrs import frozen

from mailkit.egress.permitted import Decision, Verdict, permitted, refused_by_name
from mailkit.egress.purpose import Purpose
from mailkit.egress.target import canonical_host
from mailkit.errors import Denied, Unavailable

__all__ = ["Deadline", "Resolver", "connect", "resolve", "system_resolver"]

Resolver = Callable[[str], Sequence[str]]
"""Host name -> its addresses in order of preference. Raises OSError or gives none if there are none."""


@frozen
class Deadline:
    """A point of the monotonic clock, by which all is done."""

    at: float

    @classmethod
    def after(cls, duration: timedelta) -> "Deadline":
        """The deadline that is `duration` away."""
        return cls(time.monotonic() + duration.total_seconds())

    def remaining(self) -> float:
        """Seconds left. Raises Unavailable (`egress.timeout`) when there are none."""
        left = self.at - time.monotonic()
        if left <= 0:
            raise Unavailable("egress.timeout", "the other side took too long")
        return left


def system_resolver(host: str) -> list[str]:
    """The system's answer, hosts file included."""
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def connect(
    host: str,
    port: int,
    purpose: Purpose,
    *,
    timeout: timedelta = timedelta(seconds=30),
    resolver: Resolver = system_resolver,
) -> socket.socket:
    """A connected socket, to the first permitted address of `host` that answers; what is refused is passed over.

    What is left of `timeout` is the socket's timeout.

    Raises Denied (`egress.denied`) if no address is permitted, Unavailable (`egress.failed`, `egress.timeout`) if none
    answers, Invalid (`url.invalid`) for what is no host name.
    """
    return connect_by(canonical_host(host), port, purpose, Deadline.after(timeout), resolver)


def connect_by(host: str, port: int, purpose: Purpose, deadline: Deadline, resolver: Resolver) -> socket.socket:
    """As `connect`, for a canonical host and a deadline that began earlier."""
    addresses = resolve(host, port, purpose, deadline, resolver)
    failure: OSError | None = None
    for left, address in zip(range(len(addresses), 0, -1), addresses, strict=True):
        family = socket.AF_INET6 if ip_address(address).version == 6 else socket.AF_INET
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            sock.settimeout(deadline.remaining() / left)  # one that is silent leaves time for the others
            sock.connect((address, port))
            sock.settimeout(deadline.remaining())
        except OSError as error:
            sock.close()
            failure = error
        except BaseException:
            sock.close()
            raise
        else:
            return sock
    if isinstance(failure, TimeoutError):
        raise Unavailable("egress.timeout", f"{host} does not answer", host=host, port=port)
    raise Unavailable("egress.failed", f"cannot connect to {host}: {failure}", host=host, port=port)


def resolve(host: str, port: int, purpose: Purpose, deadline: Deadline, resolver: Resolver) -> list[str]:
    """The permitted addresses of a canonical host. Raises as `connect`. The name is asked for once."""
    # Before DNS: a question about a name that may not be used could carry data out.
    if reason := refused_by_name(host, port, purpose):
        raise _denied(host, port, purpose, [Decision(Verdict.REFUSED, "", reason)])
    try:
        addresses: Sequence[str] = [str(ip_address(host))]
    except ValueError:
        addresses = _ask(host, deadline, resolver)
    decisions = [permitted(address, port, host=host, purpose=purpose) for address in addresses]
    allowed = [decision.address for decision in decisions if decision.is_permitted]
    if not decisions:
        raise Unavailable("egress.failed", f"{host} has no address", host=host)
    if not allowed:
        raise _denied(host, port, purpose, decisions)
    return allowed


def _ask(host: str, deadline: Deadline, resolver: Resolver) -> Sequence[str]:
    """Asks in a thread: the system's resolver has no timeout of its own, and an abandoned one harms nobody."""
    answers: queue.SimpleQueue[Sequence[str] | BaseException] = queue.SimpleQueue()

    def ask() -> None:
        try:
            answers.put(list(resolver(host)))
        except BaseException as error:
            answers.put(error)

    remaining = deadline.remaining()
    threading.Thread(target=ask, daemon=True, name="egress-resolver").start()
    try:
        answer = answers.get(timeout=remaining)
    except queue.Empty:
        raise Unavailable("egress.timeout", f"no answer about {host} in time", host=host) from None
    if isinstance(answer, OSError | UnicodeError):
        raise Unavailable("egress.failed", f"{host} cannot be resolved: {answer}", host=host) from answer
    if isinstance(answer, BaseException):
        raise answer
    return answer


def _denied(host: str, port: int, purpose: Purpose, decisions: list[Decision]) -> Denied:
    # The addresses stay out of the message: who names an internal host is not to learn where it is.
    return Denied(
        "egress.denied",
        f"{host} may not be reached for {purpose.name}",
        host=host,
        port=port,
        purpose=purpose.name,
        decisions=tuple(decisions),
    )
