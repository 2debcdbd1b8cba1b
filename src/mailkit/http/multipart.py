"""Form bodies as multipart/form-data (RFC 7578), already in memory. Pure."""

import re

from mailkit.errors import Invalid
from mailkit.http.querystring import MOST_PARAMETERS

__all__ = ["parse_form"]

_BOUNDARY = re.compile(r';\s*boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))', re.IGNORECASE)
_NAME = re.compile(rb';\s*name=(?:"((?:[^"\\]|\\.)*)"|([^\s;"]+))', re.IGNORECASE)
_FILENAME = re.compile(rb";\s*filename\*?=", re.IGNORECASE)
_CODING = re.compile(rb"^content-transfer-encoding:[ \t]*+(?!7bit|8bit|binary)", re.IGNORECASE | re.MULTILINE)
_ENDED = re.compile(rb"--|[ \t]*\r\n")
_LONGEST_HEADER = 4096


def parse_form(content_type: str, body: bytes) -> list[tuple[str, str | bytes]]:
    """Names and values in order; the value of a file part is its bytes. Invalid `form.invalid`."""
    found = _BOUNDARY.search(content_type)
    if found is None:
        raise Invalid("form.invalid", "The form names no boundary")
    delimiter = b"--" + (found[1] or found[2]).encode("utf-8")
    pairs: list[tuple[str, str | bytes]] = []
    # RFC 2046 5.1.1: a delimiter stands at the start of a line, and the line end before it belongs to it.
    at = 0 if body.startswith(delimiter) and _ENDED.match(body, len(delimiter)) else _next(body, delimiter, 0) + 2
    if at == 1:
        raise Invalid("form.invalid", "The form has no part")
    while True:
        at += len(delimiter)
        if body.startswith(b"--", at):
            return pairs
        start = body.find(b"\r\n", at)
        end = -1 if start < 0 else _next(body, delimiter, start)
        if end < 0:
            raise Invalid("form.invalid", "The form is cut short")
        head_end = body.find(b"\r\n\r\n", start, start + _LONGEST_HEADER)
        name = None if head_end < 0 else _NAME.search(body, start, head_end)
        if name is None:
            raise Invalid("form.invalid", "A part of the form has no name")
        if _CODING.search(body, start, head_end):  # RFC 7578 4.7 has done away with it: no part may be taken for text
            raise Invalid("form.invalid", "A part of the form is encoded; send it as it is")
        if len(pairs) >= MOST_PARAMETERS:
            raise Invalid("form.invalid", f"The form has more than {MOST_PARAMETERS} parts")
        content = body[head_end + 4 : end] if head_end + 4 <= end else b""
        is_file = _FILENAME.search(body, start, head_end) is not None
        text = (name[1] if name[1] is not None else name[2]).decode("utf-8", "replace")
        pairs.append((text, content if is_file else content.decode("utf-8", "replace")))
        at = end + 2


def _next(body: bytes, delimiter: bytes, at: int) -> int:
    """Where the next delimiter line begins, with the line end before it; -1 when there is none.

    A line that only begins like one (`--abc` for `--ab`) is content.
    """
    while (at := body.find(b"\r\n" + delimiter, at)) >= 0:
        if _ENDED.match(body, at + 2 + len(delimiter)):
            return at
        at += 1
    return -1
