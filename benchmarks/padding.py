"""Spam with "good words" and ham with bad ones: what the text around them costs.

python -m benchmarks.padding

The hardest case on purpose: the spammer has the very mail that the filter was trained on, and copies whole
paragraphs of it, so that pairs of words are good too. And what could make ham look bad where the worst stretch of a
text counts most: quoted, forwarded and returned spam, digests, archives. All but `main` are pure functions.
"""

import base64
import email
import email.policy
import random
import re
from collections.abc import Callable, Sequence
from email.message import Message
from html import escape
from itertools import islice
from typing import Final

from benchmarks.corpus import Sample, spam_assassin
from mailkit.mime.scan import scan
from mailkit.spam.message_key import message_key
from mailkit.spam.metrics import missed_at
from mailkit.spam.model import Model
from mailkit.spam.reading import features_of_messages

__all__ = ["BURDENS", "PLACES", "burdened", "burdened_rows", "padded", "padded_rows", "passages", "trained"]


def passages(ham: Sequence[bytes]) -> list[str]:
    """The plain text of each message, without quoted lines; those without any are left out."""
    texts = []
    for raw in ham:
        for part in email.message_from_bytes(raw, policy=email.policy.compat32).walk():
            if part.get_content_type() == "text/plain":
                lines = [line for line in _decoded(part).splitlines() if not line.startswith(">")]
                texts.append("\n".join(lines))
                break
    return [text for text in texts if len(text) > 200]


def padded(raw: bytes, place: str, size: int, good: Sequence[str], pick: random.Random) -> bytes:
    """`raw` with `size` bytes of good text at a place named in `PLACES`."""
    text = ""
    while len(text) < size:
        text += pick.choice(good) + "\n\n"
    return _PLACE[place](raw, text[:size])


def _decoded(part: Message) -> str:
    data = part.get_payload(decode=True)
    assert isinstance(data, bytes)
    try:
        return data.decode(part.get_content_charset("latin-1"), "replace")
    except LookupError:
        return data.decode("latin-1")


def _each_text(raw: bytes, change: Callable[[str, bool], str]) -> bytes:
    """`change(text, is_html)` on every text part that is shown."""
    message = email.message_from_bytes(raw, policy=email.policy.compat32)
    for part in message.walk():
        if part.get_content_maintype() == "text" and part.get_content_disposition() != "attachment":
            kind = part.get_content_subtype()
            text = change(_decoded(part), kind == "html")
            for name in ("Content-Transfer-Encoding", "Content-Type"):
                del part[name]
            part["Content-Type"] = f'text/{kind}; charset="utf-8"'
            part["Content-Transfer-Encoding"] = "base64"
            part.set_payload(base64.encodebytes(text.encode("utf-8", "replace")).decode())
    return message.as_bytes()


def _paragraphs(text: str) -> str:
    return "".join(f"<p>{escape(piece)}</p>\n" for piece in text.split("\n\n"))


_OPENING = re.compile(r"<body[^>]*>", re.IGNORECASE)
_CLOSING = re.compile(r"</body", re.IGNORECASE)


def _behind(raw: bytes, good: str) -> bytes:
    def change(text: str, is_html: bool) -> str:
        if not is_html:
            return f"{text}\n{good}"
        at = _CLOSING.search(text)
        end = at.start() if at else len(text)
        return text[:end] + _paragraphs(good) + text[end:]

    return _each_text(raw, change)


def _before(raw: bytes, good: str) -> bytes:
    def change(text: str, is_html: bool) -> str:
        if not is_html:
            return f"{good}\n{text}"
        at = _OPENING.search(text)
        start = at.end() if at else 0
        return text[:start] + _paragraphs(good) + text[start:]

    return _each_text(raw, change)


def _hidden(raw: bytes, good: str) -> bytes:
    def change(text: str, is_html: bool) -> str:
        at = _OPENING.search(text)
        start = at.end() if at else 0
        return f'{text[:start]}<div style="display:none">{_paragraphs(good)}</div>{text[start:]}'

    return _each_text(_as_html(raw), change)


def _as_html(raw: bytes) -> bytes:
    """A message of plain text alone as one of HTML alone."""
    message = email.message_from_bytes(raw, policy=email.policy.compat32)
    if any(part.get_content_type() == "text/html" for part in message.walk()):
        return raw
    for part in message.walk():
        if part.get_content_type() == "text/plain" and part.get_content_disposition() != "attachment":
            text = f"<html><body><pre>{escape(_decoded(part))}</pre></body></html>"
            for name in ("Content-Transfer-Encoding", "Content-Type"):
                del part[name]
            part["Content-Type"] = 'text/html; charset="utf-8"'
            part["Content-Transfer-Encoding"] = "base64"
            part.set_payload(base64.encodebytes(text.encode("utf-8", "replace")).decode())
            break
    return message.as_bytes()


