"""DKIM: RFC 6376 with RFC 8301 (no SHA-1, no short keys), RFC 8463 (Ed25519) and RFC 8616 (U-labels).

`verify(message, now=...)` gives one `DkimResult` per signature; `sign(message, signers, now=...)` gives the fields to
prepend. Both take a `mailkit.mailauth.message.Message`, whose body may be a stream.
"""

from mailkit.mailauth.dkim.crypto import load_private_key, public_record
from mailkit.mailauth.dkim.sign import Signer, sign, sign_bytes
from mailkit.mailauth.dkim.verify import DkimResult, verify

__all__ = ["DkimResult", "Signer", "load_private_key", "public_record", "sign", "sign_bytes", "verify"]
