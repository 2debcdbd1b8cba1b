"""What a file is called and what it is, where its owner doesn't say (WildDuck 2.7). Pure."""

import mimetypes

from mailkit.clock import to_datetime
from mailkit.mime.file_extensions import extension_for

__all__ = ["name_and_type"]

_UNKNOWN = "application/octet-stream"
_TYPES = mimetypes.MimeTypes()  # the standard library's own table: not what this machine happens to know


def name_and_type(filename: str, content_type: str, *, now: int) -> tuple[str, str]:
    """Name and type: the type is guessed from the name, a missing name is `upload-YYYY-MM-DD.<extension>`."""
    kind = content_type or (_TYPES.guess_type(filename, strict=False)[0] if filename else None) or _UNKNOWN
    return filename or f"upload-{to_datetime(now):%Y-%m-%d}{extension_for(kind)}", kind
