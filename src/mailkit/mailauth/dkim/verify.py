"""Verifying DKIM signatures (RFC 6376 section 6).

Which word for which case (RFC 8601 section 2.7.1): `pass`; `fail` when hash, signature or x= did not verify;
`neutral` when the signature field has syntax errors or cannot be processed; `policy` when only policy refuses it
(rsa-sha1, short keys, too many signatures); `permerror` when the key is missing, revoked, malformed or for another use;
`temperror` when the DNS did not answer.
"""

from collections.abc import Iterable, Sequence
from typing import Literal, TypeAlias

from attrs import evolve, frozen

from mailkit.mailauth.dkim.canonical import Canonicalization, body_digests, relax_field, select_fields
from mailkit.mailauth.dkim.crypto import signs_octets
from mailkit.mailauth.dkim.key import KeyRecord, KeyRefused, parse_key, refusal
from mailkit.mailauth.dkim.signature import ALGORITHMS, Signature, parse_signature, tags_of, without_b
from mailkit.mailauth.lookup import Answer, Lookup, Query
from mailkit.mailauth.message import Field, Message
from mailkit.mailauth.taglist import TagSyntaxError

__all__ = ["MAX_SIGNATURES", "DkimResult", "Word", "check", "signed_octets", "verify"]

Word: TypeAlias = Literal["none", "pass", "fail", "policy", "neutral", "temperror", "permerror"]
Digests: TypeAlias = dict[tuple[Canonicalization, int | None], tuple[bytes, int]]

MAX_SIGNATURES = 16
"""More are not looked at: each costs a DNS query and a public key operation (RFC 6376 section 8.4)."""


MAX_KEYS = 8
"""Key records of one name that are tried."""


@frozen
class DkimResult:
    """What became of one signature.

    `domain` d=, `selector` s=, `identity` i= with its default, `bits` the size of the key used. `testing`: the key says
    t=y. `unsigned`: octets of the canonical body that l= left out, which anyone may have appended. `warnings` are
    readable remarks that did not change the result.
    """

    result: Word
    reason: str
    domain: str = ""
    selector: str = ""
    identity: str = ""
    algorithm: str = ""
    bits: int = 0
    testing: bool = False
    unsigned: int = 0
    warnings: tuple[str, ...] = ()
    signature: Signature | None = None


def verify(message: Message, *, now: int, limit: int = MAX_SIGNATURES) -> Lookup[tuple[DkimResult, ...]]:
    """One result per DKIM-Signature field, top to bottom; an empty tuple for an unsigned message.

    `now` is UTC milliseconds. All keys are asked for at once. A streamed body is read once.
    """
    fields = message.named(b"dkim-signature")
    parsed: list[tuple[Field, Signature | DkimResult]] = [(field, _parsed(field)) for field in fields[:limit]]
    live = [one for _, one in parsed if isinstance(one, Signature)]
    names = list(dict.fromkeys(signature.key_name for signature in live))
    answers = dict(zip(names, (yield tuple(Query(name, "TXT") for name in names)), strict=True)) if names else {}
    digests = body_digests(message.body, ((one.body_canonicalization, one.length) for one in live)) if live else {}
    results = [
        check(one, field, message.fields, digests, answers[one.key_name], now=now)
        if isinstance(one, Signature)
        else one
        for field, one in parsed
    ]
    excess = f"not checked: more than {limit} signatures"
    results += [_unusable(field, "policy", excess) for field in fields[limit:]]
    return tuple(results)


