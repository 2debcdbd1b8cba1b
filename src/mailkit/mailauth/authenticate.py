"""Everything about one message in one evaluation: iprev, SPF, DKIM, ARC, then DMARC from what they found."""

from collections.abc import Generator
from typing import Any, Literal

from attrs import frozen

from mailkit.mailauth import arc, dkim, iprev, spf
from mailkit.mailauth.arc import ArcResult
from mailkit.mailauth.authres import AuthenticationResults, MethodResult, Property
from mailkit.mailauth.dkim import DkimResult
from mailkit.mailauth.dmarc import DmarcResult, Identifiers, author_domains, evaluate, evaluate_7489, evaluate_authors
from mailkit.mailauth.domain import normal
from mailkit.mailauth.iprev import IprevResult
from mailkit.mailauth.lookup import Answer, Lookup, Query
from mailkit.mailauth.message import Message
from mailkit.mailauth.spf import SpfResult

__all__ = ["Authentication", "authenticate", "authentication_results", "identifiers"]


@frozen
class Authentication:
    """The results for one message; `spf` and `iprev` are None when no client address was given.

    `spf` is for MAIL FROM (made of the HELO name for an empty reverse-path), the one that counts for DMARC; `spf_helo`
    for HELO (RFC 7208 section 2.3), None when no name was given.
    """

    spf: SpfResult | None
    dkim: tuple[DkimResult, ...]
    arc: ArcResult
    dmarc: DmarcResult
    iprev: IprevResult | None
    spf_helo: SpfResult | None = None


def authenticate(
    message: Message,
    *,
    ip: str | None = None,
    helo: str = "",
    mail_from: str = "",
    receiver: str = "unknown",
    now: int,
    method: Literal["rfc9989", "rfc7489"] = "rfc9989",
) -> Lookup[Authentication]:
    """Evaluate `message` as it came from `ip` in a transaction with `helo` and `mail_from` (`""` for `<>`).

    `now` is UTC milliseconds. iprev, SPF, DKIM and ARC run side by side. The body has to be bytes: DKIM and
    ARC both read it. Raises ValueError when `ip` is no address.
    """
    if not isinstance(message.body, bytes):
        raise TypeError("authenticate() reads the body twice: pass a message whose body is bytes")
    checks: list[Lookup[Any]] = [dkim.verify(message, now=now), arc.validate(message, now=now)]
    if ip is not None:
        checks.append(spf.check(ip, mail_from=mail_from, helo=helo, receiver=receiver, now=now))
        checks.append(iprev.check(ip))
    separate = ip is not None and bool(helo) and bool(mail_from)
    if ip is not None and separate:
        checks.append(spf.check(ip, helo=helo, receiver=receiver, now=now))
    results = yield from _together(checks)
    signatures: tuple[DkimResult, ...] = results[0]
    chain: ArcResult = results[1]
    sender: SpfResult | None = results[2] if ip is not None else None
    found = identifiers(sender, signatures)
    one = evaluate if method == "rfc9989" else evaluate_7489
    verdict = yield from evaluate_authors(author_domains(message), found, one)
    address: IprevResult | None = results[3] if ip is not None else None
    return Authentication(
        sender, signatures, chain, verdict, address, results[4] if separate else sender if helo else None
    )


def identifiers(sender: SpfResult | None, signatures: tuple[DkimResult, ...]) -> Identifiers:
    """What SPF and DKIM give to DMARC: the MAIL FROM identity and the d= of passing signatures (RFC 9989 section 4.3).

    For an empty reverse-path the MAIL FROM identity is made of the HELO name (RFC 7208 section 2.4).
    """
    unsure = [one.domain for one in signatures if one.result == "temperror"]
    domain = normal(sender.domain) if sender is not None else ""
    if sender is not None and sender.result == "temperror":
        unsure.append(domain)
    return Identifiers(
        spf=domain if sender is not None and sender.result == "pass" else None,
        dkim=tuple(one.domain for one in signatures if one.result == "pass"),
        unsure=tuple(unsure),
    )


def authentication_results(found: Authentication, authserv_id: str, *, ip: str | None = None) -> AuthenticationResults:
    """The results as an Authentication-Results field (RFC 8601 section 2.7)."""
    results = []
    if found.iprev is not None:
        properties = (Property("policy", "iprev", ip),) if ip else ()
        results.append(MethodResult("iprev", found.iprev.result, "", properties))
    # An SPF result is named once: with an empty reverse-path both identities are the HELO name.
    results += [_spf(one) for one in dict.fromkeys((found.spf, found.spf_helo)) if one is not None]
    results += [_dkim(one) for one in found.dkim] or [MethodResult("dkim", "none")]
    results.append(MethodResult("arc", found.arc.result, "" if found.arc.result == "none" else _unless_pass(found.arc)))
    verdict = found.dmarc
    about = [Property("header", "from", verdict.author)] if verdict.author else []
    if verdict.policy is not None:
        about.append(Property("policy", "dmarc", verdict.policy))
    results.append(MethodResult("dmarc", verdict.result, _unless_pass(verdict), tuple(about)))
    return AuthenticationResults(authserv_id, tuple(results))


def _spf(one: SpfResult) -> MethodResult:
    properties = (Property("smtp", one.identity, one.domain),) if one.domain else ()
    return MethodResult("spf", one.result, _unless_pass(one), properties)


def _dkim(one: DkimResult) -> MethodResult:
    properties = [Property("header", name, value) for name, value in (("d", one.domain), ("s", one.selector)) if value]
    if one.signature is not None:
        properties.append(Property("header", "i", one.identity))
        properties.append(Property("header", "a", one.algorithm))
    comments = (f"{one.bits}-bit key",) if one.bits else ()
    return MethodResult("dkim", one.result, _unless_pass(one), tuple(properties), comments)


def _unless_pass(result: SpfResult | DkimResult | ArcResult | DmarcResult) -> str:
    return "" if result.result == "pass" else result.reason


def _together(checks: list[Lookup[Any]]) -> Generator[tuple[Query, ...], tuple[Answer, ...], list[Any]]:
    """Run several evaluations side by side: each round asks what all of them ask, once per query."""
    results: list[Any] = [None] * len(checks)
    waiting: dict[int, tuple[Query, ...]] = {}
    for number, check in enumerate(checks):
        try:
            waiting[number] = next(check)
        except StopIteration as done:
            results[number] = done.value
    while waiting:
        asked = list(dict.fromkeys(query for queries in waiting.values() for query in queries))
        answers = dict(zip(asked, (yield tuple(asked)), strict=True))
        for number, queries in list(waiting.items()):
            try:
                waiting[number] = checks[number].send(tuple(answers[query] for query in queries))
            except StopIteration as done:
                results[number] = done.value
                del waiting[number]
    return results
