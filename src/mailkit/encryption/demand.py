"""Whether a message that comes into a mailbox is encrypted, and for whom (WildDuck 3.6, Stalwart 9.1)."""

from attrs import field, frozen

from mailkit.encryption.keys import Keys

__all__ = ["CLEAR", "AccountKeys", "Demand", "demand"]


@frozen
class AccountKeys:
    """What an account says: its keys, and whether all that comes in is encrypted for them (`always`), or only what
    comes into a mailbox that asks for it."""

    keys: Keys | None = None
    always: bool = False


@frozen
class Demand:
    """Keys to encrypt for, None for none; `reason` says why, and is empty where nobody has asked for encryption."""

    keys: Keys | None = field(default=None)
    reason: str = ""


CLEAR = Demand()


def demand(account: AccountKeys, *, mailbox: bool, draft: bool, stays: bool = False) -> Demand:
    """Decides. `mailbox` says that the mailbox asks for encryption.

    With `stays` the message is in the account already and only changes its mailbox: existing mail is not touched, so
    the account's own wish counts no more, only the mailbox's.
    """
    wanted = mailbox or (account.always and not stays)
    if not wanted:
        return CLEAR
    if draft:
        return Demand(None, "A draft is not encrypted")
    if account.keys is None:
        return Demand(None, "Encryption is switched on, but the account has no key")
    return Demand(account.keys, "The mailbox asks for it" if mailbox else "The account asks for it")
