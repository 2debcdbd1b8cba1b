"""Bytes to text, for charsets as mail names them: declared wrongly, misspelt, unknown or not at all.

Declared and decodable: as declared. Else UTF-8 if the bytes are UTF-8, else the nearest superset, with replacement
characters as the last resort. Labels that browsers read as a superset (ISO-8859-1 as windows-1252, GB2312 as GB18030)
are read so here (WHATWG Encoding, 4.2).
"""

import re
from encodings import normalize_encoding
from encodings.aliases import aliases
from functools import lru_cache

from mailkit.mime.defects import Kind

__all__ = ["codec_name", "decode_charset", "decode_raw_header"]

_LABELS = {
    "ascii": "us-ascii",
    "ansi_x3.4-1968": "us-ascii",
    "iso-8859-1": "windows-1252",
    "iso8859-1": "windows-1252",
    "latin1": "windows-1252",
    "latin-1": "windows-1252",
    "l1": "windows-1252",
    "iso-8859-9": "windows-1254",
    "iso-8859-11": "cp874",
    "tis-620": "cp874",
    "windows-874": "cp874",
    "iso-8859-8-i": "iso-8859-8",
    "iso-8859-8-e": "iso-8859-8",
    "iso-8859-6-i": "iso-8859-6",
    "iso-8859-6-e": "iso-8859-6",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "x-gbk": "gb18030",
    "gb_2312-80": "gb18030",
    "chinese": "gb18030",
    "big5": "cp950",
    "x-x-big5": "cp950",
    "euc-kr": "cp949",
    "ks_c_5601-1987": "cp949",
    "ks_c_5601": "cp949",
    "ksc5601": "cp949",
    "ksc_5601": "cp949",
    "shift_jis": "cp932",
    "shift-jis": "cp932",
    "sjis": "cp932",
    "x-sjis": "cp932",
    "windows-31j": "cp932",
    "iso-2022-jp": "iso2022_jp_ext",
    "x-mac-roman": "mac_roman",
    "macintosh": "mac_roman",
    "x-mac-cyrillic": "mac_cyrillic",
    "unicode-1-1-utf-7": "utf-7",
    "x-unicode-2-0-utf-7": "utf-7",
    "unicode-1-1-utf-8": "utf-8",
    "utf8mb4": "utf-8",
    "x-user-defined": "windows-1252",
}
# Codecs that are no charsets; some of them are slow enough to be a weapon (zlib: a bomb, punycode: quadratic).
_NO_CHARSET = frozenset(
    ("base64_codec", "bz2_codec", "hex_codec", "mbcs", "quopri_codec", "rot_13", "tactis", "uu_codec", "zlib_codec")
)
# A list of our own: `codecs.lookup` would try to import every name it is asked for, and remember it forever.
_CODECS = (frozenset(aliases.values()) - _NO_CHARSET) | {
    "cp720", "cp737", "cp856", "cp874", "cp875", "cp1006", "koi8_r", "koi8_t", "koi8_u", "mac_arabic", "mac_croatian",
    "mac_farsi", "mac_romanian", "utf_8_sig",
}  # fmt: skip
_LABEL = re.compile(r"[a-z0-9][a-z0-9_.:+-]{0,39}")
# Guessing costs milliseconds per kilobyte: it is done on a sample of the lines that are not ASCII, and only if these
# are written in another script than Latin, which has one accented letter in ten at most.
_GUESS_BYTES = 1_024
_GUESS_MIN = 64
_GUESS_SHARE = 0.2
_ASCII = bytes(range(128))


@lru_cache(maxsize=512)
def codec_name(label: str) -> str | None:
    """The Python codec for a charset label as found in mail; None if there is none."""
    label = label.strip(" \t\r\n'\"").lower().partition("*")[0]  # RFC 2231 5 allows a language behind "*"
    if not _LABEL.fullmatch(label):
        return None
    for candidate in (label, label.replace("win-", "windows-"), label.replace("cp-", "cp"), label.removeprefix("x-")):
        name = normalize_encoding(_LABELS.get(candidate, candidate)).lower()
        codec = aliases.get(name) or aliases.get(name.replace(".", "_")) or name
        if codec in _CODECS:
            return "cp1252" if codec == "latin_1" else codec
    return None


def decode_charset(data: bytes, label: str | None) -> tuple[str, Kind | None]:
    """Text of `data`, declared as `label` (None or empty: not declared), and what was wrong. Never raises."""
    if not data:
        return "", None
    name = codec_name(label) if label else None
    if name is None or name == "ascii":
        # US-ASCII is the default (RFC 2045 5.2) and a subset of UTF-8; nearly all labels are supersets of it.
        if data.isascii() and b"\x1b$" not in data:
            return data.decode("ascii"), Kind.CHARSET_UNKNOWN if label and name is None else None
        kind = Kind.CHARSET_WRONG if name else Kind.CHARSET_UNKNOWN if label else Kind.CHARSET_UNDECLARED
        return _undeclared(data), kind
    try:
        return data.decode(name), None
    except (UnicodeError, ValueError):
        pass
    if name == "cp1252":
        # Five bytes have no character in windows-1252: then it was ISO-8859-1 indeed, or UTF-8 under a wrong name.
        try:
            return data.decode("utf-8"), Kind.CHARSET_WRONG
        except UnicodeDecodeError:
            return data.decode("latin-1"), Kind.CHARSET_WRONG
    try:
        return data.decode(name, "replace"), Kind.CHARSET_WRONG
    except (UnicodeError, ValueError):
        return data.decode("utf-8", "replace"), Kind.CHARSET_WRONG


def _undeclared(data: bytes) -> str:
    try:
        if b"\x1b$" in data and data.isascii():
            return data.decode("iso2022_jp_ext")
        return data.decode("utf-8")
    except UnicodeDecodeError:
        pass
    sample = b"\n".join(line for line in data[:100_000].splitlines() if not line.isascii())[:_GUESS_BYTES]
    if len(sample) >= _GUESS_MIN and len(sample.translate(None, _ASCII)) > len(sample) * _GUESS_SHARE:
        from charset_normalizer import from_bytes  # heavy, and rarely needed

        guess = from_bytes(sample).best()
        if guess is not None:
            return data.decode(guess.encoding, "replace")
    try:
        return data.decode("cp1252")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def decode_raw_header(value: bytes) -> str:
    """Text of a header value: UTF-8 (RFC 6532), else windows-1252, which is what raw 8-bit headers mostly are."""
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        pass
    try:
        return value.decode("cp1252")
    except UnicodeDecodeError:
        return value.decode("latin-1")
