"""An authenticator in software: makes real keys and real signatures (W3C WebAuthn Level 2, section 6)."""

import hashlib
import json
import secrets
from base64 import urlsafe_b64encode

import cbor2
from attrs import define, field
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec


def b64(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")


@define
class SoftKey:
    """One key; what it says can be bent in every way that a test needs."""

    rp_id: str = "mail.example.org"
    origin: str = "https://mail.example.org"
    count: int = 0
    flags: int = 0x01  # user present
    private: ec.EllipticCurvePrivateKey = field(factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    raw_id: bytes = field(factory=lambda: secrets.token_bytes(16))

    def client_data(self, kind: str, challenge: bytes) -> bytes:
        data = {"type": kind, "challenge": b64(challenge), "origin": self.origin, "crossOrigin": False}
        return json.dumps(data).encode()

    def _authenticator_data(self, attested: bytes = b"") -> bytes:
        flags = self.flags | (0x40 if attested else 0)
        return hashlib.sha256(self.rp_id.encode()).digest() + bytes((flags,)) + self.count.to_bytes(4, "big") + attested

    def register(self, challenge: bytes) -> dict[str, bytes]:
        numbers = self.private.public_key().public_numbers()
        cose = {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}
        attested = bytes(16) + len(self.raw_id).to_bytes(2, "big") + self.raw_id + cbor2.dumps(cose)
        statement = {"fmt": "none", "attStmt": {}, "authData": self._authenticator_data(attested)}
        return {
            "raw_id": self.raw_id,
            "client_data": self.client_data("webauthn.create", challenge),
            "attestation": cbor2.dumps(statement),
        }

    def sign(self, challenge: bytes) -> dict[str, bytes]:
        self.count += 1
        client_data = self.client_data("webauthn.get", challenge)
        data = self._authenticator_data()
        signature = self.private.sign(data + hashlib.sha256(client_data).digest(), ec.ECDSA(hashes.SHA256()))
        return {
            "raw_id": self.raw_id,
            "client_data": client_data,
            "authenticator_data": data,
            "signature": signature,
        }
