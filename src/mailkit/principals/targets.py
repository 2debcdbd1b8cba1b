"""Where mail is forwarded to, in one text: an address, a mail relay's URL, or a web address (WildDuck 3.17). Pure."""

from typing import Literal

__all__ = ["TargetKind", "kind_of"]

TargetKind = Literal["mail", "relay", "http"]


def kind_of(target: str) -> TargetKind:
    """What a target is."""
    scheme = target.partition(":")[0].lower()
    if scheme in ("smtp", "smtps") and "//" in target:
        return "relay"
    return "http" if scheme in ("http", "https") and "//" in target else "mail"
