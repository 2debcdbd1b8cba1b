"""DMARC by RFC 7489, for comparison and for those who stay with it: the public suffix list finds the organization."""

from functools import lru_cache
from typing import Any

from attrs import evolve

from mailkit.errors import NotSupported
from mailkit.mailauth.dmarc.evaluate import failed, passed
from mailkit.mailauth.dmarc.record import parse_record
from mailkit.mailauth.dmarc.result import Applied, DmarcResult, Identifiers
from mailkit.mailauth.domain import normal
from mailkit.mailauth.lookup import Answer, Lookup, Query

__all__ = ["evaluate_7489", "registered_domain"]


@lru_cache(maxsize=1)
def _suffixes() -> Any:
    try:
        from publicsuffixlist import PublicSuffixList
    except ImportError:
        raise NotSupported(
            "dmarc.psl", "RFC 7489 needs the public suffix list: install mailkit-platform[psl]"
        ) from None
    return PublicSuffixList()


def registered_domain(domain: str) -> str | None:
    """The organizational domain by the public suffix list (RFC 7489 section 3.2); None for a public suffix itself.

    The answer is in A-labels. Raises NotSupported when the list is not installed.
    """
    if not domain or domain.startswith("."):
        return None
    found: str | None = _suffixes().privatesuffix(normal(domain))
    return found


def evaluate_7489(author: str, identifiers: Identifiers) -> Lookup[DmarcResult]:
    """The outcome for one author domain by RFC 7489 section 6.6; `pct` is reported in the record, not drawn."""
    organization = registered_domain(author) or author
    base = DmarcResult("none", "", "rfc7489", author, organizational_domain=organization)
    (answer,) = yield (Query(f"_dmarc.{author}", "TXT"),)
    domain = author
    if answer.status != "temporary" and not _count(answer) and organization != author:
        domain = organization
        (answer,) = yield (Query(f"_dmarc.{organization}", "TXT"),)
    if answer.status == "temporary":
        return evolve(base, result="temperror", reason=f"_dmarc.{domain}: {answer.reason}")
    if (count := _count(answer)) != 1:  # section 6.6.3 step 5
        return evolve(base, reason=f"{count} DMARC records at {domain}" if count else f"no DMARC record for {author}")
    record = next(found for text in answer.records if (found := parse_record(text)) is not None)
    base = evolve(base, domain=domain, record=record)
    policy = record.p
    applied: Applied = "p"
    if record.p is None or "sp" in record.malformed:
        if not record.rua:  # section 6.6.3 step 6
            return evolve(base, reason=f"the record at {domain} has no valid p= and no rua=")
        policy = "none"
    elif domain != author and record.sp is not None:
        policy, applied = record.sp, "sp"
    base = evolve(base, policy=policy, applied=applied)

    def same(found: str, strict: bool) -> bool:
        return found == author or (not strict and (registered_domain(found) or found) == organization)

    dkim = tuple(found for found in dict.fromkeys(identifiers.dkim) if same(found, record.adkim == "s"))
    spf = identifiers.spf if identifiers.spf is not None and same(identifiers.spf, record.aspf == "s") else None
    base = evolve(base, dkim=dkim, spf=spf)
    if dkim or spf is not None:
        return evolve(base, result="pass", reason=passed(base))
    strict = record.adkim == "s" and record.aspf == "s"
    if unsure := [found for found in identifiers.unsure if same(found, strict)]:
        return evolve(base, result="temperror", reason=f"SPF or DKIM of {unsure[0]} could not be checked now")
    return evolve(base, result="fail", reason=failed(base, identifiers))


def _count(answer: Answer) -> int:
    return sum(1 for text in answer.records if parse_record(text) is not None)