def check(
    signature: Signature, field: Field, fields: Sequence[Field], digests: Digests, answer: Answer, *, now: int
) -> DkimResult:
    """Hold one signature against the message and the key records in `answer`."""
    length, hashed = signature.length, digests[signature.body_canonicalization, signature.length]
    base = DkimResult(
        "neutral",
        "",
        domain=signature.domain,
        selector=signature.selector,
        identity=signature.identity,
        algorithm=signature.algorithm,
        unsigned=0 if length is None else max(0, hashed[1] - length),
        warnings=_warnings(signature, fields, hashed[1], now),
        signature=signature,
    )
    if signature.algorithm == "rsa-sha1":
        return evolve(base, result="policy", reason="rsa-sha1 proves nothing any more (RFC 8301 section 3.1)")
    if signature.expires_at is not None and signature.expires_at * 1000 < now:
        return evolve(base, result="fail", reason="the signature has expired (x=)")
    if length is not None and length > hashed[1]:  # section 3.5
        return evolve(base, result="neutral", reason=f"l={length} is more than the body's {hashed[1]} octets")
    if answer.status == "temporary":
        return evolve(base, result="temperror", reason=f"the key could not be fetched: {answer.reason}")
    if not answer.records:
        return evolve(base, result="permerror", reason=f"there is no key at {signature.key_name}")
    keys = [_usable(record, signature) for record in answer.records[:MAX_KEYS]]
    usable = [key for key in keys if isinstance(key, KeyRecord)]
    if not usable:
        refused = next(key for key in keys if isinstance(key, KeyRefused))
        return evolve(base, result="policy" if refused.policy else "permerror", reason=str(refused))
    testing = usable[0].testing
    if hashed[0] != signature.body_hash:
        return evolve(base, result="fail", reason="the body hash does not match", bits=usable[0].bits, testing=testing)
    octets = signed_octets(signature, field, fields)
    for key in usable:  # several records: any of them will do (section 6.1.2)
        if signs_octets(key.public, key.type, signature.signature, octets):
            return evolve(
                base, result="pass", reason=f"{key.bits}-bit {key.type} key", bits=key.bits, testing=key.testing
            )
    return evolve(
        base, result="fail", reason="the signature does not match the header", bits=usable[0].bits, testing=testing
    )


def signed_octets(signature: Signature, field: Field, fields: Sequence[Field]) -> bytes:
    """What was signed: the selected fields, then the signature field itself with an empty b= (section 3.7)."""
    selected = select_fields(fields, signature.names, skip=field)
    last = without_b(field.raw)
    if signature.header_canonicalization == "relaxed":
        return b"".join([relax_field(one.raw) for one in selected]) + relax_field(last).removesuffix(b"\r\n")
    return b"".join([one.raw for one in selected]) + last


def _parsed(field: Field) -> Signature | DkimResult:
    try:
        return parse_signature(field)
    except TagSyntaxError as error:
        return _unusable(field, "neutral", f"signature syntax: {error}")


def _unusable(field: Field, result: Word, reason: str) -> DkimResult:
    """The result for a signature that was not tried, with d= and s= so that a reader knows which one it was."""
    try:
        tags = tags_of(field)
    except TagSyntaxError:
        return DkimResult(result, reason)
    return DkimResult(result, reason, tags.get("d", "")[:253], tags.get("s", "")[:253])


def _usable(record: str, signature: Signature) -> KeyRecord | KeyRefused:
    try:
        key = parse_key(record)
    except KeyRefused as error:
        return error
    key_type, hash_name = ALGORITHMS[signature.algorithm]
    identity = signature.identity if signature.kind == "dkim" else None
    return refusal(key, key_type=key_type, hash_name=hash_name, domain=signature.domain, identity=identity) or key


def _warnings(signature: Signature, fields: Iterable[Field], size: int, now: int) -> tuple[str, ...]:
    warnings = []
    if signature.length is not None and signature.length < size:
        warnings.append(f"l= leaves {size - signature.length} octets of the body unsigned (RFC 6376 section 8.2)")
    if signature.signed_at is not None and signature.signed_at * 1000 > now + 3_600_000:
        warnings.append("t= lies in the future")
    extra = sum(1 for field in fields if field.name == b"from") - signature.names.count(b"from")
    if extra > 0:
        warnings.append("there are more From fields than were signed (RFC 6376 section 8.15)")
    return tuple(warnings)
