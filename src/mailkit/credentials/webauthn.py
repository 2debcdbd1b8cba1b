"""WebAuthn (W3C Level 2) decisions: what a browser is asked for, and whether what it sends proves anything.

Signatures are checked by py_webauthn (extra `webauthn`). What a relying party must check stands in 7.1 and 7.2: the
type, the challenge, the origin, the rpId, user presence, the signature, and a counter that never goes back.
"""

from typing import Any, Final
from urllib.parse import urlsplit

from attrs import field, frozen

from mailkit.credentials.records import Challenge, WebAuthnCredential
from mailkit.errors import Denied, Invalid, NotSupported

__all__ = [
    "ALGORITHMS",
    "ATTACHMENTS",
    "CHALLENGE_LIFE",
    "CHALLENGE_SIZE",
    "TIMEOUT",
    "Registered",
    "relying_party",
    "transports",
    "verify_assertion",
    "verify_registration",
]

CHALLENGE_SIZE: Final = 64
CHALLENGE_LIFE: Final = 3_600_000
TIMEOUT: Final = 60_000
ATTACHMENTS: Final = ("cross-platform", "platform")
ALGORITHMS: Final = (-7, -8, -257)
"""COSE algorithms that are offered: ES256, EdDSA, RS256."""


@frozen
class Registered:
    """A credential that has proved itself."""

    raw_id: bytes
    public_key: bytes = field(repr=False)
    count: int


def relying_party(origin: str, rp_id: str | None, allowed: tuple[str, ...]) -> tuple[str, str]:
    """Origin and rpId of a ceremony, if its origin is allowed; Invalid `webauthn.origin`, `webauthn.rp_id`.

    Without `rp_id` it is the origin's host. One that is given has to be that host or a parent domain of it (5.1.2 and
    HTML's registrable domain suffix, without its look at public suffixes: the origin was configured by the operator).
    """
    parts = urlsplit(origin)
    host = parts.hostname or ""
    normal = f"{parts.scheme}://{parts.netloc}".lower()
    if not host or normal not in {each.lower().rstrip("/") for each in allowed}:
        raise Invalid.field(
            "origin",
            '"origin" is not one of webauthn.origins',
            code="webauthn.origin",
        )
    chosen = (rp_id or host).lower()
    if chosen != host and not (host.endswith(f".{chosen}") and "." in chosen):
        raise Invalid.field(
            "rpId", '"rpId" is neither the host of the origin nor a domain above it', code="webauthn.rp_id"
        )
    return normal, chosen


def transports(attachment: str) -> list[str]:
    """What a credential of this kind may be reached by."""
    return ["internal"] if attachment == "platform" else ["usb", "nfc", "ble"]


def verify_registration(
    challenge: Challenge, raw: bytes, *, raw_id: bytes, client_data: bytes, attestation: bytes
) -> Registered:
    """Section 7.1; Denied `webauthn.refused` with the reason."""
    try:
        from webauthn import verify_registration_response
        from webauthn.helpers.cose import COSEAlgorithmIdentifier
        from webauthn.helpers.exceptions import WebAuthnException
    except ModuleNotFoundError as error:
        raise _missing() from error
    answer = {"clientDataJSON": _b64(client_data), "attestationObject": _b64(attestation)}
    try:
        done = verify_registration_response(
            credential=_credential(raw_id, answer),
            expected_challenge=raw,
            expected_rp_id=challenge.rp_id,
            expected_origin=challenge.origin,
            supported_pub_key_algs=[COSEAlgorithmIdentifier(number) for number in ALGORITHMS],
        )
    except (WebAuthnException, ValueError, TypeError, KeyError, IndexError) as error:
        raise _refused(error) from error
    return Registered(done.credential_id, done.credential_public_key, done.sign_count)


def verify_assertion(
    challenge: Challenge,
    raw: bytes,
    credential: WebAuthnCredential,
    *,
    client_data: bytes,
    authenticator_data: bytes,
    signature: bytes,
) -> int:
    """Section 7.2; the new counter. Denied `webauthn.refused` with the reason, a counter that went back among them."""
    try:
        from webauthn import verify_authentication_response
        from webauthn.helpers.exceptions import WebAuthnException
    except ModuleNotFoundError as error:
        raise _missing() from error
    answer = {
        "clientDataJSON": _b64(client_data),
        "authenticatorData": _b64(authenticator_data),
        "signature": _b64(signature),
    }
    try:
        done = verify_authentication_response(
            credential=_credential(credential.raw_id, answer),
            expected_challenge=raw,
            expected_rp_id=challenge.rp_id,
            expected_origin=challenge.origin,
            credential_public_key=credential.public_key,
            credential_current_sign_count=credential.count,
        )
    except (WebAuthnException, ValueError, TypeError, KeyError, IndexError) as error:
        raise _refused(error) from error
    return done.new_sign_count


def _credential(raw_id: bytes, answer: dict[str, Any]) -> dict[str, Any]:
    return {"id": _b64(raw_id), "rawId": _b64(raw_id), "type": "public-key", "response": answer}


def _b64(data: bytes) -> str:
    import base64

    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _refused(error: Exception) -> Denied:
    return Denied("webauthn.refused", f"The authenticator's answer was refused: {str(error)[:200]}")


def _missing() -> NotSupported:
    return NotSupported("webauthn.extra_missing", "WebAuthn needs an extra: pip install 'mailkit-platform[webauthn]'")
