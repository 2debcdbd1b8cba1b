"""Adding a set to a chain (RFC 8617 section 5.1).

Tags are written in alphabetical order and b= stands on one line (a seal covers the white space in the signatures below
it): the layout of the public signing suite, so that what we seal can be compared with it octet by octet.
"""

from base64 import b64encode
from collections.abc import Iterable

from mailkit.errors import Invalid
from mailkit.mailauth.arc.chain import MAX_INSTANCE, ArcSet, collect
from mailkit.mailauth.arc.validate import ArcResult, sealed_octets
from mailkit.mailauth.authres import payload
from mailkit.mailauth.dkim.canonical import body_digests, relax_field, select_fields
from mailkit.mailauth.dkim.crypto import sign_octets
from mailkit.mailauth.dkim.sign import SIGNED, Signer
from mailkit.mailauth.message import Field, Message
from mailkit.mailauth.taglist import TagSyntaxError

__all__ = ["seal"]


def seal(
    message: Message,
    signer: Signer,
    *,
    authserv_id: str,
    chain: ArcResult,
    now: int,
    names: Iterable[str] | None = None,
) -> tuple[bytes, ...] | None:
    """The three fields of the next set, ARC-Seal first, each ending in CRLF: prepend them all to the message.

    `message` carries our own Authentication-Results (`authserv_id`), which the set repeats; `chain` is what `validate`
    found on arrival; `now` is UTC milliseconds. `names` are signed in this order instead of the default ones. None when
    the chain has ended (cv=fail) or is full. Raises Invalid (`arc.results`) when no results of ours are there.
    """
    if chain.ended or chain.instances >= MAX_INSTANCE:
        return None
    try:
        sets = collect(message.fields)
    except TagSyntaxError:
        sets = ()  # a broken structure is sealed as failed, next to nothing
        if not chain.instances:
            return None
    number = chain.instances + 1
    tag = "rsa-sha256" if hasattr(signer.private, "key_size") else "ed25519-sha256"
    results = _field(f"ARC-Authentication-Results: i={number}; {_results(message, authserv_id)}")
    message_signature = _message_signature(message, signer, names, tag, number, now)
    end = f" cv={chain.result}; d={signer.domain}; i={number}; s={signer.selector};\r\n t={now // 1000}"
    unsigned = ArcSet(number, results, message_signature, _field(f"ARC-Seal: a={tag};\r\n b=;{end}"))
    # A failed chain is sealed alone: what is broken cannot be vouched for (section 5.1.2).
    octets = sealed_octets([*(sets if chain.result == "pass" else ()), unsigned])
    value = b64encode(sign_octets(signer.private, octets)).decode()
    sealed = _field(f"ARC-Seal: a={tag};\r\n b={value};{end}")
    return sealed.raw, message_signature.raw, results.raw


def _message_signature(
    message: Message, signer: Signer, names: Iterable[str] | None, tag: str, number: int, now: int
) -> Field:
    chosen = [name.lower() for name in (_present(message) if names is None else names)]
    digest = b64encode(body_digests(message.body, [("relaxed", None)])["relaxed", None][0]).decode()
    end = (
        f"\r\n bh={digest}; c=relaxed/relaxed;\r\n d={signer.domain}; h={':'.join(chosen)};"
        f"\r\n i={number}; s={signer.selector}; t={now // 1000}"
    )
    head = f"ARC-Message-Signature: a={tag};\r\n b="
    selected = select_fields(message.fields, [name.encode() for name in chosen])
    octets = b"".join([relax_field(one.raw) for one in selected])
    last = relax_field(f"{head};{end}".encode()).removesuffix(b"\r\n")
    value = b64encode(sign_octets(signer.private, octets + last)).decode()
    return _field(f"{head}{value};{end}")


def _present(message: Message) -> list[str]:
    """The default fields, those that are there, and DKIM-Signature (RFC 8617 section 4.1.2)."""
    names = [field.name.decode("latin-1") for field in message.fields]
    return [name for wanted in (*SIGNED, "DKIM-Signature") for name in names if name == wanted.lower()]


def _results(message: Message, authserv_id: str) -> str:
    found = []
    for field in message.named(b"authentication-results"):
        try:
            name, text = payload(field.text)
        except Invalid:
            continue
        if name.lower() == authserv_id.lower() and text:
            found.append(text)
    if not found:
        raise Invalid("arc.results", f"the message has no Authentication-Results of {authserv_id}")
    return ";\r\n ".join([authserv_id, *found])


def _field(text: str) -> Field:
    return Field(text.partition(":")[0].lower().encode(), text.encode("utf-8", "surrogateescape") + b"\r\n")
