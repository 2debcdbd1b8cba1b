"""What a connection is for, and what the operator allows for it."""

from ipaddress import IPv4Network, IPv6Network, ip_network

from attrs import frozen

__all__ = ["Network", "Purpose", "networks"]

Network = IPv4Network | IPv6Network


@frozen(kw_only=True)
class Purpose:
    """A kind of connection (`webhook`, `mx`, ...) with its allow-lists.

    A host pattern is `a.example`, or `*.a.example` for all names below it; international names as A-labels.
    """

    name: str
    """Stands in messages and fields of errors."""
    ports: frozenset[int] | None = None
    """The only ports; None is any."""
    schemes: frozenset[str] = frozenset({"https", "http"})
    """The only URL schemes."""
    hosts: tuple[str, ...] = ()
    """The only hosts; none given is any."""
    open_networks: tuple[Network, ...] = ()
    """Networks that may be reached though they are not public, as 10.1.0.0/16 for an internal webhook."""
    open_hosts: tuple[str, ...] = ()
    """Hosts that may have such addresses. Whoever runs their DNS chooses the address, so metadata services stay closed;
    only `open_networks` opens one."""

    def names_host(self, host: str) -> bool:
        """Whether `host` (lower case, without a final dot) is one of `hosts`."""
        return not self.hosts or _matches(host, self.hosts)

    def opens_host(self, host: str) -> bool:
        """Whether `host` is one of `open_hosts`."""
        return _matches(host, self.open_hosts)


def networks(*texts: str) -> tuple[Network, ...]:
    """Networks from CIDR notation; a single address is a network of one. ValueError for anything else."""
    return tuple(ip_network(text) for text in texts)


def _matches(host: str, patterns: tuple[str, ...]) -> bool:
    for pattern in patterns:
        pattern = pattern.lower().rstrip(".")
        if host == pattern or (pattern.startswith("*.") and host.endswith(pattern[1:]) and host != pattern[2:]):
            return True
    return False
