"""The results of one message as JSON values and as text for a postmaster."""

from typing import Any

from mailkit.mailauth.authenticate import Authentication
from mailkit.mailauth.dkim import DkimResult
from mailkit.mailauth.dmarc import Comparison, DmarcResult
from mailkit.mailauth.spf import SpfResult

__all__ = ["as_json", "as_text"]


def as_json(found: Authentication, comparison: Comparison | None = None) -> dict[str, Any]:
    """`{"spf": ..., "dkim": [...], "arc": ..., "dmarc": ..., "iprev": ...}`, each with `result` and `reason`."""
    out = {
        "spf": _spf(found.spf),
        "spf_helo": _spf(found.spf_helo),
        "dkim": [
            {
                "result": one.result,
                "reason": one.reason,
                "domain": one.domain,
                "selector": one.selector,
                "identity": one.identity,
                "algorithm": one.algorithm,
                "bits": one.bits,
                "testing": one.testing,
                "unsigned": one.unsigned,
                "warnings": list(one.warnings),
            }
            for one in found.dkim or (DkimResult("none", "the message has no signature"),)
        ],
        "arc": {
            "result": found.arc.result,
            "reason": found.arc.reason,
            "instances": found.arc.instances,
            "oldest_pass": found.arc.oldest_pass,
            "sealers": list(found.arc.sealers),
            "temporary": found.arc.temporary,
        },
        "dmarc": _dmarc(found.dmarc),
        "iprev": {"result": "none", "reason": "no client address given", "name": ""}
        if found.iprev is None
        else {"result": found.iprev.result, "reason": found.iprev.reason, "name": found.iprev.name},
    }
    if comparison is not None:
        out["compare"] = {
            "rfc9989": _dmarc(comparison.rfc9989),
            "rfc7489": _dmarc(comparison.rfc7489),
            "differences": list(comparison.differences),
        }
    return out


def as_text(found: Authentication, comparison: Comparison | None = None) -> str:
    """One line per result, details indented below it."""
    lines = []
    if found.iprev is not None:
        lines.append(_line("iprev", found.iprev.result, found.iprev.reason))
    if found.spf is None:
        lines.append(_line("spf", "none", "no client address given"))
    else:
        lines.append(_line("spf", found.spf.result, found.spf.reason))
        lines.append(f"         {found.spf.identity} {found.spf.domain}; {found.spf.terms} of 10 terms asked the DNS")
        if found.spf.explanation:
            lines.append(f"         explanation: {_safe(found.spf.explanation)}")
    if found.spf_helo is not None and found.spf_helo is not found.spf:
        lines.append(_line("helo", found.spf_helo.result, found.spf_helo.reason))
    for one in found.dkim:
        lines.append(_line("dkim", one.result, one.reason))
        lines.append(f"         d={_safe(one.domain)} s={_safe(one.selector)} i={_safe(one.identity)} {one.algorithm}")
        lines += [f"         note: {warning}" for warning in one.warnings]
        if one.testing:
            lines.append("         note: the signer is testing (t=y)")
    if not found.dkim:
        lines.append(_line("dkim", "none", "the message has no signature"))
    lines.append(_line("arc", found.arc.result, found.arc.reason))
    lines.append(_line("dmarc", found.dmarc.result, found.dmarc.reason))
    if found.dmarc.record is not None:
        lines.append(f"         record at {found.dmarc.domain}: {_safe(found.dmarc.record.text)}")
        lines.append(f"         policy for a message that fails: {found.dmarc.policy} ({found.dmarc.method})")
    if comparison is not None:
        lines += [f"compare  {difference}" for difference in comparison.differences] or [
            "compare  RFC 9989 and RFC 7489 agree"
        ]
    return "\n".join(lines) + "\n"


def _spf(one: SpfResult | None) -> dict[str, Any]:
    if one is None:
        return {"result": "none", "reason": "no client address or no name given"}
    return {
        "result": one.result,
        "reason": one.reason,
        "domain": one.domain,
        "identity": one.identity,
        "matched": one.matched,
        "explanation": one.explanation,
        "terms": one.terms,
        "voids": one.voids,
    }


def _dmarc(one: DmarcResult) -> dict[str, Any]:
    record = one.record
    return {
        "result": one.result,
        "reason": one.reason,
        "method": one.method,
        "from": one.author,
        "authors": list(one.authors) or ([one.author] if one.author else []),
        "policy": one.policy,
        "applied": one.applied,
        "domain": one.domain,
        "organizational_domain": one.organizational_domain,
        "record": record.text if record is not None else None,
        "alignment": {
            "dkim": {"result": list(one.dkim), "strict": record is not None and record.adkim == "s"},
            "spf": {"result": one.spf, "strict": record is not None and record.aspf == "s"},
        },
    }


def _line(name: str, result: str, reason: str) -> str:
    return f"{name:8} {result:9} {_safe(reason)}"


def _safe(text: str) -> str:
    """Text from strangers without control characters: a terminal must not obey it."""
    return "".join(char if char.isprintable() else "?" for char in text)