_BODY_FIELDS = re.compile(rb"^(?:content-[a-z-]+|mime-version):.*\n(?:[ \t].*\n)*", re.MULTILINE | re.IGNORECASE)


def _alternative(raw: bytes, good: str) -> bytes:
    """The good text as the plain alternative, which nobody sees, of what was there."""
    raw = _as_html(raw.replace(b"\r\n", b"\n"))
    found = scan(raw)
    head, body = raw[: found.root.header_end].rstrip(b"\n") + b"\n", raw[found.root.body_start :]
    kept = b"".join(_BODY_FIELDS.findall(head))
    head = _BODY_FIELDS.sub(b"", head)
    plain = base64.encodebytes(good.encode("utf-8", "replace"))
    return (
        head
        + b'MIME-Version: 1.0\nContent-Type: multipart/alternative; boundary="good-words"\n\n--good-words\n'
        + b'Content-Type: text/plain; charset="utf-8"\nContent-Transfer-Encoding: base64\n\n'
        + plain
        + b"\n--good-words\n"
        + kept.replace(b"MIME-Version: 1.0\n", b"")
        + b"\n"
        + body
        + b"\n--good-words--\n"
    )


_BAD_WORDS: Final = 12
"""Of the text of spam between good words: a third of a stretch."""
_GOOD_WORDS: Final = 36


def _between(raw: bytes, good: str) -> bytes:
    words = good.split(" ")

    def change(text: str, is_html: bool) -> str:
        pieces = re.split(r"(<[^<>]*>|\s+)", text) if is_html else re.split(r"(\s+)", text)
        out, count, kind = [], 0, iter(words)
        for piece in pieces:
            out.append(piece)
            count += bool(piece.strip()) and piece[:1] != "<"
            if count == _BAD_WORDS:
                count = 0
                run = " ".join(islice(kind, _GOOD_WORDS))
                out.append(f" {escape(run) if is_html else run} ")
        return "".join(out)

    return _each_text(raw, change)


_PLACE: Final = {
    "behind": _behind,
    "before": _before,
    "display:none": _hidden,
    "alternative": _alternative,
    "between": _between,
}

PLACES: Final = tuple(_PLACE)
"""Where the text goes: behind or before what the reader sees; in an element that is not shown; as the plain text of a
multipart/alternative whose HTML is shown; a sentence or three between every dozen words."""


def burdened(raw: bytes, burden: str, spam: Sequence[bytes], ham: Sequence[bytes], pick: random.Random) -> bytes:
    """A ham that has something to do with other mail, as named in `BURDENS`."""
    return _BURDEN[burden](raw, spam, ham, pick)


def _text_of(raw: bytes) -> str:
    """What a person would quote: the first text, tags taken out."""
    for part in email.message_from_bytes(raw, policy=email.policy.compat32).walk():
        if part.get_content_maintype() == "text":
            text = _decoded(part)
            return re.sub(r"<[^<>]*>", " ", text) if part.get_content_subtype() == "html" else text
    return ""


def _quotes_spam(raw: bytes, spam: Sequence[bytes], ham: Sequence[bytes], pick: random.Random) -> bytes:
    words = _text_of(pick.choice(spam)).split()[:80]
    lines = [" ".join(words[at : at + 12]) for at in range(0, len(words), 12)]
    return _behind(raw, "\nSomebody wrote:\n" + "\n".join(f"> {line}" for line in lines) + "\n")


def _forwards_spam(raw: bytes, spam: Sequence[bytes], ham: Sequence[bytes], pick: random.Random) -> bytes:
    other = pick.choice(spam)
    return _behind(raw, "\n---------- Forwarded message ----------\n" + _text_of(other)[:4000])


def _has_footer(raw: bytes, spam: Sequence[bytes], ham: Sequence[bytes], pick: random.Random) -> bytes:
    words = _text_of(pick.choice(spam)).split()[-40:]
    return _behind(raw, "\n_______________________\n" + " ".join(words) + "\n")


def _digest(count: int) -> Callable[[bytes, Sequence[bytes], Sequence[bytes], random.Random], bytes]:
    def make(raw: bytes, spam: Sequence[bytes], ham: Sequence[bytes], pick: random.Random) -> bytes:
        others = [_text_of(pick.choice(ham)) for _ in range(count)]
        return _behind(raw, "".join(f"\n{'-' * 30}\n{text}" for text in others))

    return make


