"""WebAuthn (W2.11, W3.4): all bytes are hexadecimal, in both directions."""

from mailkit.accounts.twofactor import Ceremony
from mailkit.credentials import settings as keys
from mailkit.credentials import webauthn as rules
from mailkit.credentials.records import WebAuthnCredential
from mailkit.http.declare import UNSET, UnsetType, answer, request
from mailkit.http.operation import read, slow, write
from mailkit.http.wildduck import fields as take
from mailkit.http.wildduck.reach import user_within
from mailkit.http.wildduck.twofactor import OfUser, by_of
from mailkit.ids import Id
from mailkit.kit import MailKit
from mailkit.principals.permits import Caller, hidden
from mailkit.storage.api import Tx

__all__ = [
    "attest_registration",
    "begin_authentication",
    "begin_registration",
    "check_assertion",
    "delete_credential",
    "list_credentials",
]

# ---------------------------------------------------------------- what is registered


@answer
class CredentialRow:
    """A registered authenticator."""

    id: str
    rawId: str
    description: str
    authenticatorAttachment: str


@answer
class Credentials:
    """All of a user's authenticators."""

    credentials: tuple[CredentialRow, ...]


def _row(row: WebAuthnCredential) -> CredentialRow:
    return CredentialRow(
        id=str(row.id), rawId=row.raw_id.hex(), description=row.description, authenticatorAttachment=row.attachment
    )


@read
def list_credentials(kit: MailKit, ask: OfUser, caller: Caller) -> Credentials:
    """A user's authenticators."""
    with kit.store.snapshot() as tx:
        user_within(kit, ask.user, caller, tx=tx)
        return Credentials(credentials=tuple(map(_row, kit.two_factor.authenticators(ask.user, tx=tx))))


@request
class OneCredential(OfUser):
    """Which."""

    credential: Id = take.id24("The authenticator")


@answer
class Removed:
    """It is not there any more."""

    deleted: bool


@write
def delete_credential(kit: MailKit, ask: OneCredential, caller: Caller, tx: Tx) -> Removed:
    """Remove an authenticator."""
    user_within(kit, ask.user, caller, tx=tx)
    kit.two_factor.remove_authenticator(ask.user, ask.credential, by=by_of(ask), tx=tx)
    return Removed(deleted=True)


# ---------------------------------------------------------------- registration


@request
class BeginCeremony(OfUser):
    """Where the browser is."""

    origin: str = take.text(255, "Origin of the page, one of `webauthn.origins`", trim=True, empty="refused")
    authenticatorAttachment: str = take.any_of(
        " ".join(rules.ATTACHMENTS), "Kind of authenticator", default=rules.ATTACHMENTS[0]
    )
    rpId: str | None = take.text(253, "Relying party; by default the origin's host", trim=True, default=None)


@request
class BeginRegistration(BeginCeremony):
    """What is to be registered."""

    description: str = take.text(1024, "A name for the authenticator", trim=True, empty="refused")


@answer
class RelyingParty:
    name: str
    id: str


@answer
class UserEntity:
    id: str
    name: str
    displayName: str


@answer
class Algorithm:
    type: str
    alg: int


@answer
class Selection:
    authenticatorAttachment: str
    userVerification: str


@answer
class Known:
    rawId: str
    type: str
    transports: tuple[str, ...] | UnsetType = UNSET


@answer
class RegistrationOptions:
    """What `navigator.credentials.create` is to be told."""

    rp: RelyingParty
    user: UserEntity
    challenge: str
    pubKeyCredParams: tuple[Algorithm, ...]
    timeout: int
    attestation: str
    authenticatorSelection: Selection
    excludeCredentials: tuple[Known, ...] | UnsetType = UNSET


@answer
class Registration:
    registrationOptions: RegistrationOptions


@write
def begin_registration(kit: MailKit, ask: BeginRegistration, caller: Caller, tx: Tx) -> Registration:
    """Begin to register an authenticator."""
    user_within(kit, ask.user, caller, tx=tx)
    begun = kit.two_factor.begin_registration(
        ask.user,
        description=ask.description,
        origin=ask.origin,
        attachment=ask.authenticatorAttachment,
        rp_id=ask.rpId,
        tx=tx,
    )
    user = begun.account
    options = RegistrationOptions(
        rp=RelyingParty(name=kit.settings.get(keys.WEBAUTHN_NAME), id=begun.rp_id),
        user=UserEntity(id=str(user.id), name=begun.address or user.name, displayName=user.display or user.name),
        challenge=begun.challenge.hex(),
        pubKeyCredParams=tuple(Algorithm(type="public-key", alg=number) for number in rules.ALGORITHMS),
        timeout=rules.TIMEOUT,
        attestation="none",
        authenticatorSelection=Selection(authenticatorAttachment=begun.attachment, userVerification="discouraged"),
        excludeCredentials=_known(begun, transports=True) or UNSET,
    )
    return Registration(registrationOptions=options)


