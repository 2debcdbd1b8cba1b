"""Where RFC 9989 and RFC 7489 disagree about a message."""

from collections.abc import Sequence

from attrs import frozen

from mailkit.mailauth.dmarc.evaluate import evaluate, evaluate_authors
from mailkit.mailauth.dmarc.legacy import evaluate_7489
from mailkit.mailauth.dmarc.result import DmarcResult, Identifiers
from mailkit.mailauth.lookup import Lookup

__all__ = ["Comparison", "compare"]


@frozen
class Comparison:
    """Both results, and their differences in words; none when the two methods agree."""

    rfc9989: DmarcResult
    rfc7489: DmarcResult
    differences: tuple[str, ...]


def compare(authors: Sequence[str], identifiers: Identifiers) -> Lookup[Comparison]:
    """Evaluate with both methods. Raises NotSupported when the public suffix list is not installed."""
    new = yield from evaluate_authors(authors, identifiers, evaluate)
    old = yield from evaluate_authors(authors, identifiers, evaluate_7489)
    differences = [
        f"{what}: {getattr(new, name)} by RFC 9989, {getattr(old, name)} by RFC 7489"
        for name, what in (
            ("result", "result"),
            ("policy", "policy for a message that fails"),
            ("domain", "record found at"),
            ("dkim", "aligned DKIM domains"),
            ("spf", "aligned SPF domain"),
        )
        if getattr(new, name) != getattr(old, name)
    ]
    if new.organizational_domain and new.organizational_domain != old.organizational_domain:
        differences.append(
            f"organizational domain: {new.organizational_domain} by tree walk, "
            f"{old.organizational_domain} by the public suffix list"
        )
    if old.record is not None and old.record.pct != 100:
        differences.append(f"pct={old.record.pct} counts in RFC 7489 only")
    return Comparison(new, old, tuple(differences))
