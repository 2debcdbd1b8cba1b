"""Everything slow about a message, done once before any transaction: encrypting, parsing, hashing, compressing, writing
files."""

from collections.abc import Callable
from typing import Any

from attrs import field, frozen
from msgspec.structs import replace

from mailkit.encryption.already import NOT_ENCRYPTED, Already, already
from mailkit.encryption.encrypt import encrypt
from mailkit.encryption.keys import Keys
from mailkit.errors import Invalid
from mailkit.mailstore.describe import describe
from mailkit.mailstore.segments import cut
from mailkit.mime.parse import Message, parse
from mailkit.storage.blobs import Blobs, Prepared

__all__ = ["Ready", "prepare"]


@frozen
class Ready:
    """A message that only waits for its transaction; it may be stored any number of times."""

    size: int
    pieces: tuple[bytes | Prepared, ...] = field(repr=False)
    fields: dict[str, Any] = field(repr=False)
    tokens: tuple[str, ...]
    subject: str  # normalised, for its thread
    idate: int
    automatic: bool = False
    """A mailing list or a program has sent it."""

    described: bytes = field(default=b"", repr=False)  # what `changes.Follower.describe` made of it
    keys: Keys | None = None
    """For whom it was encrypted; None: it is as it came."""
    already: Already = NOT_ENCRYPTED
    """How it was encrypted before it came; then it is as it came for any keys."""


_AUTOMATIC = ("List-Id", "Auto-Submitted", "X-Auto-Response-Suppress")


def prepare(
    raw: bytes,
    blobs: Blobs,
    *,
    idate: int,
    parsed: Message | None = None,
    describe_for: Callable[[Message], bytes] | None = None,
    keys: Keys | None = None,
) -> Ready:
    """Encrypts `raw` for `keys`, parses it, cuts it and makes its large pieces ready.

    Raises Invalid `message.empty` for no bytes; Unavailable `encryption.failed` and NotSupported `openpgp.missing`.
    """
    if not raw:
        raise Invalid("message.empty", "The message is empty")
    message = parsed or parse(raw)
    known = already(message.scan)
    if keys is not None and not known:
        raw = encrypt(message.scan, keys)
        message = parse(raw)
    fields = describe(message, idate)
    if known:
        fields["intro"] = ""  # whatever is to be read there is no beginning of the text
    digests: dict[int, bytes] = {}
    pieces: list[bytes | Prepared] = []
    for piece in cut(message.scan):
        data = raw[piece.start : piece.end]
        if piece.inline:
            pieces.append(data)
            continue
        ready = blobs.prepare(data)
        pieces.append(ready)
        if piece.part >= 0:
            digests[piece.part] = ready.digest
    fields["attachments"] = tuple(
        replace(item, digest=digests[item.part]) if item.part in digests else item for item in fields["attachments"]
    )
    return Ready(
        size=len(raw),
        pieces=tuple(pieces),
        fields=fields,
        tokens=message.thread_tokens,
        subject=message.thread_subject,
        idate=idate,
        automatic=any(message.header(name) for name in _AUTOMATIC),
        described=b"" if describe_for is None else describe_for(message),
        keys=keys,
        already=known,
    )
