"""Encoded words in header text (RFC 2047), as written by the rules and as found.

Tolerated: words within words or quotes, no white space around them, blanks and "?" inside, a language suffix (RFC 2231
5), damaged base64, characters split between two words, unknown charsets.
"""

import binascii
import re

from mailkit.mime.charsets import decode_charset, decode_raw_header
from mailkit.mime.transfer import decode_base64

__all__ = ["decode_header", "decode_words"]

# The text may hold "?" but no "=?": thus every byte belongs to one attempt at most, and the search is linear.
# "=?=" is base64's padding and the end, not a new word.
_WORD = re.compile(r"=\?([^?\s=]{1,64})\?([bBqQ])\?((?:[^?=]++|\?(?!=)|=(?!\?(?!=)))*+)\?=")
_INNER_FOLD = re.compile(rb"[\r\n]++[ \t]*+")


def decode_words(text: str) -> str:
    """The text with its encoded words decoded; what is none stays as it is. Never raises, linear."""
    if "=?" not in text:
        return text
    out: list[str] = []
    waiting: list[bytes] = []  # bytes of neighbouring words of one charset: a character may be split between them
    charset = ""
    position = 0
    for word in _WORD.finditer(text):
        between = text[position : word.start()]
        joined = bool(waiting) and not between.strip(" \t\r\n")  # RFC 2047 6.2: blanks between words don't count
        if not joined or word[1].lower() != charset:
            if waiting:
                out.append(decode_charset(b"".join(waiting), charset)[0])
                waiting = []
            charset = word[1].lower()
        if not joined:
            out.append(between)
        waiting.append(_word_bytes(word[2], word[3]))
        position = word.end()
    if waiting:
        out.append(decode_charset(b"".join(waiting), charset)[0])
    out.append(text[position:])
    return "".join(out)


def _word_bytes(encoding: str, text: str) -> bytes:
    data = text.encode("utf-8", "surrogatepass")
    if encoding in "bB":
        return decode_base64(data)[0]
    # RFC 2047 4.2. A blank inside is against the rules and stands for itself; a line break there was a fold.
    return binascii.a2b_qp(_INNER_FOLD.sub(b"", data).replace(b" ", b"=20"), header=True)


def decode_header(value: bytes) -> str:
    """The text of an unstructured field (RFC 5322 2.2.1): raw 8-bit bytes and encoded words decoded.

    A fold counts as one space, and so does a line break that came out of an encoded word: the result is one line.
    """
    text = decode_words(decode_raw_header(value.strip()))
    if "\n" in text or "\r" in text:
        lines = (line.strip(" \t") for line in text.replace("\r", "\n").split("\n"))
        text = " ".join(line for line in lines if line)
    return text.strip()
