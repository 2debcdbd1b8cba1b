"""What a DMARC evaluation says, whichever method found it."""

from typing import Literal, TypeAlias

from attrs import frozen

from mailkit.mailauth.dmarc.record import DmarcRecord, Policy

__all__ = ["Applied", "DmarcResult", "Identifiers", "Method", "Word", "lowered"]

Word: TypeAlias = Literal["none", "pass", "fail", "temperror", "permerror"]
Method: TypeAlias = Literal["rfc9989", "rfc7489"]
Applied: TypeAlias = Literal["", "p", "sp", "np"]


@frozen
class Identifiers:
    """What SPF and DKIM authenticated: `spf` a domain or None, `dkim` the d= of passing signatures.

    `unsure` are domains whose SPF or DKIM check ended in a transient failure: if one of them would align, a message
    that does not pass has not failed either (RFC 9989 section 5.3.6).
    """

    spf: str | None = None
    dkim: tuple[str, ...] = ()
    unsure: tuple[str, ...] = ()


@frozen
class DmarcResult:
    """The outcome for one author domain.

    `policy` is what the domain owner wants done with a message that fails: the published policy that applies (`applied`
    says which tag it came from), one step milder in test mode (t=y). `domain` is where the record was found, `record`
    its content, `organizational_domain` that of the author. `dkim` and `spf` are the identifiers that align.
    """

    result: Word
    reason: str
    method: Method = "rfc9989"
    author: str = ""
    domain: str = ""
    organizational_domain: str = ""
    policy: Policy | None = None
    applied: Applied = ""
    record: DmarcRecord | None = None
    dkim: tuple[str, ...] = ()
    spf: str | None = None
    authors: tuple[str, ...] = ()


def lowered(policy: Policy, test_mode: bool) -> Policy:
    """The policy one level below in test mode (section 4.7, t)."""
    if not test_mode or policy == "none":
        return policy
    return "none" if policy == "quarantine" else "quarantine"
