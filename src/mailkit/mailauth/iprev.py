"""iprev (RFC 8601 section 3): does the name of the client's address lead back to it?"""

from ipaddress import ip_address
from typing import Literal, TypeAlias

from attrs import frozen

from mailkit.mailauth.lookup import Address, Lookup, Query

__all__ = ["IprevResult", "check"]

Word: TypeAlias = Literal["pass", "fail", "temperror", "permerror"]

MAX_NAMES = 10
"""PTR records that are followed (RFC 8601 section 3 asks for a limit)."""


@frozen
class IprevResult:
    """`name` is the verified one for `pass`, else the first of `names`, which the address claims."""

    result: Word
    reason: str
    name: str = ""
    names: tuple[str, ...] = ()


def check(ip: str | Address) -> Lookup[IprevResult]:
    """Check a client address; raises ValueError when `ip` is no address."""
    address = ip_address(ip) if isinstance(ip, str) else ip
    if address.version == 6 and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    (pointer,) = yield (Query(address.reverse_pointer, "PTR"),)
    if pointer.status == "temporary":
        return IprevResult("temperror", pointer.reason)
    names = pointer.records[:MAX_NAMES]
    if not names:
        return IprevResult("permerror", f"{address} has no name")
    answers = yield tuple(Query(name, "A" if address.version == 4 else "AAAA") for name in names)
    for name, answer in zip(names, answers, strict=True):
        if address in answer.records:
            return IprevResult("pass", f"{address} is {name}", name, names)
    if any(answer.status == "temporary" for answer in answers):
        return IprevResult("temperror", f"the addresses of {names[0]} could not be fetched", names[0], names)
    return IprevResult("fail", f"{names[0]} does not lead back to {address}", names[0], names)
