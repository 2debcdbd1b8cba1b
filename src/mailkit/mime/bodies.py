"""Which parts are the text body, the HTML body and attachments: the algorithm of RFC 8621 4.1.4.

One message at a time: a message/rfc822 part is an attachment here, whatever it holds.
"""

from attrs import field, frozen

from mailkit.mime.part_text import disposition_of, filename_of
from mailkit.mime.scan import Part

__all__ = ["BodyParts", "body_parts"]

_MESSAGES = (b"message/rfc822", b"message/global")


@frozen
class BodyParts:
    """Parts in order of display. A part that has no alternative is in both bodies; inline media may be in all three."""

    text: list[Part] = field(factory=list)
    html: list[Part] = field(factory=list)
    attachments: list[Part] = field(factory=list)


def _is_media(kind: bytes) -> bool:
    return kind.startswith((b"image/", b"audio/", b"video/"))


def body_parts(root: Part) -> BodyParts:
    """Sort the parts of the message `root`. Recursion is as deep as the scan's cap allows and no deeper."""
    found = BodyParts()
    _sort([root], b"mixed", False, found.text, found.html, found.attachments)
    return found


def _sort(
    parts: list[Part],
    container: bytes,
    in_alternative: bool,
    text: list[Part] | None,
    html: list[Part] | None,
    attachments: list[Part],
) -> None:
    text_length = len(text) if text is not None else -1
    html_length = len(html) if html is not None else -1
    for index, part in enumerate(parts):
        kind = part.content_type
        if part.children and kind not in _MESSAGES:
            subtype = kind.partition(b"/")[2]
            _sort(part.children, subtype, in_alternative or subtype == b"alternative", text, html, attachments)
            continue
        media = _is_media(kind)
        inline = (
            (media or kind in (b"text/plain", b"text/html"))
            and disposition_of(part).value != "attachment"
            and (index == 0 or (container != b"related" and (media or not filename_of(part))))
        )
        if not inline:
            attachments.append(part)
        elif container == b"alternative":
            side = text if kind == b"text/plain" else html if kind == b"text/html" else attachments
            if side is not None:
                side.append(part)
        else:
            if in_alternative:
                if kind == b"text/plain":
                    html = None
                if kind == b"text/html":
                    text = None
            if text is not None:
                text.append(part)
            if html is not None:
                html.append(part)
            if (text is None or html is None) and media:
                attachments.append(part)
    if container == b"alternative" and text is not None and html is not None:
        # One kind alone in an alternative serves for both bodies.
        if text_length == len(text) and html_length != len(html):
            text += html[html_length:]
        elif html_length == len(html) and text_length != len(text):
            html += text[text_length:]
