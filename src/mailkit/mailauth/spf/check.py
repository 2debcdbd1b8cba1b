"""check_host() (RFC 7208 section 4).

Limits (section 4.6.4), counted over the whole evaluation, includes and redirects too: 10 terms that ask the DNS, 2 of
them without an answer (void), 10 names per mx or ptr. What goes over them is permerror (for ptr, the rest is ignored).
"""

from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any, Literal, TypeAlias

from attrs import frozen

from mailkit.mailauth.lookup import Address, Answer, Lookup, Query
from mailkit.mailauth.spf.macro import dotted, expand, fit
from mailkit.mailauth.spf.record import (
    Directive,
    Macro,
    MacroString,
    Record,
    SpfSyntaxError,
    is_spf,
    parse_macros,
    parse_record,
)

__all__ = ["MAX_TERMS", "MAX_VOID", "SpfResult", "Word", "check"]

Word: TypeAlias = Literal["none", "neutral", "pass", "fail", "softfail", "temperror", "permerror"]

MAX_TERMS = 10
MAX_VOID = 2
MAX_NAMES = 10
MAX_EXPLANATION = 1000
DEFAULT_EXPLANATION = "SPF check failed"


@frozen
class SpfResult:
    """The result for one identity.

    `domain` is what was checked, `identity` whether it came from MAIL FROM or HELO. `matched` is the directive that
    decided, as published; `explanation` what the domain owner says to a refused sender (fail only; untrusted text);
    `terms` and `voids` count against the limits.
    """

    result: Word
    reason: str
    domain: str = ""
    identity: Literal["mailfrom", "helo"] = "mailfrom"
    matched: str = ""
    explanation: str = ""
    terms: int = 0
    voids: int = 0


class _Stop(Exception):
    """An error that ends the evaluation."""

    def __init__(self, result: Literal["temperror", "permerror"], reason: str) -> None:
        super().__init__(reason)
        self.result = result


def check(
    ip: str | Address,
    *,
    mail_from: str = "",
    helo: str = "",
    receiver: str = "unknown",
    now: int = 0,
    max_void: int = MAX_VOID,
    default_explanation: str = DEFAULT_EXPLANATION,
) -> Lookup[SpfResult]:
    """Check one identity: MAIL FROM, or HELO when the reverse-path is empty (section 2.4).

    `ip` is the client's address, `receiver` our name and `now` UTC milliseconds, both only for explanations. Raises
    ValueError when `ip` is no address.
    """
    address = ip_address(ip) if isinstance(ip, str) else ip
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    local, _, domain = mail_from.rpartition("@")
    identity: Literal["mailfrom", "helo"] = "mailfrom" if mail_from else "helo"
    if not mail_from:
        domain = helo
    domain = domain.removesuffix(".")
    if not _checkable(domain):
        reason = f"{domain[:80]!r} is no domain name with several labels" if domain else "no domain to check"
        return SpfResult("none", reason, domain, identity)
    state = _State(address, local or "postmaster", domain, helo, receiver, now, max_void)
    try:
        result, reason, matched, exp = yield from _host(state, domain, 0)
    except _Stop as stop:
        result, reason, matched, exp = stop.result, str(stop), "", None
    explanation = ""
    if result == "fail":
        explanation = default_explanation
        if exp is not None and (text := (yield from _explain(state, *exp))):
            explanation = text
    return SpfResult(result, reason, domain, identity, matched, explanation, state.terms, state.voids)


class _State:
    """What one evaluation carries along: the client, the counters, and the validated name once it is known."""

    __slots__ = ("fixed", "helo", "ip", "max_void", "now", "number", "p", "receiver", "terms", "type", "voids")

    def __init__(self, ip: Address, local: str, domain: str, helo: str, receiver: str, now: int, max_void: int) -> None:
        self.ip = ip
        self.number = int(ip)
        self.type = "A" if isinstance(ip, IPv4Address) else "AAAA"
        self.helo, self.receiver, self.now, self.max_void = helo, receiver, now, max_void
        self.terms = self.voids = 0
        self.p: str | None = None
        self.fixed = {
            "s": f"{local}@{domain}",
            "l": local,
            "o": domain,
            "h": helo or "unknown",
            "v": "in-addr" if self.type == "A" else "ip6",
        }

    def spend(self, term: str) -> None:
        self.terms += 1
        if self.terms > MAX_TERMS:
            raise _Stop("permerror", f"more than {MAX_TERMS} terms that ask the DNS, at {term!r}")

    def void(self, term: str) -> None:
        self.voids += 1
        if self.voids > self.max_void:
            raise _Stop("permerror", f"more than {self.max_void} void lookups, at {term!r}")