_REFUSED: Final = """From: Mail Delivery System <MAILER-DAEMON@mx{n}.example.net>
To: robin@example.org
Subject: Undelivered Mail Returned to Sender
Date: Mon, 7 Oct 2002 10:00:0{n} +0000
Message-Id: <2002100710000{n}.4A2B3C{n}@mx{n}.example.net>
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="returned"

--returned
Content-Type: text/plain

This is the mail system at host mx{n}.example.net. I am sorry to have to inform you that your message could not be
delivered to one or more recipients. It is attached below.

<someone@example.com>: host mail.example.com said: 550 5.1.1 User unknown (in reply to RCPT TO command)

--returned
Content-Type: message/delivery-status

Reporting-MTA: dns; mx{n}.example.net

Final-Recipient: rfc822; someone@example.com
Action: failed
Status: 5.1.1

--returned
Content-Type: message/rfc822

"""


def _returned(of_spam: bool) -> Callable[[bytes, Sequence[bytes], Sequence[bytes], random.Random], bytes]:
    def make(raw: bytes, spam: Sequence[bytes], ham: Sequence[bytes], pick: random.Random) -> bytes:
        head = _REFUSED.format(n=pick.randint(1, 9)).encode()
        return head + (pick.choice(spam) if of_spam else raw) + b"\n--returned--\n"

    return make


_BURDEN: Final = {
    "quotes 80 words of spam": _quotes_spam,
    "forwards a spam": _forwards_spam,
    "40 words of spam as its footer": _has_footer,
    "digest of 10": _digest(9),
    "archive of 100": _digest(99),
    "returned to its sender": _returned(False),
    "spam returned to its forged sender": _returned(True),
}

BURDENS: Final = tuple(_BURDEN)
"""What happens to ham: it quotes or forwards spam, or has some at its end; it is one of many in one message; it, or a
spam in the reader's name, is returned as undeliverable."""


def trained(samples: Sequence[Sample]) -> Model:
    """A model that has learnt these messages."""
    model = Model()
    raws = [sample.raw for sample in samples]
    spam = [sample.label == "spam" for sample in samples]
    known = dict(zip(map(message_key, raws), zip(features_of_messages(raws), spam, strict=True), strict=True))
    model.learn_many([(key, features, kind) for key, (features, kind) in known.items()])
    model.settle()
    return model


def _scores(model: Model, raws: Sequence[bytes]) -> list[float]:
    groups = (raws[start : start + 256] for start in range(0, len(raws), 256))
    return [score for group in groups for score in model.score_many(features_of_messages(group))]


def _of(samples: Sequence[Sample], label: str) -> list[bytes]:
    return [sample.raw for sample in samples if sample.label == label]


def padded_rows() -> list[str]:
    """Rows of the evaluation page: what good words gain a spammer. Trained on every second message."""
    samples = spam_assassin()
    train, test = samples[::2], samples[1::2]
    model, pick = trained(train), random.Random(1)
    good, spam = passages(_of(train, "ham")), _of(test, "spam")
    ham_scores = _scores(model, _of(test, "ham"))
    rows = []
    for place, size in ((None, 0), *((place, size) for place in PLACES for size in (1_000, 4_000, 16_000))):
        bent = spam if place is None else [padded(raw, place, size, good, pick) for raw in spam]
        scores = _scores(model, bent)
        labels = [False] * len(ham_scores) + [True] * len(scores)
        missed = missed_at([*ham_scores, *scores], labels, 0.005)
        by_default = sum(score <= model.cutoffs().spam for score in scores) / len(scores)
        name = "nothing" if place is None else f"{size // 1000} kB, {place}"
        rows.append(f"| {name} | {100 * missed:.1f} | {100 * by_default:.1f} |")
    return rows


def burdened_rows() -> list[str]:
    """Rows of the evaluation page: ham flagged for text that is not its own. Trained on every second message."""
    samples = spam_assassin()
    train, test = samples[::2], samples[1::2]
    model, pick = trained(train), random.Random(1)
    spam, ham, cutoffs = _of(test, "spam"), _of(test, "ham"), model.cutoffs()
    rows = []
    for burden in (None, *BURDENS):
        bent = ham if burden is None else [burdened(raw, burden, spam, ham, pick) for raw in ham]
        scores = _scores(model, bent)
        flagged = sum(score > cutoffs.spam for score in scores) / len(scores)
        unsure = sum(cutoffs.ham <= score <= cutoffs.spam for score in scores) / len(scores)
        rows.append(f"| {burden or 'nothing'} | {100 * flagged:.2f} | {100 * unsure:.2f} |")
    return rows


def main() -> None:
    """The command."""
    print("\n".join(["spam: missed at 0.5 % FPR, by default (%)", *padded_rows()]))
    print("\n".join(["ham: flagged, unsure (%)", *burdened_rows()]))


if __name__ == "__main__":
    main()
