"""Troubleshooting: what a receiver would find out about a message (S6.2)."""

import time
from collections.abc import Iterable
from ipaddress import ip_address
from typing import Final, Protocol

from mailkit.errors import Invalid
from mailkit.http.declare import UNSET, UnsetType, answer, request
from mailkit.http.operation import slow
from mailkit.http.stalwart import fields as take
from mailkit.kit import MailKit
from mailkit.mailauth import Message, authenticate, run
from mailkit.principals.permits import Caller

__all__ = ["check_dmarc"]

_WORDS: Final = {"softfail": "softFail", "temperror": "tempError", "permerror": "permError", "policy": "fail"}
"""RFC 8601's words as the dialect spells them; it has none for a signature that local policy refuses."""

_BODY: Final = 1 << 20


@request
class DmarcCheck:
    """A message and how it came."""

    remoteIp: str = take.string("Address of the client")
    ehloDomain: str = take.string("What the client said in EHLO")
    mailFrom: str = take.string("The reverse-path; without an @, postmaster at the EHLO domain")
    body: str | None = take.string(
        "The message; absent: a minimal one from `mailFrom`", default=None, nullable=True, most=_BODY
    )


@request
class CheckDmarc:
    """What is to be checked."""

    check: DmarcCheck = take.body(DmarcCheck)


@answer
class AuthResult:
    """One result. `details` is there unless it is `pass` or `none`, and says why."""

    type: str
    details: str | UnsetType | None = UNSET


@answer
class DmarcChecked:
    """What was found. `elapsed` is in ms."""

    spfEhloDomain: str
    spfEhloResult: AuthResult
    spfMailFromDomain: str
    spfMailFromResult: AuthResult
    ipRevResult: AuthResult
    ipRevPtr: tuple[str, ...]
    dkimResults: tuple[AuthResult, ...]
    dkimPass: bool
    arcResult: AuthResult
    dmarcResult: AuthResult
    dmarcPass: bool
    dmarcPolicy: str
    elapsed: int


class _Found(Protocol):
    """Any result of mailauth."""

    @property
    def result(self) -> str: ...

    @property
    def reason(self) -> str: ...


def _told(found: _Found | None) -> AuthResult:
    word = "none" if found is None else found.result
    word = _WORDS.get(word, word)
    return AuthResult(type=word, details=UNSET if found is None or word in ("pass", "none") else found.reason or None)


@slow
def check_dmarc(kit: MailKit, ask: CheckDmarc, caller: Caller) -> DmarcChecked:
    """Check a message as a receiver would: SPF, DKIM, ARC, DMARC, iprev."""
    asked = ask.check
    try:
        ip = str(ip_address(asked.remoteIp.strip()))
    except ValueError as error:
        raise Invalid.field("remoteIp", '"remoteIp" is no IP address') from error
    helo = asked.ehloDomain.strip()
    mail_from = asked.mailFrom.strip()
    if "@" not in mail_from:
        mail_from = f"postmaster@{helo}"
    message = Message.parse(_source(asked.body, mail_from))
    if not any(field.name for field in message.fields):
        reason = "Failed to parse message body"
        raise Invalid("value.invalid", details="Invalid message body", reason=reason)
    began = time.monotonic()
    found = run(authenticate(message, ip=ip, helo=helo, mail_from=mail_from, now=kit.clock()), kit.resolver)
    passed = _any_pass(found.dkim)
    return DmarcChecked(
        spfEhloDomain=helo,
        spfEhloResult=_told(found.spf_helo),
        spfMailFromDomain=mail_from.rpartition("@")[2],
        spfMailFromResult=_told(found.spf),
        ipRevResult=_told(found.iprev),
        ipRevPtr=tuple(f"{name}." for name in found.iprev.names) if found.iprev else (),
        dkimResults=tuple(_told(one) for one in found.dkim if one.result != "none"),
        dkimPass=passed,
        arcResult=_told(found.arc),
        dmarcResult=_told(found.dmarc),
        dmarcPass=found.dmarc.result == "pass",
        dmarcPolicy=found.dmarc.policy or "unspecified",
        elapsed=int((time.monotonic() - began) * 1000),
    )


def _any_pass(signatures: Iterable[_Found]) -> bool:
    return any(one.result == "pass" for one in signatures)


def _source(body: str | None, mail_from: str) -> bytes:
    text = body if body is not None else f"From: {mail_from}\r\nSubject: test\r\n\r\ntest\r\n"
    return text.replace("\r\n", "\n").replace("\n", "\r\n").encode("utf-8", "surrogateescape")
