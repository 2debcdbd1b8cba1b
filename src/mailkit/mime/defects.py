"""What can be wrong with a message, as values: shown to people, scored by filters. Nothing here is an error."""

from enum import StrEnum

from attrs import frozen

__all__ = ["Defect", "Kind"]


class Kind(StrEnum):
    """The closed list of defects."""

    BARE_CR = "bare-cr"  #: the whole source ends its lines in CR alone
    BOUNDARY_MISSING = "boundary-missing"  #: a multipart without a boundary parameter
    BOUNDARY_UNSEEN = "boundary-unseen"  #: the declared boundary is nowhere in the body
    BOUNDARY_UNCLOSED = "boundary-unclosed"  #: the closing delimiter never came
    ENCODED_CONTAINER = "encoded-container"  #: base64 or quoted-printable on a multipart or message (RFC 2045 6.4)
    HEADER_JUNK = "header-junk"  #: a line among the header fields that is none
    HEADER_UNSEPARATED = "header-unseparated"  #: no empty line between header and body
    HEADERS_TOO_MANY = "headers-too-many"  #: fields beyond the cap are not indexed
    TOO_DEEP = "too-deep"  #: nesting beyond the cap; the part is one opaque leaf
    TOO_MANY_PARTS = "too-many-parts"  #: parts beyond the cap; the rest is one opaque leaf
    ENCODING_UNKNOWN = "encoding-unknown"  #: a Content-Transfer-Encoding nobody defined
    BASE64_DAMAGED = "base64-damaged"  #: foreign bytes, bad length or bad padding
    QUOTED_PRINTABLE_DAMAGED = "quoted-printable-damaged"  #: "=" followed by no two hex digits
    CHARSET_UNKNOWN = "charset-unknown"  #: a charset nobody defined
    CHARSET_UNDECLARED = "charset-undeclared"  #: 8-bit text without a charset
    CHARSET_WRONG = "charset-wrong"  #: the bytes are not text of the declared charset
    CONTENT_TYPE_INVALID = "content-type-invalid"  #: not type/subtype
    DATE_INVALID = "date-invalid"  #: a Date field that names no point in time
    NUL = "nul"  #: NUL bytes in the source
    FIELD_REPEATED = "field-repeated"  #: a field that RFC 5322 3.6 allows once


@frozen
class Defect:
    """One thing that is wrong: its kind, its place (byte offset into the source), the part it is in, a detail."""

    kind: Kind
    offset: int
    part: int = 0
    detail: str = ""
