"""DMARC by RFC 9989: policy discovery by tree walk, alignment by organizational domain."""

from collections.abc import Callable, Sequence

from attrs import evolve

from mailkit.mailauth.dmarc.record import DmarcRecord, Policy
from mailkit.mailauth.dmarc.result import Applied, DmarcResult, Identifiers, lowered
from mailkit.mailauth.dmarc.walk import Known, organizational_domain, record_in, targets, walk
from mailkit.mailauth.lookup import Lookup, Query

__all__ = ["MAX_AUTHORS", "evaluate", "evaluate_authors", "strictest"]

MAX_AUTHORS = 5
"""Author domains of one message that are evaluated (section 11.5)."""


def evaluate(author: str, identifiers: Identifiers) -> Lookup[DmarcResult]:
    """The outcome for one author domain (A-labels, lower case, as `author_domains` gives it)."""
    known: Known = {}
    (known[author],) = yield (Query(f"_dmarc.{author}", "TXT"),)
    if known[author].status == "temporary":
        return DmarcResult("temperror", f"_dmarc.{author}: {known[author].reason}", author=author)
    record, domain = record_in(known[author]), author
    if record is None:
        yield from walk([author], known)
        for name in targets(author):
            if name in known and known[name].status == "temporary":
                return DmarcResult("temperror", f"_dmarc.{name}: {known[name].reason}", author=author)
        record, domain = _discovered(author, known)
    if record is None:
        reason = f"no DMARC record for {author} or above it"
        if len(known[author].records) > 1 and not domain:
            reason += "; several at one name are discarded"
        return DmarcResult("none", reason, author=author)
    base = DmarcResult("none", "", author=author, domain=domain, record=record)
    policy = record.p
    applied: Applied = "p"
    if not record.valid:
        if not record.rua:  # section 4.10.1
            return evolve(base, reason=f"the record at {domain} has no valid p= (or sp=, np=) and no rua=")
        policy = "none"
    elif domain != author:
        if record.np is not None:
            (answer,) = yield (Query(author, "A"),)
            if answer.status == "temporary":
                return evolve(base, result="temperror", reason=f"whether {author} exists: {answer.reason}")
            if answer.status == "nxdomain":  # section 3.2.13
                policy, applied = record.np, "np"
        if applied == "p" and record.sp is not None:
            policy, applied = record.sp, "sp"
    assert policy is not None
    base = evolve(base, policy=lowered(policy, record.t), applied=applied)
    return (yield from _aligned(base, record, identifiers, known))


def _discovered(author: str, known: Known) -> tuple[DmarcRecord | None, str]:
    """The record of the organizational domain, else that of the public suffix domain (section 4.10.1)."""
    organization = organizational_domain(author, known)
    if organization is not None and organization in known and (record := record_in(known[organization])):
        return record, organization
    for name in targets(author):
        if name in known and (record := record_in(known[name])) is not None and record.psd == "y":
            return record, name
    return None, ""


def _aligned(base: DmarcResult, record: DmarcRecord, identifiers: Identifiers, known: Known) -> Lookup[DmarcResult]:
    """Alignment (section 4.10.2); walks only where equality does not settle it."""
    author = base.author
    relaxed = [*(identifiers.dkim if record.adkim == "r" else ()), *_spf_relaxed(identifiers, record)]
    if any(d == author for d in identifiers.dkim) or identifiers.spf == author:
        relaxed = []  # passes already; what else may align changes nothing
    candidates = [*relaxed, *(identifiers.unsure if record.adkim == "r" or record.aspf == "r" else ())]
    # Domains under different top-level labels share no organizational domain.
    top = author.rpartition(".")[2]
    candidates = [domain for domain in candidates if domain != author and domain.rpartition(".")[2] == top]
    organization: str | None = None
    if candidates:
        yield from walk([author, *candidates], known)
        organization = organizational_domain(author, known)

    def same(domain: str, strict: bool) -> bool:
        if domain == author:
            return True
        if strict or domain not in candidates or organization is None:
            return False
        return organizational_domain(domain, known) == organization

    dkim = tuple(domain for domain in dict.fromkeys(identifiers.dkim) if same(domain, record.adkim == "s"))
    spf = identifiers.spf if identifiers.spf is not None and same(identifiers.spf, record.aspf == "s") else None
    base = evolve(base, dkim=dkim, spf=spf, organizational_domain=organization or _known_organization(base, known))
    if dkim or spf is not None:
        return evolve(base, result="pass", reason=passed(base))
    hidden = [name for name, answer in known.items() if answer.status == "temporary"]
    if hidden:
        return evolve(base, result="temperror", reason=f"_dmarc.{hidden[0]}: {known[hidden[0]].reason}")
    strict = record.adkim == "s" and record.aspf == "s"
    unsure = [domain for domain in identifiers.unsure if same(domain, strict)]
    if unsure:
        return evolve(base, result="temperror", reason=f"SPF or DKIM of {unsure[0]} could not be checked now")
    return evolve(base, result="fail", reason=failed(base, identifiers))


def _spf_relaxed(identifiers: Identifiers, record: DmarcRecord) -> tuple[str, ...]:
    return (identifiers.spf,) if identifiers.spf is not None and record.aspf == "r" else ()


def _known_organization(base: DmarcResult, known: Known) -> str:
    """The author's organizational domain when the answers at hand tell it."""
    if base.record is not None and base.record.psd == "n" and base.domain == base.author:
        return base.author
    if all(name in known for name in targets(base.author)):
        return organizational_domain(base.author, known) or ""
    return base.domain if base.domain != base.author else ""


def passed(result: DmarcResult) -> str:
    """Why it passes."""
    by = [*(f"DKIM {domain}" for domain in result.dkim), *([f"SPF {result.spf}"] if result.spf is not None else [])]
    return f"{', '.join(by)} aligned with {result.author}"


def failed(result: DmarcResult, identifiers: Identifiers) -> str:
    """Why it fails."""
    seen = [*(f"DKIM {domain}" for domain in identifiers.dkim)]
    if identifiers.spf is not None:
        seen.append(f"SPF {identifiers.spf}")
    return f"{', '.join(seen)} not aligned with {result.author}" if seen else "nothing authenticated"


def evaluate_authors(
    authors: Sequence[str],
    identifiers: Identifiers,
    one: Callable[[str, Identifiers], Lookup[DmarcResult]] = evaluate,
) -> Lookup[DmarcResult]:
    """The outcome for a message; with several author domains each is evaluated and the worst counts (section 11.5)."""
    if not authors:
        return DmarcResult("permerror", "the message has no From domain")
    if len(authors) > MAX_AUTHORS:
        reason = f"more than {MAX_AUTHORS} From domains"
        return DmarcResult("permerror", reason, authors=tuple(authors))
    results = []
    for author in authors:
        results.append((yield from one(author, identifiers)))  # noqa: PERF401
    return results[0] if len(results) == 1 else evolve(strictest(results), authors=tuple(authors))


def strictest(results: Sequence[DmarcResult]) -> DmarcResult:
    """The failure with the strictest policy; else a transient failure; else none; else the pass."""
    order = {"fail": 0, "temperror": 1, "permerror": 2, "none": 3, "pass": 4}
    severity: dict[Policy | None, int] = {"reject": 0, "quarantine": 1, "none": 2, None: 3}
    return min(results, key=lambda result: (order[result.result], severity[result.policy]))