Outcome: TypeAlias = tuple[Word, str, str, tuple[MacroString, str] | None]


def _host(state: _State, domain: str, depth: int) -> Lookup[Outcome]:
    """Evaluate the record of `domain`: result, reason, matched directive, and exp= with the domain it belongs to."""
    record = yield from _fetch(domain)
    if record is None:
        return "none", f"{domain} has no SPF record", "", None
    for directive in record.directives:
        mechanism = directive.mechanism
        if mechanism == "all":
            matches = True
        elif directive.network is not None:
            family, network, mask = directive.network
            matches = family == state.ip.version and state.number & mask == network
        else:
            state.spend(directive.text)
            name = domain
            if directive.target is not None:
                name = yield from _target(state, directive.target, domain)
            if mechanism == "include":
                matches = yield from _include(state, name, depth)
            else:
                matches = yield from _MECHANISMS[mechanism](state, directive, name)
        if matches:
            exp = None if record.exp is None else (record.exp, domain)
            return directive.result, f"{state.ip} matches {directive.text} of {domain}", directive.text, exp
    if record.redirect is not None:  # section 6.1
        state.spend("redirect")
        name = yield from _target(state, record.redirect, domain)
        if not _resolvable(name):
            raise _Stop("permerror", f"redirect of {domain} leads to no domain name")
        outcome = yield from _host(state, name, depth + 1)
        if outcome[0] == "none":
            raise _Stop("permerror", f"redirect of {domain} leads to {name}, which has no SPF record")
        return outcome
    return "neutral", f"nothing in the record of {domain} matches {state.ip}", "", None


def _fetch(domain: str) -> Lookup[Record | None]:
    """The one SPF record of `domain` (sections 4.4, 4.5)."""
    (answer,) = yield (Query(domain, "TXT"),)
    if answer.status == "temporary":
        raise _Stop("temperror", f"the SPF record of {domain} could not be fetched: {answer.reason}")
    records = [text for text in answer.records if is_spf(text)]
    if not records:
        return None
    if len(records) > 1:
        raise _Stop("permerror", f"{domain} has {len(records)} SPF records")
    try:
        return parse_record(records[0])
    except SpfSyntaxError as error:
        raise _Stop("permerror", f"SPF record of {domain}: {error}") from None


def _include(state: _State, name: str, depth: int) -> Lookup[bool]:
    if not _resolvable(name):
        raise _Stop("permerror", f"include of {name[:80]!r}, which is no domain name")
    result, _, _, _ = yield from _host(state, name, depth + 1)
    if result == "none":  # section 5.2
        raise _Stop("permerror", f"include of {name}, which has no SPF record")
    return result == "pass"


def _a(state: _State, directive: Directive, name: str) -> Lookup[bool]:
    if not _resolvable(name):
        return False
    (answer,) = yield (Query(name, state.type),)
    return _has_address(state, directive, _live(state, answer, directive.text))


def _mx(state: _State, directive: Directive, name: str) -> Lookup[bool]:
    if not _resolvable(name):
        return False
    (answer,) = yield (Query(name, "MX"),)
    hosts = sorted(_live(state, answer, directive.text))
    if len(hosts) > MAX_NAMES:
        raise _Stop("permerror", f"{name} has more than {MAX_NAMES} MX records")
    queries = tuple(Query(host.exchange, state.type) for host in hosts if _resolvable(host.exchange))
    if not queries:
        return False
    answers = yield queries
    if any(_has_address(state, directive, found.records) for found in answers):
        return True
    for found in answers:
        if found.status == "temporary":
            raise _Stop("temperror", f"{directive.text}: {found.reason}")
    if not any(found.records for found in answers):
        state.void(directive.text)
    return False


