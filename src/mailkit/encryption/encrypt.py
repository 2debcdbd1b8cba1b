"""A message encrypted for its recipient."""

from mailkit.encryption import openpgp, smime
from mailkit.encryption.keys import Keys
from mailkit.encryption.wrap import assemble, split
from mailkit.mime.scan import Scan

__all__ = ["encrypt"]


def encrypt(message: Scan, keys: Keys) -> bytes:
    """The message with its content encrypted for `keys`, whatever bytes it is made of. Whether it is `already` is the
    caller's to ask.

    Raises Unavailable `encryption.failed` when a key can be used no more, NotSupported `openpgp.missing` without the
    extra.
    """
    parts = split(message)
    if keys.method == "openpgp":
        return assemble(parts, openpgp.entity(parts.inside, keys.text))
    return assemble(parts, smime.entity(parts.inside, keys.text, keys.cipher))