def _known(begun: Ceremony, *, transports: bool) -> tuple[Known, ...]:
    reached = tuple(rules.transports(begun.attachment)) if transports else UNSET
    return tuple(Known(rawId=row.raw_id.hex(), type="public-key", transports=reached) for row in begun.credentials)


@request
class Attestation(OfUser):
    """What `navigator.credentials.create` answered."""

    challenge: bytes = take.hex_bytes("The challenge that was given", most=1024)
    rawId: bytes = take.hex_bytes("The credential's id", most=1023)
    clientDataJSON: bytes = take.hex_bytes("What the browser signed for")
    attestationObject: bytes = take.hex_bytes("What the authenticator made")
    rpId: str | None = take.text(253, "As when it was begun", default=None)


@answer
class RegisteredRow:
    success: bool
    id: str
    rawId: str
    description: str
    authenticatorAttachment: str


@answer
class Registered:
    response: RegisteredRow


@slow
def attest_registration(kit: MailKit, ask: Attestation, caller: Caller) -> Registered:
    """Register the authenticator that answers."""
    with kit.store.snapshot() as tx:
        user_within(kit, ask.user, caller, tx=tx)
    made = kit.two_factor.register(
        ask.user,
        challenge=ask.challenge,
        raw_id=ask.rawId,
        client_data=ask.clientDataJSON,
        attestation=ask.attestationObject,
        by=by_of(ask),
    )
    row = _row(made)
    return Registered(
        response=RegisteredRow(
            success=True,
            id=row.id,
            rawId=row.rawId,
            description=row.description,
            authenticatorAttachment=row.authenticatorAttachment,
        )
    )


# ---------------------------------------------------------------- authentication


@answer
class AuthenticationOptions:
    """What `navigator.credentials.get` is to be told."""

    challenge: str
    timeout: int
    rpId: str
    userVerification: str
    allowCredentials: tuple[Known, ...]


@answer
class Authentication:
    authenticationOptions: AuthenticationOptions


@write
def begin_authentication(kit: MailKit, ask: BeginCeremony, caller: Caller, tx: Tx) -> Authentication:
    """Begin to prove an authenticator."""
    user_within(kit, ask.user, caller, tx=tx)
    begun = kit.two_factor.begin_assertion(
        ask.user, origin=ask.origin, attachment=ask.authenticatorAttachment, rp_id=ask.rpId, tx=tx
    )
    options = AuthenticationOptions(
        challenge=begun.challenge.hex(),
        timeout=rules.TIMEOUT,
        rpId=begun.rp_id,
        userVerification="discouraged",
        allowCredentials=_known(begun, transports=False),
    )
    return Authentication(authenticationOptions=options)


@request
class Assertion(OfUser):
    """What `navigator.credentials.get` answered."""

    challenge: bytes = take.hex_bytes("The challenge that was given", most=1024)
    rawId: bytes = take.hex_bytes("The credential's id", most=1023)
    clientDataJSON: bytes = take.hex_bytes("What the browser signed for")
    authenticatorData: bytes = take.hex_bytes("What the authenticator says")
    signature: bytes = take.hex_bytes("Its signature over both", most=2048)
    rpId: str | None = take.text(253, "As when it was begun", default=None)
    token: bool = take.flag("Give an access token as well")


@answer
class Proof:
    authenticated: bool
    credential: str


@answer
class Proved:
    response: Proof
    token: str | UnsetType = UNSET


@slow
def check_assertion(kit: MailKit, ask: Assertion, caller: Caller) -> Proved:
    """Check what the authenticator signed."""
    with kit.store.snapshot() as tx:
        user_within(kit, ask.user, caller, tx=tx)
    done = kit.two_factor.finish_assertion(
        ask.user,
        challenge=ask.challenge,
        raw_id=ask.rawId,
        client_data=ask.clientDataJSON,
        authenticator_data=ask.authenticatorData,
        signature=ask.signature,
        token=ask.token and "token" not in hidden(caller, "authentication"),
        by=by_of(ask),
    )
    return Proved(response=Proof(authenticated=True, credential=str(done.credential.id)), token=done.token or UNSET)
