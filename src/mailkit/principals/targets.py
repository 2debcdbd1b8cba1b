"""Where mail is forwarded to, in one text: an address, a mail relay's URL, or a web address (WildDuck 3.17). Pure."""

from typing import Literal
from urllib.parse import urlsplit

from mailkit.principals.normalise import parse_address

__all__ = ["TargetKind", "kind_of", "parse_target"]

TargetKind = Literal["mail", "relay", "http"]


def kind_of(target: str) -> TargetKind:
    """What a target is."""
    scheme = target.partition(":")[0].lower()
    if scheme in ("smtp", "smtps") and "//" in target:
        return "relay"
    return "http" if scheme in ("http", "https") and "//" in target else "mail"


def parse_target(text: str) -> str:
    """A target as it is kept: an address in normal form, a URL as it came. ValueError for a URL without a host, Invalid
    for what is no address."""
    scheme, colon, _ = text.partition(":")
    if colon and scheme.lower() in ("smtp", "smtps", "http", "https"):
        try:
            if urlsplit(text).hostname:
                return text
        except ValueError:
            pass
        raise ValueError("must be a valid uri")
    return parse_address(text).normal
