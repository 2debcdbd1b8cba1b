"""Validating a chain (RFC 8617 section 5.2).

The order of the RFC: structure, the newest message signature, then every seal. All keys are asked for at once.
"""

from collections.abc import Sequence
from typing import Literal

from attrs import frozen

from mailkit.mailauth.arc.chain import ArcSet, Seal, collect, parse_seal
from mailkit.mailauth.dkim.canonical import body_digests, relax_field
from mailkit.mailauth.dkim.crypto import signs_octets
from mailkit.mailauth.dkim.key import KeyRecord, KeyRefused, parse_key, refusal
from mailkit.mailauth.dkim.signature import ALGORITHMS, Signature, parse_signature, without_b
from mailkit.mailauth.dkim.verify import MAX_KEYS, DkimResult, check
from mailkit.mailauth.lookup import Answer, Lookup, Query
from mailkit.mailauth.message import Message
from mailkit.mailauth.taglist import TagSyntaxError

__all__ = ["ArcResult", "sealed_octets", "validate"]


@frozen
class ArcResult:
    """The state of the chain: `none`, `pass` or `fail` (section 4.4), and why.

    `instances` sets were found; `ended`: the newest seal says cv=fail, so nobody seals again. `oldest_pass` is the
    lowest instance from which on all message signatures still verify, 0 when even the first one does (step 5).
    `sealers` are the d= of the seals, first to last. `temporary`: a key could not be fetched, ask again later.
    """

    result: Literal["none", "pass", "fail"]
    reason: str
    instances: int = 0
    ended: bool = False
    oldest_pass: int | None = None
    sealers: tuple[str, ...] = ()
    temporary: bool = False


def validate(message: Message, *, now: int) -> Lookup[ArcResult]:
    """The chain status of `message`; `now` is UTC milliseconds."""
    try:
        sets = collect(message.fields)
    except TagSyntaxError as error:
        return ArcResult("fail", f"chain structure: {error}")
    if not sets:
        return ArcResult("none", "the message has no ARC sets")
    count = len(sets)
    try:
        seals = [parse_seal(one.seal) for one in sets]
        newest = parse_signature(sets[-1].message_signature, "arc")
    except TagSyntaxError as error:
        return ArcResult("fail", f"chain syntax: {error}", count)
    sealers = tuple(seal.domain for seal in seals)
    if seals[-1].cv == "fail":  # step 2
        return ArcResult("fail", f"seal {count} says cv=fail", count, ended=True, sealers=sealers)
    for seal in seals:  # step 3C, 3D
        if seal.cv != ("none" if seal.instance == 1 else "pass"):
            return ArcResult("fail", f"seal {seal.instance} says cv={seal.cv}", count, sealers=sealers)
    older = [_older(one) for one in sets[:-1]]
    signatures = [*older, newest]
    names = list(dict.fromkeys([*(s.key_name for s in seals), *(s.key_name for s in signatures if s is not None)]))
    answers = dict(zip(names, (yield tuple(Query(name, "TXT") for name in names)), strict=True))
    digests = body_digests(message.body, [(s.body_canonicalization, s.length) for s in signatures if s is not None])

    def checked(one: ArcSet, signature: Signature) -> DkimResult:
        answer = answers[signature.key_name]
        return check(signature, one.message_signature, message.fields, digests, answer, now=now)

    outcome = checked(sets[-1], newest)  # step 4
    if outcome.result != "pass":
        transient = outcome.result == "temperror"
        reason = f"message signature {count}: {outcome.reason}"
        return ArcResult("fail", reason, count, sealers=sealers, temporary=transient)
    for seal in reversed(seals):  # step 6
        if problem := _seal_failure(seal, sets[: seal.instance], answers[seal.key_name]):
            transient = answers[seal.key_name].status == "temporary"
            reason = f"seal {seal.instance}: {problem}"
            return ArcResult("fail", reason, count, sealers=sealers, temporary=transient)
    oldest = count
    for one, signature in zip(reversed(sets[:-1]), reversed(older), strict=True):  # step 5
        if signature is None or checked(one, signature).result != "pass":
            break
        oldest = one.instance
    oldest_pass = 0 if oldest == 1 else oldest
    return ArcResult("pass", f"{count} set(s) verified", count, oldest_pass=oldest_pass, sealers=sealers)


def sealed_octets(sets: Sequence[ArcSet]) -> bytes:
    """What the seal of the last of `sets` covers: every set in order, itself with an empty b= (section 5.1.1)."""
    parts: list[bytes] = []
    for one in sets:
        parts += [relax_field(one.results.raw), relax_field(one.message_signature.raw)]
        if one is not sets[-1]:
            parts.append(relax_field(one.seal.raw))
    parts.append(relax_field(without_b(sets[-1].seal.raw)).removesuffix(b"\r\n"))
    return b"".join(parts)


def _older(one: ArcSet) -> Signature | None:
    try:
        return parse_signature(one.message_signature, "arc")
    except TagSyntaxError:
        return None  # only the newest one has to verify


def _seal_failure(seal: Seal, sets: Sequence[ArcSet], answer: Answer) -> str | None:
    if seal.algorithm == "rsa-sha1":
        return "rsa-sha1 proves nothing any more (RFC 8301)"
    if answer.status == "temporary":
        return f"the key could not be fetched: {answer.reason}"
    if not answer.records:
        return f"there is no key at {seal.key_name}"
    octets = sealed_octets(sets)
    reason = "the signature does not match"
    for record in answer.records[:MAX_KEYS]:
        key = _key(record, seal)
        if isinstance(key, KeyRefused):
            reason = str(key)
        elif signs_octets(key.public, key.type, seal.signature, octets):
            return None
        else:
            reason = "the signature does not match"
    return reason


def _key(record: str, seal: Seal) -> KeyRecord | KeyRefused:
    key_type, hash_name = ALGORITHMS[seal.algorithm]
    try:
        key = parse_key(record)
    except KeyRefused as error:
        return error
    return refusal(key, key_type=key_type, hash_name=hash_name, domain=seal.domain, identity=None) or key
