"""MTA-STS (RFC 8461): the TXT record, the policy file, and whether a host may be delivered to under it.

Fetching `https://mta-sts.<domain>/.well-known/mta-sts.txt` is the caller's: it needs HTTPS with the rules of section
3.3 (a valid certificate, no redirects, text/plain).
"""

import re
from typing import Literal, TypeAlias

from attrs import frozen

from mailkit.errors import Invalid
from mailkit.mailauth.domain import is_domain, normal
from mailkit.mailauth.lookup import Answer, Lookup, Query

__all__ = ["Decision", "StsPolicy", "decide", "discover", "matches", "parse_policy", "policy_url"]

Mode: TypeAlias = Literal["enforce", "testing", "none"]

_RECORD = re.compile(r"v=STSv1[ \t]*;(.*)", re.DOTALL)
_ID = re.compile(r"(?:^|;)[ \t]*id=([A-Za-z0-9]{1,32})[ \t]*(?:;|$)")
MAX_POLICY_SIZE = 64 * 1024
MAX_AGE = 31_557_600


@frozen
class StsPolicy:
    """A policy file (section 3.2); `max_age` seconds, `mx` patterns in lower case."""

    mode: Mode
    max_age: int
    mx: tuple[str, ...]


@frozen
class Decision:
    """Whether to deliver to a host. `report` when the sender should tell the domain about it (RFC 8460)."""

    deliver: bool
    reason: str
    report: Literal["", "validation-failure", "sts-policy-invalid"] = ""


def discover(domain: str) -> Lookup[tuple[str | None, str]]:
    """The policy id of `domain`, or None and why (section 3.1): none, several, malformed, a transient failure."""
    (answer,) = yield (Query(f"_mta-sts.{normal(domain)}", "TXT"),)
    return _id(answer)


def _id(answer: Answer) -> tuple[str | None, str]:
    if answer.status == "temporary":
        return None, answer.reason
    records = [match[1] for text in answer.records if (match := _RECORD.match(text))]
    if len(records) != 1:  # "If the number of resulting records is not one [...] assume no policy"
        return None, f"{len(records)} MTA-STS records"
    found = _ID.search(records[0])
    return (found[1], "") if found else (None, "the MTA-STS record has no id")


def policy_url(domain: str) -> str:
    """Where the policy file of `domain` is."""
    return f"https://mta-sts.{normal(domain)}/.well-known/mta-sts.txt"


def parse_policy(body: bytes) -> StsPolicy:
    """Read a policy file; raises Invalid (`mta_sts.policy`) with the reason."""
    if len(body) > MAX_POLICY_SIZE:
        raise Invalid("mta_sts.policy", f"the policy is larger than {MAX_POLICY_SIZE} octets")
    single: dict[str, str] = {}
    mx: list[str] = []
    for line in body.decode("utf-8", "replace").splitlines():
        name, colon, value = line.partition(":")
        name, value = name.strip(), value.strip()
        if not name and not colon:
            continue
        if not colon:
            raise Invalid("mta_sts.policy", f"{line[:60]!r} is no field")
        if name == "mx":
            mx.append(normal(value))
        else:
            single.setdefault(name, value)  # of a repeated field the first counts
    if single.get("version") != "STSv1":
        raise Invalid("mta_sts.policy", "version is not STSv1")
    mode = single.get("mode", "")
    if mode not in ("enforce", "testing", "none"):
        raise Invalid("mta_sts.policy", f"mode is {mode[:20]!r}")
    age = single.get("max_age", "")
    if not (age.isascii() and age.isdigit() and len(age) <= 10):
        raise Invalid("mta_sts.policy", "max_age is no number of seconds")
    if mode != "none" and not mx:
        raise Invalid("mta_sts.policy", "there is no mx")
    if wrong := [name for name in mx if not is_domain(name.removeprefix("*."))]:
        raise Invalid("mta_sts.policy", f"{wrong[0][:60]!r} is no mx pattern")
    checked: Mode = "enforce" if mode == "enforce" else "testing" if mode == "testing" else "none"
    return StsPolicy(checked, min(int(age), MAX_AGE), tuple(mx))


def matches(policy: StsPolicy, host: str) -> bool:
    """Whether an MX host is in the policy: `*.` stands for exactly one label (section 4.1)."""
    name = normal(host)
    return name in policy.mx or f"*.{name.partition('.')[2]}" in policy.mx


def decide(policy: StsPolicy, host: str, *, certificate_error: str | None) -> Decision:
    """What to do with `host` (section 5). `certificate_error`: why TLS with a valid name failed, or None."""
    if policy.mode == "none":
        return Decision(True, "the policy asks for nothing")
    if not matches(policy, host):
        problem = f"{normal(host)} is not in the policy"
    elif certificate_error is not None:
        problem = certificate_error
    else:
        return Decision(True, f"{normal(host)} satisfies the policy")
    return Decision(policy.mode == "testing", problem, "validation-failure")
