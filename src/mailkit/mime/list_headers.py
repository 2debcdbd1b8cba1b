"""Mailing-list fields (RFC 2369, 2919, 8058) and comma-separated ones (Keywords)."""

import re

from attrs import frozen

from mailkit.mime.encoded_words import decode_header
from mailkit.mime.header_index import HeaderIndex

__all__ = ["ListHeaders", "parse_list_headers", "parse_phrases"]

_URL = re.compile(r"<([^<>]*+)>")
_LIMIT = 100


@frozen
class ListHeaders:
    """What a mailing list says of itself. URLs in the sender's order of preference; texts empty if absent."""

    id: str = ""  #: without angle brackets (RFC 2919)
    name: str = ""  #: the phrase before it
    post: tuple[str, ...] = ()
    help: tuple[str, ...] = ()
    subscribe: tuple[str, ...] = ()
    unsubscribe: tuple[str, ...] = ()
    owner: tuple[str, ...] = ()
    archive: tuple[str, ...] = ()
    one_click: bool = False  #: unsubscribing by one POST is offered (RFC 8058)


def parse_list_headers(headers: HeaderIndex) -> ListHeaders | None:
    """The List-* fields; None if there are none."""
    if not any(name.startswith(b"list-") for name in headers.names):
        return None
    list_id = decode_header(headers.get(b"list-id") or b"")
    bracketed = _URL.search(list_id)
    urls = {
        name: tuple(
            url.strip() for url in _URL.findall(decode_header(headers.get(f"list-{name}".encode()) or b""))[:_LIMIT]
        )
        for name in ("post", "help", "subscribe", "unsubscribe", "owner", "archive")
    }
    return ListHeaders(
        id=bracketed[1].strip() if bracketed else list_id,
        name=list_id[: bracketed.start()].strip(' "') if bracketed else "",
        one_click=b"one-click" in (headers.get(b"list-unsubscribe-post") or b"").lower(),
        **urls,
    )


def parse_phrases(value: bytes) -> tuple[str, ...]:
    """A comma-separated list of phrases (RFC 5322 3.6.5 Keywords)."""
    return tuple(filter(None, (phrase.strip() for phrase in decode_header(value).split(","))))
