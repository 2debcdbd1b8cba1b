"""Which counters a failed login adds to, and which of them may refuse the next one. Pure.

The law: whoever guesses runs out of tries, and nobody else does.

- Failures count for the account and the network they come from: 12 in two minutes (W3.3), then no more from there.
- An address that has logged in lately has a counter to itself: others, be it neighbours in its network, never spend it.
- All other addresses together share a second counter of the account: many networks do not mean many tries.
- A network that fails with many accounts is refused with all of them, but for accounts that logged in from there.
"""

import ipaddress
from collections.abc import Iterable, Sequence
from typing import Final

from attrs import field, frozen

from mailkit.limits import Limit

__all__ = ["KNOWN_FOR", "Counter", "Counters", "Policy", "counters", "exact", "network"]

KNOWN_FOR: Final = 30 * 86_400_000
"""How long an address is known after a success, in ms."""


@frozen
class Policy:
    """How many failures are let pass. None: any number."""

    own: Limit = field(default=Limit(12, 120_000))
    account: Limit = field(default=Limit(100, 3_600_000))
    network: Limit = field(default=Limit(100, 86_400_000))


@frozen
class Counter:
    """One counter, as `mailkit.limits` names it."""

    who: str
    what: str
    limit: Limit


@frozen
class Counters:
    """`own` is taken from before a password is looked at and reset by a success; `shared` count failures only."""

    own: Counter | None
    shared: tuple[Counter, ...] = ()


def exact(address: str) -> str:
    """What an address is known by: itself, or its /64, for IPv6 hosts change the rest as they like."""
    parsed = _parse(address)
    if parsed is None:
        return address
    return str(parsed) if parsed.version == 4 else str(ipaddress.ip_network((parsed, 64), strict=False))


def network(address: str) -> str:
    """Its network: a /24 or /64."""
    parsed = _parse(address)
    if parsed is None:
        return address
    return str(ipaddress.ip_network((parsed, 24 if parsed.version == 4 else 64), strict=False))


def _parse(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return None
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return mapped or parsed


def counters(
    account: str,
    address: str | None,
    *,
    known: bool,
    policy: Policy,
    exempt: Sequence[ipaddress.IPv4Network | ipaddress.IPv6Network] = (),
) -> Counters:
    """The counters of a login to `account` (its number, or the name that nobody has) from an address, if it is told."""
    if address is None:
        return Counters(Counter(f"login:{account}", "failed logins", policy.own))
    parsed = _parse(address)
    if parsed is not None and _within(parsed, exempt):
        return Counters(None)
    if known:
        return Counters(Counter(f"login:{account}|{exact(address)}", "failed logins", policy.own))
    nearby = network(address)
    shared = [Counter(f"login:{account}|*", "failed logins", policy.account)]
    if parsed is None or not parsed.is_loopback:
        shared.append(Counter(f"login-from:{nearby}", "failed logins", policy.network))
    return Counters(Counter(f"login:{account}|{nearby}", "failed logins", policy.own), tuple(shared))


def _within(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
    networks: Iterable[ipaddress.IPv4Network | ipaddress.IPv6Network],
) -> bool:
    return any(address.version == each.version and address in each for each in networks)
