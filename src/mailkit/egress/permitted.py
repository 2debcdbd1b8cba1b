"""May this address be connected to? One pure function and the table of what is closed.

The table is the IANA special-purpose address registries (RFC 6890, state of 2025) and the metadata services of clouds.
Of IPv6, only global unicast (2000::/3) and the translation prefixes are open at all. An IPv6 address that carries an
IPv4 address ends up there, so the carried one is decided on too.
"""

from collections.abc import Iterator
from enum import Enum
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

from attrs import frozen

from mailkit.egress.purpose import Network, Purpose

__all__ = ["Decision", "Verdict", "permitted", "refused_by_name"]

Address = IPv4Address | IPv6Address


class Verdict(Enum):
    """What was decided."""

    PERMITTED = "permitted"
    REFUSED = "refused"


@frozen
class Decision:
    """A verdict on one address, and why."""

    verdict: Verdict
    address: str
    reason: str

    @property
    def is_permitted(self) -> bool:
        """Whether to connect."""
        return self.verdict is Verdict.PERMITTED


_CLOSED: tuple[tuple[Network, str], ...] = tuple(
    (ip_network(network), reason)
    for network, reason in [
        ("0.0.0.0/8", "this network (RFC 791)"),
        ("10.0.0.0/8", "private (RFC 1918)"),
        ("100.64.0.0/10", "shared by a carrier's NAT (RFC 6598)"),
        ("127.0.0.0/8", "loopback (RFC 1122)"),
        ("169.254.0.0/16", "link-local (RFC 3927)"),
        ("172.16.0.0/12", "private (RFC 1918)"),
        ("192.0.0.0/24", "protocol assignments (RFC 6890)"),
        ("192.0.2.0/24", "documentation (RFC 5737)"),
        ("192.31.196.0/24", "AS112 (RFC 7535)"),
        ("192.52.193.0/24", "AMT (RFC 7450)"),
        ("192.88.99.0/24", "6to4 relays (RFC 7526)"),
        ("192.168.0.0/16", "private (RFC 1918)"),
        ("192.175.48.0/24", "AS112 (RFC 7534)"),
        ("198.18.0.0/15", "benchmarking (RFC 2544)"),
        ("198.51.100.0/24", "documentation (RFC 5737)"),
        ("203.0.113.0/24", "documentation (RFC 5737)"),
        ("224.0.0.0/4", "multicast (RFC 5771)"),
        ("240.0.0.0/4", "reserved (RFC 1112)"),
        ("::/128", "unspecified (RFC 4291)"),
        ("::1/128", "loopback (RFC 4291)"),
        ("64:ff9b:1::/48", "local translation (RFC 8215)"),
        ("2001::/23", "protocol assignments, Teredo among them (RFC 2928)"),
        ("2001:db8::/32", "documentation (RFC 3849)"),
        ("2620:4f:8000::/48", "AS112 (RFC 7534)"),
        ("3fff::/20", "documentation (RFC 9637)"),
        ("fc00::/7", "private (RFC 4193)"),
        ("fe80::/10", "link-local (RFC 4291)"),
        ("fec0::/10", "site-local (RFC 3879)"),
        ("ff00::/8", "multicast (RFC 4291)"),
    ]
)

_METADATA: frozenset[Address] = frozenset(
    ip_address(address)
    for address in [
        "169.254.169.254",  # EC2, Google, Azure, OpenStack and most others
        "169.254.169.253",  # EC2's resolver
        "169.254.170.2",  # ECS credentials
        "169.254.170.23",  # EKS credentials
        "168.63.129.16",  # Azure's host agent, a public address
        "100.100.100.200",  # Alibaba
        "192.0.0.192",  # Oracle, older
        "fd00:ec2::254",  # EC2
        "fd00:ec2::23",  # EKS credentials
        "fd20:ce::254",  # Google
    ]
)

_GLOBAL = IPv6Network("2000::/3")
# Prefix, its length, and how far to shift to get the IPv4 address that is carried.
_CARRIERS = (
    (IPv6Network("::ffff:0:0/96"), 0),  # mapped (RFC 4291 2.5.5.2)
    (IPv6Network("::/96"), 0),  # compatible, deprecated (RFC 4291 2.5.5.1)
    (IPv6Network("::ffff:0:0:0/96"), 0),  # translated (RFC 2765)
    (IPv6Network("64:ff9b::/96"), 0),  # NAT64 (RFC 6052)
    (IPv6Network("2002::/16"), 80),  # 6to4 (RFC 3056)
)
_ISATAP = (0x00005EFE, 0x02005EFE)  # the upper half of the interface identifier (RFC 5214 6.1)


def refused_by_name(host: str, port: int, purpose: Purpose) -> str | None:
    """Why `host` and `port` are closed for `purpose`, whatever the address; None if the address decides."""
    if purpose.ports is not None and port not in purpose.ports:
        return f"port {port} is closed for {purpose.name}"
    if not purpose.names_host(host):
        return f"{host} is not a host for {purpose.name}"
    return None


def permitted(address: str, port: int, *, host: str, purpose: Purpose) -> Decision:
    """Decides on connecting to `address`, an answer for `host`. What is no address is refused."""
    if reason := refused_by_name(host, port, purpose):
        return Decision(Verdict.REFUSED, address, reason)
    try:
        asked = ip_address(address)
    except ValueError:
        return Decision(Verdict.REFUSED, address, "not an IP address")
    granted = "public"
    for link in (asked, *_carried(asked)):
        carries = "" if link == asked else f": carries {link}"
        if any(link in network for network in purpose.open_networks):
            granted = f"in a network opened for {purpose.name}"
        elif link in _METADATA:
            return Decision(Verdict.REFUSED, address, f"a cloud's metadata service{carries}")
        elif reason := _closed(link):
            if not purpose.opens_host(host):
                return Decision(Verdict.REFUSED, address, reason + carries)
            granted = f"{host} is opened for {purpose.name}"
    return Decision(Verdict.PERMITTED, address, granted)


def _closed(address: Address) -> str | None:
    """Why nobody on the public network has this address; None if somebody may."""
    if isinstance(address, IPv6Address) and address.scope_id is not None:
        return "scoped to an interface (RFC 4007)"
    for network, reason in _CLOSED:
        if address in network:
            return reason
    if isinstance(address, IPv6Address) and address not in _GLOBAL and not any(_carried(address)):
        return "not global unicast (RFC 4291)"
    return None


def _carried(address: Address) -> Iterator[IPv4Address]:
    """The IPv4 addresses in an IPv6 address."""
    if not isinstance(address, IPv6Address):
        return
    number = int(address)
    for network, shift in _CARRIERS:
        if address in network and number > 1:  # :: and ::1 carry none
            yield IPv4Address(number >> shift & 0xFFFFFFFF)
    if number >> 32 & 0xFFFFFFFF in _ISATAP:
        yield IPv4Address(number & 0xFFFFFFFF)
