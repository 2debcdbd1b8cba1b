"""Resolvers over dnspython: `DnsResolver` blocks, `AsyncDnsResolver` runs on the event loop. They may share a cache.

Names are sent as octets, label by label: what an SPF macro expands to needs no escaping and gets none. The AD flag is
asked for and believed (RFC 6840 section 5.8), so `secure` is worth as much as the way to the resolver.
"""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING, Any

from mailkit.mailauth.lookup import MX, NODATA, NXDOMAIN, TLSA, Answer, Query, temporary
from mailkit.mailauth.resolvers.cache import MAX_NEGATIVE_TTL, AnswerCache

if TYPE_CHECKING:
    import dns.message
    import dns.name
    import dns.resolver

__all__ = ["AsyncDnsResolver", "DnsResolver"]

MAX_RECORDS = 500
"""Records of one answer that are kept; evaluators have tighter limits of their own."""


class _Resolver:
    def __init__(
        self,
        nameservers: Sequence[str] | None = None,
        *,
        port: int = 53,
        timeout: float = 2.0,
        lifetime: float = 6.0,
        cache: AnswerCache | None = None,
    ) -> None:
        """`nameservers` are addresses (None: those of the system), `timeout` seconds per try, `lifetime` in all."""
        import dns.flags

        self.cache = AnswerCache() if cache is None else cache
        self._dns: Any = self._make(nameservers is None)
        if nameservers is not None:
            self._dns.nameservers = list(nameservers)
        self._dns.port, self._dns.timeout, self._dns.lifetime = port, timeout, lifetime
        self._dns.use_edns(0, 0, 1232)
        self._dns.flags = dns.flags.RD | dns.flags.AD

    def _make(self, configure: bool) -> Any:
        raise NotImplementedError

    def _prepared(self, query: Query) -> "tuple[dns.name.Name | None, Answer | None]":
        if (found := self.cache.get(query)) is not None:
            return None, found
        if (name := _name(query.name)) is None:
            return None, NXDOMAIN
        return name, None

    def _failed(self, query: Query, error: Exception) -> Answer:
        answer, ttl = _failure(query, error)
        self.cache.put(query, answer, ttl)
        return answer

    def _kept(self, query: Query, found: "dns.resolver.Answer") -> Answer:
        answer, ttl = _read(query, found)
        self.cache.put(query, answer, ttl)
        return answer


class DnsResolver(_Resolver):
    """A blocking resolver for `run`."""

    def _make(self, configure: bool) -> Any:
        import dns.resolver

        return dns.resolver.Resolver(configure=configure)

    def __call__(self, query: Query) -> Answer:
        """The answer, from the cache or the network; never raises for what the DNS does."""
        import dns.exception

        name, known = self._prepared(query)
        if known is not None:
            return known
        try:
            found = self._dns.resolve(name, query.type, raise_on_no_answer=False, search=False)
        except (dns.exception.DNSException, OSError, ValueError) as error:
            return self._failed(query, error)
        return self._kept(query, found)


class AsyncDnsResolver(_Resolver):
    """A resolver for `arun`."""

    def _make(self, configure: bool) -> Any:
        import dns.asyncresolver

        return dns.asyncresolver.Resolver(configure=configure)

    async def __call__(self, query: Query) -> Answer:
        """The answer, from the cache or the network; never raises for what the DNS does."""
        import dns.exception

        name, known = self._prepared(query)
        if known is not None:
            return known
        try:
            found = await self._dns.resolve(name, query.type, raise_on_no_answer=False, search=False)
        except (dns.exception.DNSException, OSError, ValueError) as error:
            return self._failed(query, error)
        return self._kept(query, found)


def _name(text: str) -> "dns.name.Name | None":
    """The absolute name, or None when no such name can exist."""
    import dns.exception
    import dns.name

    labels = [label.encode("utf-8", "surrogateescape") for label in text.removesuffix(".").split(".")]
    try:
        return dns.name.Name([*labels, b""])
    except dns.exception.DNSException:
        return None


def _failure(query: Query, error: Exception) -> tuple[Answer, float]:
    import dns.resolver

    if isinstance(error, dns.resolver.NXDOMAIN):
        ttls = [_negative_ttl(response) for response in error.kwargs.get("responses", {}).values()]
        return NXDOMAIN, min(ttls, default=MAX_NEGATIVE_TTL)
    reason = {"LifetimeTimeout": "timeout", "NoNameservers": "server failure"}.get(type(error).__name__, str(error))
    return temporary(f"{reason} ({query.name} {query.type})"), MAX_NEGATIVE_TTL


def _read(query: Query, found: "dns.resolver.Answer") -> tuple[Answer, float]:
    import dns.flags

    if found.rrset is None:
        return NODATA, _negative_ttl(found.response)
    secure = bool(found.response.flags & dns.flags.AD)
    try:
        records = tuple(_record(query.type, data) for data in list(found.rrset)[:MAX_RECORDS])
    except (ValueError, AttributeError) as error:
        return temporary(f"unreadable records: {error} ({query.name} {query.type})"), MAX_NEGATIVE_TTL
    return Answer("ok", records, secure), float(found.rrset.ttl)


def _record(kind: str, data: Any) -> Any:
    if kind == "TXT":
        return b"".join(data.strings).decode("utf-8", "surrogateescape")
    if kind == "A":
        return IPv4Address(data.address)
    if kind == "AAAA":
        return IPv6Address(data.address)
    if kind == "MX":
        return MX(data.preference, _host(data.exchange))
    if kind == "TLSA":
        return TLSA(data.usage, data.selector, data.mtype, bytes(data.cert))
    return _host(data.target)


def _host(name: "dns.name.Name") -> str:
    return name.to_text(omit_final_dot=True).lower()


def _negative_ttl(response: "dns.message.Message") -> float:
    """The smaller of the SOA's own TTL and its minimum (RFC 2308 section 5)."""
    for rrset in response.authority:
        if rrset.rdtype == 6:
            soa: Any = rrset[0]
            return float(min(rrset.ttl, soa.minimum))
    return MAX_NEGATIVE_TTL / 15
