"""`value; name=value; ...` as in Content-Type and Content-Disposition (RFC 2045 5.1, 2183, 2231), right or wrong.

Tolerated: comments anywhere, missing or repeated semicolons, blanks around "=" and "/", unquoted values with blanks,
missing closing quotes, sections of RFC 2231 out of order, encoded words in values (forbidden by RFC 2047 5, yet what
most clients write).
"""

import re
from functools import lru_cache
from urllib.parse import unquote_to_bytes

from attrs import field, frozen

from mailkit.mime.charsets import decode_charset
from mailkit.mime.comments import without_comments
from mailkit.mime.encoded_words import decode_words

__all__ = ["Parameterized", "parse_parameters"]

#: Parameters of one field that are read.
_LIMIT = 1_000

_SHORT = 200

_HEAD = re.compile(r"[^;\"]*+")
_MAIN = re.compile(r"\s*+([^;\s/(\"]*+)\s*+(?:/\s*+([^;\s(\"]*+))?")
_NAME = re.compile(r"[\s;]*+([^\s=;\"]*+)\s*+(=?)\s*+")
_QUOTED = re.compile(r'"((?:[^"\\]++|\\.)*+)"?', re.DOTALL)
# Up to ";" or to what looks like the next parameter behind a forgotten ";". "=?" there begins an encoded word.
_BARE = re.compile(r"(?:[^;\s]++|\s++(?![^\s=;\"]++\s*+=(?!\?)))*+")
_COMMENT_BEHIND = re.compile(r"(?<!\s)\s++\([^()]*+\)\s*+\Z")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_SECTION = re.compile(r"([^*]++)(?:\*(\d{1,9}))?(\*)?")
_EXTENDED = re.compile(r"([^']*+)'([^']*+)'")
_BREAKS = re.compile(r"[\r\n]++")


@frozen
class Parameterized:
    """A value and its parameters. `value` is as written, without comments; "type/subtype" if it has a "/"."""

    value: str
    parameters: dict[str, str] = field(factory=dict)  #: lower-case name -> decoded value
    languages: dict[str, str] = field(factory=dict)  #: lower-case name -> language tag (RFC 2231 4)

    def get(self, name: str, default: str = "") -> str:
        """The parameter of this lower-case name."""
        return self.parameters.get(name, default)


def parse_parameters(text: str, *, words: bool = True) -> Parameterized:
    """Read a field value. Never raises, linear. `words=False` leaves encoded words alone."""
    if len(text) > _SHORT:
        return _parse(text, words)
    known = _known(text, words)
    return Parameterized(known.value, known.parameters.copy(), known.languages.copy())


@lru_cache(maxsize=512)
def _known(text: str, words: bool) -> Parameterized:
    """Few values make up most of the mail."""
    return _parse(text, words)


def _parse(text: str, words: bool) -> Parameterized:
    text = _BREAKS.sub("", text)
    head = _HEAD.match(text)[0]  # type: ignore[index]  # it matches the empty string
    if "(" in head:
        text = without_comments(head) + text[len(head) :]
    main = _MAIN.match(text)
    assert main is not None  # it matches the empty string
    value = main[1] if main[2] is None else f"{main[1]}/{main[2]}"
    found: dict[str, dict[int, tuple[str, bool]]] = {}
    position = main.end()
    for _ in range(_LIMIT):
        name = _NAME.match(text, position)
        if name is None or name.end() == len(text):
            break
        if name[2]:
            content, position = _content(text, name.end())
            if content:
                _file(found, name[1].lower(), content)
        elif name.end() > position:
            position = name.end()
        else:  # a quoted string where a name should stand
            position = _content(text, position)[1]
    parameters: dict[str, str] = {}
    languages: dict[str, str] = {}
    for key, pieces in found.items():
        parameters[key], language = _join(pieces, words)
        if language:
            languages[key] = language
    return Parameterized(value, parameters, languages)


def _content(text: str, position: int) -> tuple[str, int]:
    """The value at `position`, quoted or bare, and where it ends."""
    quoted = _QUOTED.match(text, position)
    if quoted:
        return (_ESCAPED.sub(r"\1", quoted[1]) if "\\" in quoted[1] else quoted[1]), quoted.end()
    bare = _BARE.match(text, position)
    assert bare is not None  # it matches the empty string
    return _COMMENT_BEHIND.sub("", bare[0]).strip(), bare.end()


def _file(found: dict[str, dict[int, tuple[str, bool]]], name: str, content: str) -> None:
    """Sort a parameter into its name's pieces (RFC 2231 3, 4): `*=` under -2, plain under -1, sections from 0."""
    section = _SECTION.match(name)
    if section is None:
        return
    key, number, extended = section[1], section[2], bool(section[3])
    place = int(number) if number else -2 if extended else -1
    found.setdefault(key, {}).setdefault(place, (content, extended))


def _join(pieces: dict[int, tuple[str, bool]], words: bool) -> tuple[str, str]:
    """One value out of its pieces, and its language. The extended form is the better one if there are two."""
    chosen = [pieces[-2]] if -2 in pieces else [pieces[place] for place in sorted(pieces) if place >= 0]
    if not any(extended for _, extended in chosen):
        text = "".join(content for content, _ in chosen or [pieces[-1]])
        return (decode_words(text) if words else text), ""
    charset, language = "utf-8", ""
    out: list[str] = []
    run = b""  # a character may be split between two extended sections
    for position, (content, extended) in enumerate(chosen):
        if not extended:
            out += [decode_charset(run, charset)[0], content]
            run = b""
            continue
        prefix = _EXTENDED.match(content)
        if position == 0 and prefix:
            charset, language = prefix[1] or charset, prefix[2]
            content = content[prefix.end() :]
        elif position and content.lower().startswith(charset.lower() + "'"):
            content = content[len(charset) + 1 :]  # some repeat the charset in every section
        run += unquote_to_bytes(content.encode("utf-8", "surrogateescape"))
    out.append(decode_charset(run, charset)[0])
    return "".join(out), language
