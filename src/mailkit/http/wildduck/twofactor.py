"""Second factors (W2.11): TOTP and the operator's own; `webauthn` has the rest."""

from mailkit.accounts.by import By
from mailkit.credentials.totp import qr_picture
from mailkit.http.declare import answer, request
from mailkit.http.operation import slow, write
from mailkit.http.wildduck import fields as take
from mailkit.http.wildduck.fields import Logged
from mailkit.http.wildduck.reach import user_within
from mailkit.ids import Id
from mailkit.kit import MailKit
from mailkit.principals.permits import Caller
from mailkit.storage.api import Tx

__all__ = ["check_totp", "disable_all", "disable_custom", "disable_totp", "enable_custom", "enable_totp", "setup_totp"]


@request
class OfUser(Logged):
    """Whose second factors."""

    user: Id = take.id24("The user, or `me`")
    presented: str = take.presented_token()


@answer
class Done:
    """It is so."""


def by_of(ask: OfUser) -> By:
    """Who does it, for the log, and whose session goes on."""
    return By(ask.ip, ask.sess, token=ask.presented or None)


@request
class SetupTotp(OfUser):
    """How the seed is named in an authenticator application."""

    label: str | None = take.text(255, "The account's name there; by default the user name", trim=True, default=None)
    issuer: str = take.text(255, "This server's name there", trim=True, empty="refused")


@answer
class NewSeed:
    """A seed in base32, and a picture of its URL."""

    seed: str
    qrcode: str


@slow
def setup_totp(kit: MailKit, ask: SetupTotp, caller: Caller) -> NewSeed:
    """Make a TOTP seed. It waits 6 hours to be enabled."""

    def setup(tx: Tx) -> tuple[str, str]:
        user_within(kit, ask.user, caller, tx=tx)
        seed = kit.two_factor.setup_totp(ask.user, issuer=ask.issuer, label=ask.label, tx=tx)
        return seed.base32, seed.url

    base32, url = kit.transact(setup)
    return NewSeed(seed=base32, qrcode=qr_picture(url))


@request
class TotpCode(OfUser):
    """A code of 6 digits."""

    token: str = take.text(6, "The code", least=6, trim=True, empty="refused")


@slow
def enable_totp(kit: MailKit, ask: TotpCode, caller: Caller) -> Done:
    """Enable the seed that waits, with a code of it."""
    _within(kit, ask, caller)
    kit.two_factor.enable_totp(ask.user, ask.token, by=by_of(ask))
    return Done()


@slow
def check_totp(kit: MailKit, ask: TotpCode, caller: Caller) -> Done:
    """Check a code. Each is good once."""
    _within(kit, ask, caller)
    kit.two_factor.check_totp(ask.user, ask.token, by=by_of(ask))
    return Done()


def _within(kit: MailKit, ask: OfUser, caller: Caller) -> None:
    with kit.store.snapshot() as tx:
        user_within(kit, ask.user, caller, tx=tx)


@write
def disable_totp(kit: MailKit, ask: OfUser, caller: Caller, tx: Tx) -> Done:
    """Discard the TOTP seed."""
    user_within(kit, ask.user, caller, tx=tx)
    kit.two_factor.disable_totp(ask.user, by=by_of(ask), tx=tx)
    return Done()


@write
def disable_all(kit: MailKit, ask: OfUser, caller: Caller, tx: Tx) -> Done:
    """Take all second factors away."""
    user_within(kit, ask.user, caller, tx=tx)
    kit.two_factor.disable_all(ask.user, by=by_of(ask), tx=tx)
    return Done()


@write
def enable_custom(kit: MailKit, ask: OfUser, caller: Caller, tx: Tx) -> Done:
    """Mark that an application of the operator's asks for a second factor."""
    user_within(kit, ask.user, caller, tx=tx)
    kit.two_factor.enable_custom(ask.user, by=by_of(ask), tx=tx)
    return Done()


@write
def disable_custom(kit: MailKit, ask: OfUser, caller: Caller, tx: Tx) -> Done:
    """Take that mark away."""
    user_within(kit, ask.user, caller, tx=tx)
    kit.two_factor.disable_custom(ask.user, by=by_of(ask), tx=tx)
    return Done()