def _exists(state: _State, directive: Directive, name: str) -> Lookup[bool]:
    if not _resolvable(name):
        return False
    (answer,) = yield (Query(name, "A"),)  # A even for IPv6 clients (section 5.7)
    return bool(_live(state, answer, directive.text))


def _ptr(state: _State, directive: Directive, name: str) -> Lookup[bool]:
    names = yield from _validated(state)
    target = name.lower()
    return any(found == target or found.endswith("." + target) for found in names)


_MECHANISMS: dict[str, Any] = {"a": _a, "mx": _mx, "exists": _exists, "ptr": _ptr}


def _validated(state: _State) -> Lookup[list[str]]:
    """The names of the client that lead back to its address (section 5.5); DNS errors mean there are none."""
    (answer,) = yield (Query(state.ip.reverse_pointer, "PTR"),)
    names = [name.lower().removesuffix(".") for name in answer.records[:MAX_NAMES]]
    if not names:
        return []
    answers = yield tuple(Query(name, state.type) for name in names)
    return [name for name, found in zip(names, answers, strict=True) if state.ip in found.records]


def _target(state: _State, parts: MacroString, domain: str) -> Lookup[str]:
    """A domain-spec with its macros expanded."""
    first = parts[0]
    if len(parts) == 1 and isinstance(first, str):
        return fit(first)
    values = yield from _values(state, parts, domain)
    return fit(expand(parts, values))


def _values(state: _State, parts: MacroString, domain: str) -> Lookup[dict[str, str]]:
    letters = {part.letter for part in parts if isinstance(part, Macro)}
    values = {**state.fixed, "d": domain, "i": dotted(state.ip)}
    if "p" in letters:
        values["p"] = yield from _p(state, domain)
    if letters & {"c", "r", "t"}:
        values |= {"c": str(state.ip), "r": state.receiver, "t": str(state.now // 1000)}
    return values


def _p(state: _State, domain: str) -> Lookup[str]:
    """%{p}: the validated name, best the domain itself, then one below it, then any (section 7.3)."""
    if state.p is None:
        names = yield from _validated(state)
        wanted = domain.lower()
        ranked = [n for n in names if n == wanted] + [n for n in names if n.endswith("." + wanted)] + names
        state.p = ranked[0] if ranked else "unknown"
    return state.p


def _explain(state: _State, exp: MacroString, domain: str) -> Lookup[str]:
    """exp= (section 6.2): every error means the default explanation."""
    name = yield from _target(state, exp, domain)
    if not _resolvable(name):
        return ""
    (answer,) = yield (Query(name, "TXT"),)
    if len(answer.records) != 1 or not answer.records[0].isascii():
        return ""
    try:
        parts = parse_macros(answer.records[0], explanation=True)
    except SpfSyntaxError:
        return ""
    values = yield from _values(state, parts, domain)
    return expand(parts, values)[:MAX_EXPLANATION]


def _live(state: _State, answer: Answer, term: str) -> tuple[Any, ...]:
    """The records; a transient failure ends the evaluation, an empty answer counts as void."""
    if answer.status == "temporary":
        raise _Stop("temperror", f"{term}: {answer.reason}")
    if not answer.records:
        state.void(term)
    return answer.records


def _has_address(state: _State, directive: Directive, records: tuple[Any, ...]) -> bool:
    mask = directive.mask4 if state.type == "A" else directive.mask6
    wanted = state.number & mask
    return any(int(record) & mask == wanted for record in records)


def _checkable(domain: str) -> bool:
    """Section 4.3: a multi-label name, with no label empty or over 63 octets."""
    return "." in domain and _resolvable(domain) and not domain.endswith("]")


def _resolvable(name: str) -> bool:
    return 0 < len(name) <= 253 and all(0 < len(label) <= 63 for label in name.split("."))
