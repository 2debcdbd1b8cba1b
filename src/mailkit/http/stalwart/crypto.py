"""Encryption of the caller's own mail (S9.1)."""

import base64
import binascii
from collections.abc import Callable
from typing import Final

from mailkit.accounts.mail_encryption import SWITCHED_OFF, check_switch, switched_on
from mailkit.accounts.settings import ENCRYPTION_ALLOWED
from mailkit.accounts.users import UserChanges
from mailkit.clock import to_datetime
from mailkit.encryption.keys import AES128, AES256, Cipher, Method
from mailkit.encryption.read import LONGEST, read_keys
from mailkit.errors import Invalid, NotSupported
from mailkit.http.declare import UNSET, UnsetType, answer, request
from mailkit.http.operation import prepared, read
from mailkit.http.stalwart import fields as take
from mailkit.kit import MailKit
from mailkit.principals.mail_keys import mail_keys
from mailkit.principals.permits import Caller
from mailkit.principals.records import Principal
from mailkit.storage.api import ReadTx, Tx

__all__ = ["change_crypto", "get_crypto"]

_METHODS: Final[dict[str, Method]] = {"pGP": "openpgp", "sMIME": "smime"}
_TYPES: Final[dict[Method, str]] = {method: name for name, method in _METHODS.items()}
_CIPHERS: Final[dict[str, Cipher]] = {"Aes128": AES128, "Aes256": AES256}
_ALGORITHMS: Final[dict[Cipher, str]] = {cipher: name for name, cipher in _CIPHERS.items()}

_FIRST_LINE: Final = "-----STALWART CERTIFICATE-----"
"""What `certs` begins with in an answer; the rest of it is base64 of the text that was given."""


@request
class Nothing:
    """Nothing is asked."""


@answer
class Crypto:
    """How the caller's mail is encrypted. `certs` may be sent back as it is."""

    type: str
    algo: str | UnsetType = UNSET
    certs: str | UnsetType = UNSET


@read
def get_crypto(kit: MailKit, ask: Nothing, caller: Caller) -> Crypto:
    """How the caller's mail is encrypted, and for whom."""
    if caller.number is not None:
        with kit.store.snapshot() as tx:
            row = kit.principals.find(caller.number, tx=tx)
        said = mail_keys(None if row is None else row.profile)
        if said.always and said.keys is not None:
            keys = said.keys
            return Crypto(type=_TYPES[keys.method], algo=_ALGORITHMS[keys.cipher], certs=_shown(keys.text))
    return Crypto(type="disabled")


@request
class WantedCrypto:
    """How it is to be encrypted."""

    type: str = take.choice(("disabled", *_METHODS), "With OpenPGP, with S/MIME, or not")
    algo: str | None = take.choice(tuple(_CIPHERS), "The cipher; OpenPGP messages always get AES-256", default=None)
    certs: str | None = take.string("Keys or certificates, armored or PEM", default=None, most=2 * LONGEST)


@request
class ChangeCrypto:
    """What is wanted."""

    wanted: WantedCrypto = take.body(WantedCrypto)


@prepared
def change_crypto(kit: MailKit, ask: ChangeCrypto, caller: Caller) -> Callable[[Tx], int | None]:
    """Have the mail that comes in encrypted; returns for how many keys. What is there already stays as it is."""
    wanted = ask.wanted
    with kit.store.snapshot() as tx:
        _account(kit, caller, tx)
    if wanted.type == "disabled":
        return lambda tx: _change(kit, caller, UserChanges(profile=SWITCHED_OFF), None, tx)
    if wanted.algo is None:
        raise take.missing("algo")
    if wanted.certs is None:
        raise take.missing("certs")
    if not kit.settings.get(ENCRYPTION_ALLOWED):
        check_switch(None, allowed=False)
    given = read_keys(
        _text(wanted.certs), _METHODS[wanted.type], cipher=_CIPHERS[wanted.algo], now=to_datetime(kit.clock())
    )
    changes = UserChanges(profile=switched_on(given.keys))
    return lambda tx: _change(kit, caller, changes, given.count, tx)


def _change(kit: MailKit, caller: Caller, changes: UserChanges, count: int | None, tx: Tx) -> int | None:
    kit.users.change(_account(kit, caller, tx), changes, tx=tx)
    return count


def _account(kit: MailKit, caller: Caller, tx: ReadTx) -> Principal:
    """The caller's own; a key or a client of OAuth gets no mail."""
    row = None if caller.number is None else kit.principals.find(caller.number, tx=tx)
    if row is None or row.kind != "individual":
        raise NotSupported("account.none", "This caller has no account")
    return row


def _shown(text: str) -> str:
    return f"{_FIRST_LINE}\n{base64.encodebytes(text.encode()).decode()}"


def _text(certs: str) -> str:
    """The text that was given, also where it is what an answer showed."""
    begin, _, rest = certs.lstrip().partition("\n")
    if begin.strip() != _FIRST_LINE:
        return certs
    try:
        return base64.b64decode("".join(rest.split()), validate=True).decode()
    except (binascii.Error, ValueError):
        raise Invalid("certificates.invalid", "What follows the first line is not base64") from None
