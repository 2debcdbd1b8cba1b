"""Tag lists, `a=1; b=2`: the syntax of DKIM signatures and keys, ARC sets and DMARC records (RFC 6376 section 3.2)."""

import re

__all__ = ["TagSyntaxError", "parse_tags", "words"]

# tag-spec = [FWS] tag-name [FWS] "=" [FWS] tag-value [FWS]; values are printable, and UTF-8 since RFC 8616.
_SPEC = re.compile(r"[ \t\r\n]*([A-Za-z][A-Za-z0-9_]*)[ \t\r\n]*=(.*)", re.DOTALL)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


class TagSyntaxError(ValueError):
    """The text is no tag list."""


def parse_tags(text: str) -> dict[str, str]:
    """The tags in order, names as written (they are case-sensitive), values stripped of outer white space.

    Raises `TagSyntaxError` for a tag that stands twice, an empty one between semicolons (one at the end is allowed), a
    missing `=`, a malformed name, or a control character: such a list is invalid as a whole.
    """
    tags: dict[str, str] = {}
    if _CONTROL.search(text):
        raise TagSyntaxError("control character in a tag list")
    specs = text.split(";")
    if not specs[-1].strip(" \t\r\n"):
        specs.pop()
    for spec in specs:
        match = _SPEC.match(spec)
        if match is None:
            raise TagSyntaxError(f"not a tag: {spec.strip()[:40]!r}")
        name = match[1]
        if name in tags:
            raise TagSyntaxError(f"{name}= stands twice")
        tags[name] = match[2].strip(" \t\r\n")
    return tags


def words(value: str) -> list[str]:
    """The parts of a colon-separated value, white space around the colons removed."""
    # Not a regular expression with white space on both sides of the colon: that one is quadratic in blanks.
    return [word.strip(" \t\r\n") for word in value.split(":")]
