"""Whose address a request comes from, behind proxies. Pure."""

import ipaddress
from collections.abc import Sequence

__all__ = ["client_address"]

_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def client_address(peer: str, forwarded_for: str, proxies: Sequence[_Network]) -> str:
    """The last address of X-Forwarded-For, seen from here, that is none of our proxies; `peer` if it is no proxy.

    What stands further left was written by the client and is not believed.
    """
    address = peer
    for claimed in reversed([part.strip() for part in forwarded_for.split(",")] if forwarded_for else []):
        if not _among(address, proxies):
            return address
        try:
            address = str(ipaddress.ip_address(claimed))
        except ValueError:
            return address
    return address


def _among(address: str, networks: Sequence[_Network]) -> bool:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    if parsed.version == 6 and parsed.ipv4_mapped is not None:
        parsed = parsed.ipv4_mapped  # an IPv4 client of a dual-stack socket (RFC 4291 2.5.5.2)
    return any(parsed in network for network in networks if network.version == parsed.version)
