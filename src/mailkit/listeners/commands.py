"""The arguments of MAIL and RCPT (RFC 5321 4.1.1.2, 4.1.1.3): what they ask for, or the reply that refuses them."""

from mailkit.errors import Invalid, NotSupported
from mailkit.listeners.limits import Limits
from mailkit.listeners.parameters import mail_parameters, parse_parameters
from mailkit.listeners.paths import parse_path
from mailkit.listeners.reply import Reply
from mailkit.listeners.session import Envelope, Recipient

__all__ = ["read_recipient", "read_sender", "too_big"]


def read_sender(argument: str, limits: Limits) -> Envelope | Reply:
    """`FROM:<...>` and parameters as an envelope without recipients."""
    try:
        mailbox, rest = parse_path(_behind("FROM:", argument))
        parameters = mail_parameters(parse_parameters(rest))
    except Invalid as refused:
        return _refusal(refused, "5.1.7")
    except NotSupported as refused:
        return Reply(555, "5.5.4", refused.message)
    if mailbox is not None and not mailbox.is_ascii and not parameters.smtputf8:
        return _needs_utf8("sender")
    if parameters.size is not None and parameters.size > limits.max_size:
        return too_big(limits)  # RFC 1870 6.1
    return Envelope(mailbox, parameters)


def read_recipient(argument: str, envelope: Envelope) -> Recipient | Reply:
    """`TO:<...>` as a recipient of `envelope`, which is not changed."""
    try:
        mailbox, rest = parse_path(_behind("TO:", argument))
        parameters = parse_parameters(rest)
    except Invalid as refused:
        return _refusal(refused, "5.1.3")
    if mailbox is None:
        return Reply(501, "5.1.3", "a recipient is no null path")
    if parameters:  # none is defined without DSN (RFC 3461) and its like
        return Reply(555, "5.5.4", f"{next(iter(parameters))} is not offered")
    if not mailbox.is_ascii and not envelope.parameters.smtputf8:
        return _needs_utf8("recipient")
    return Recipient(mailbox, parameters)


def too_big(limits: Limits) -> Reply:
    """RFC 1870 6.1 and 6.3: the message can never be taken, however often it is sent."""
    return Reply(552, "5.3.4", f"the message is larger than {limits.max_size} octets")


def _behind(word: str, argument: str) -> str:
    """What follows `FROM:` or `TO:`. A space behind the colon is against the RFC and sent by many."""
    if argument[: len(word)].upper() != word:
        raise Invalid("command.syntax", f"expected {word}<address>")
    return argument[len(word) :].lstrip(" ")


def _refusal(refused: Invalid, status: str) -> Reply:
    """RFC 3463 3.2 for the address, 3.6 for the rest of the line."""
    return Reply(501, status if refused.code.startswith("address.") else "5.5.4", refused.message)


def _needs_utf8(path: str) -> Reply:
    return Reply(553, "5.6.7", f"the {path} needs SMTPUTF8 in MAIL")  # RFC 6531 3.5
