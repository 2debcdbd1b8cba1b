"""A URL or a host name as it will be used: strict, because two readings of one name are how checks are passed by."""

import re
from ipaddress import AddressValueError, IPv6Address
from urllib.parse import quote, urljoin, urlsplit

from attrs import frozen

from mailkit.errors import Invalid

__all__ = ["Target", "canonical_host", "parse_url"]

_PORTS = {"http": 80, "https": 443}
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f\\]")
_AUTHORITY = re.compile(r"(\[(?P<address>[^\[\]]+)\]|(?P<name>[^:\[\]]+))(:[0-9]*)?")
_NAME = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)(\.(?!-)[a-z0-9_-]{1,63}(?<!-))*")
_QUAD = re.compile(r"(0|[1-9][0-9]{0,2})(\.(0|[1-9][0-9]{0,2})){3}")
# What inet_aton, and so the system's resolver, would take for an IPv4 address: 2130706433, 0x7f.1, 0177.0.0.1, 127.1.
_NUMERIC = re.compile(r"(.*\.)?(0x[0-9a-f]*|[0-9]+)")


@frozen
class Target:
    """A URL in its parts."""

    scheme: str
    host: str
    """Lower case, A-labels, no final dot; an IPv6 address without brackets."""
    port: int
    path: str
    """Path and query, percent-encoded; begins with a slash."""

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}{self.path}"

    @property
    def authority(self) -> str:
        """The Host field (RFC 9110 7.2)."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def origin(self) -> tuple[str, str, int]:
        """Credentials stay within it (RFC 6454 4)."""
        return self.scheme, self.host, self.port

    def join(self, location: str) -> "Target":
        """Where a redirect leads (RFC 9110 10.2.2). Raises as `parse_url`."""
        if _FORBIDDEN.search(location):
            raise _invalid("a redirect holds a space, a control character or a backslash")
        return parse_url(urljoin(str(self), location))


def parse_url(url: str) -> Target:
    """An http or https URL without user information. Raises Invalid (`url.invalid`)."""
    if _FORBIDDEN.search(url):
        raise _invalid("a URL has no spaces, control characters or backslashes")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise _invalid(f"this is no URL: {error}") from None
    if parts.scheme not in _PORTS:
        raise _invalid("a URL begins with https:// or http://")
    if "@" in parts.netloc:
        raise _invalid("a URL holds no user name")
    authority = _AUTHORITY.fullmatch(parts.netloc)  # urlsplit passes over what stands behind brackets
    if authority is None:
        raise _invalid("a URL has a host, and perhaps a port")
    if port == 0:
        raise _invalid("a port is 1 to 65535")
    host = authority["address"] or authority["name"]
    if authority["address"] and ":" not in host:
        raise _invalid("brackets hold an IPv6 address")
    path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~")
    if not path.startswith("/"):
        raise _invalid("the path of a URL begins with a slash")
    if parts.query:
        path += "?" + quote(parts.query, safe="/%:@!$&'()*+,;=~?[]")
    return Target(parts.scheme, canonical_host(host), port or _PORTS[parts.scheme], path)


def canonical_host(host: str) -> str:
    """A host name or IP address in the one form that is checked and used. Raises Invalid (`url.invalid`).

    International names become A-labels (UTS 46), so full-width digits become digits before anything is decided. A name
    that a resolver would read as a number is refused unless it is a plain dotted quad.
    """
    if ":" in host:
        try:
            address = IPv6Address(host)
        except AddressValueError:
            raise _invalid(f"{host!a} is no IPv6 address") from None
        if address.scope_id is not None:
            raise _invalid("an IPv6 address in a URL has no zone")
        return str(address)
    if not host.isascii():
        import idna  # takes 20 ms and is rarely needed

        try:
            host = idna.encode(host, uts46=True, transitional=False).decode("ascii")
        except idna.IDNAError as error:
            raise _invalid(f"this is no host name: {error}") from None
    host = host.lower().removesuffix(".")
    if len(host) > 253 or _NAME.fullmatch(host) is None:
        raise _invalid(f"{host[:80]!a} is no host name")
    if _NUMERIC.fullmatch(host) and (_QUAD.fullmatch(host) is None or any(int(part) > 255 for part in host.split("."))):
        raise _invalid(f"{host[:80]!a} is a number in the place of a host name")
    return host


def _invalid(message: str) -> Invalid:
    return Invalid.field("url", message, code="url.invalid")
