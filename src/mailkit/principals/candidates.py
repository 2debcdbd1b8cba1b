"""In which order an address is looked for (WildDuck 1.11). Pure: it only names keys; the first that exists wins.

1. the address itself                         4. wildcards of its domain, the longest affix first, then *@domain;
2. the same local part at the alias' target      then the same of the alias' target
3. no further without wildcards               5. local part@*
"""

from collections.abc import Iterator

from mailkit.principals.normalise import Mailbox

__all__ = ["LONGEST_AFFIX", "candidates"]

LONGEST_AFFIX = 32
"""Characters of a wildcard's affix that are looked at."""


def candidates(mailbox: Mailbox, *, targets: tuple[str, ...] = (), wildcards: bool = True) -> Iterator[str]:
    """Views to look up for an address, best first. `targets`: the domains that its domain is an alias of."""
    bare = mailbox.without_label
    domains = [bare, *(Mailbox(bare.local, target) for target in targets)]
    for place in domains:
        yield place.view
    if not wildcards:
        return
    for place in domains:
        local, _, domain = place.view.rpartition("@")
        yield from (f"{affix}@{domain}" for affix in _affixes(local))
        yield f"*@{domain}"
    yield f"{bare.view.rpartition('@')[0]}@*"


def _affixes(local: str) -> Iterator[str]:
    """`*suffix` and `prefix*`, the longest first, of two equally long ones the prefix. A star may stand for nothing."""
    for length in range(min(len(local), LONGEST_AFFIX), 0, -1):
        yield f"{local[:length]}*"
        yield f"*{local[-length:]}"
