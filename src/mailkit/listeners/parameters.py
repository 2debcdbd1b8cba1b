"""ESMTP parameters of MAIL and RCPT (RFC 5321 4.1.1.11) and what MAIL's mean here (RFC 1870, 6152, 6531)."""

import re
from collections.abc import Mapping
from types import MappingProxyType

from attrs import frozen

from mailkit.errors import Invalid, NotSupported

__all__ = ["MailParameters", "mail_parameters", "parse_parameters"]

Parameters = Mapping[str, str | None]
"""Keyword in upper case -> value, or None where there is no `=`."""

_NONE: Parameters = MappingProxyType({})
_PARAMETER = re.compile(r"([A-Za-z0-9][A-Za-z0-9-]*)(?:=([^\x00-\x20=\x7f]+))?")
_SIZE = re.compile("[0-9]{1,20}")


@frozen
class MailParameters:
    """What the client declared about the message it is going to send."""

    size: int | None = None
    """Octets announced by SIZE (RFC 1870 4), None if unannounced."""
    body: str = "7BIT"
    """`7BIT` or `8BITMIME` (RFC 6152 2)."""
    smtputf8: bool = False
    """The envelope or the headers may hold UTF-8 (RFC 6531 3.4)."""


_PLAIN = MailParameters()


def parse_parameters(text: str) -> Parameters:
    """What follows the `>` of a path. Raises Invalid (`parameter.syntax`, `parameter.repeated`)."""
    if not text:
        return _NONE
    if not text.startswith(" "):
        raise Invalid("parameter.syntax", f"after the address comes a space or the end of the line, not {text[0]!a}")
    parameters: dict[str, str | None] = {}
    for word in filter(None, text.split(" ")):
        found = _PARAMETER.fullmatch(word)
        if found is None:
            raise Invalid("parameter.syntax", f"{word[:64]!a} is no parameter")
        keyword = found[1].upper()
        if keyword in parameters:
            raise Invalid("parameter.repeated", f"{keyword} was given twice")
        parameters[keyword] = found[2]
    return MappingProxyType(parameters)


def mail_parameters(parameters: Parameters) -> MailParameters:
    """The parameters of MAIL as values.

    Raises Invalid (`parameter.value`) for a wrong value, NotSupported (`parameter.unknown`) for one nobody offered.
    """
    if not parameters:
        return _PLAIN
    size, body, smtputf8 = None, "7BIT", False
    for keyword, value in parameters.items():
        match keyword:
            case "SIZE":
                if value is None or _SIZE.fullmatch(value) is None:  # RFC 1870 4: 1*20DIGIT
                    raise Invalid("parameter.value", "SIZE is a number of octets")
                size = int(value)
            case "BODY":
                body = value.upper() if value and value.isascii() else ""
                if body == "BINARYMIME":  # RFC 3030 3: only with BDAT
                    raise NotSupported("parameter.unknown", "BODY=BINARYMIME is not offered")
                if body not in ("7BIT", "8BITMIME"):
                    raise Invalid("parameter.value", "BODY is 7BIT or 8BITMIME")
            case "SMTPUTF8":
                if value is not None:
                    raise Invalid("parameter.value", "SMTPUTF8 has no value")
                smtputf8 = True
            case _:
                raise NotSupported("parameter.unknown", f"{keyword} is not offered")
    return MailParameters(size, body, smtputf8)
