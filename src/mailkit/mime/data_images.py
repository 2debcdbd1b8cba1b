"""Images written into HTML as `data:` URLs, taken out as inline files: many readers show only those."""

import base64
import binascii
import hashlib
import html
import re
from urllib.parse import unquote_to_bytes

from mailkit.mime.compose import File
from mailkit.mime.file_extensions import extension_for

__all__ = ["HTML_LIMIT", "extract_data_images"]

#: Characters of HTML beyond which nothing is taken out.
HTML_LIMIT = 12 * 1024 * 1024

_IMAGE = re.compile(r"<img\b[^<>]*+>", re.IGNORECASE)
_SOURCE = re.compile(r"""(\bsrc\s*=\s*)(?:"(data:[^"]*)"|'(data:[^']*)'|(data:[^\s>]+))""", re.IGNORECASE)
_NAME = re.compile(r"""\bdata-filename\s*=\s*(?:"([^"]*)"|'([^']*)')""", re.IGNORECASE)
_DATA = re.compile(r"data:(image/[A-Za-z0-9.+-]+)?((?:;[^;,]*)*),(.*)", re.IGNORECASE | re.DOTALL)


def extract_data_images(source: str, domain: str = "localhost") -> tuple[str, tuple[File, ...]]:
    """`source` with its `data:` images named as `cid:`, and these images. Equal images are one file.

    Content ids are made from the content, `<hash>@domain`. What is no image, or cannot be decoded, stays as it is.
    """
    if len(source) > HTML_LIMIT or "data:" not in source.lower():
        return source, ()
    files: dict[str, File] = {}

    def image(tag: re.Match[str]) -> str:
        name = _NAME.search(tag[0])

        def link(found: re.Match[str]) -> str:
            file = _file(found[2] or found[3] or found[4], html.unescape((name[1] or name[2]) if name else ""), domain)
            if file is None:
                return found[0]
            files.setdefault(file.content_id, file)
            return f'{found[1]}"cid:{file.content_id}"'

        return _SOURCE.sub(link, tag[0], count=1)

    return _IMAGE.sub(image, source), tuple(files.values())


def _file(url: str, name: str, domain: str) -> File | None:
    parsed = _DATA.fullmatch(html.unescape(url))
    if not parsed or not parsed[1]:
        return None
    content = unquote_to_bytes(parsed[3])
    if "base64" in parsed[2].lower():
        try:
            content = base64.b64decode(content + b"=" * (-len(content) % 4))
        except binascii.Error:
            return None
    if not content:
        return None
    kind = parsed[1].lower()
    digest = hashlib.sha256(content).hexdigest()[:32]
    return File(
        content=content,
        filename=name or f"{digest[:8]}{extension_for(kind)}",
        content_type=kind,
        content_id=f"{digest}@{domain}",
        disposition="inline",
    )
