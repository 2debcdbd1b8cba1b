"""Whose keys a message is encrypted for."""

from typing import Literal

from attrs import field, frozen

__all__ = ["AES128", "AES256", "Cipher", "Keys", "Method"]

Method = Literal["openpgp", "smime"]
Cipher = Literal["aes128", "aes256"]

AES128: Cipher = "aes128"
AES256: Cipher = "aes256"


@frozen
class Keys:
    """Public keys or certificates as text: every one of them can read what is encrypted.

    With `openpgp`, `text` is armored (RFC 9580 6.2); with `smime`, it is PEM (RFC 7468). `cipher` is what the content
    of S/MIME is encrypted with; OpenPGP's is always AES-256.
    """

    method: Method
    text: str = field(repr=False)
    cipher: Cipher = AES256
