"""Fuzz the MIME parser and composer: no input may raise, take long, or break the laws of the part tree.

    python -m fuzz.mime --seconds 3600 [--seed 1] [--corpus]

Inputs are mutations and splices of the conformance messages, of hand-made hard ones and of what was found before; with
--corpus also of 300 messages of the benchmarks' corpus, which is fetched if it is not there. A find is written to
`fuzz/finds/`; make it a test in `tests/mime/test_finds.py`.
"""

import argparse
import hashlib
import random
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from mailkit.errors import Invalid
from mailkit.mime.addresses import mailboxes
from mailkit.mime.charsets import decode_charset
from mailkit.mime.compose import Draft, compose
from mailkit.mime.header_values import header_value
from mailkit.mime.html_text import html_to_text
from mailkit.mime.parse import Message, parse
from mailkit.mime.reply import forward, reply
from mailkit.mime.sanitize import sanitize_html
from mailkit.mime.scan import MAX_DEPTH, MAX_PARTS

ROOT = Path(__file__).parents[1]
FINDS = Path(__file__).parent / "finds"
#: Seconds for an input of at most `LONGEST` bytes: generous, for a machine that is busy with other things.
SLOW = 3.0
LONGEST = 60_000

PIECES = [
    b"\n",
    b"\r\n",
    b"\r",
    b"\r\r\n",
    b"\n\n",
    b"\r\n\r\n",
    b" ",
    b"\t",
    b"--",
    b"--b",
    b"--b--",
    b"\n--b\n",
    b"\n--b--\n",
    b"\n--c\n",
    b"Content-Type: multipart/mixed; boundary=b\n\n",
    b"Content-Type: multipart/alternative; boundary=c\n\n",
    b"Content-Type: multipart/digest; boundary=b\n\n",
    b"Content-Type: message/rfc822\n\n",
    b"Content-Type: text/html\n\n",
    b"Content-Type: multipart/related; boundary*0=b; boundary*1*=%63\n",
    b"Content-Type: text/plain; format=flowed\n\n> a \n",
    b"Content-Transfer-Encoding: base64\n",
    b"Content-Transfer-Encoding: quoted-printable\n",
    b'boundary="b',
    b"=\n",
    b"=3D",
    b"Content-Transfer-Encoding: x-uuencode\n",
    b"begin 644 x\n",
    b"#0V%T\n",
    b"`\nend\n",
    b"=?utf-8?q?",
    b"?=",
    b"=?utf-8?b?4pii?=",
    b"=?x?B?=?=",
    b"=?iso-2022-jp?B?GyRC?=",
    b"=?utf-7?Q?+AGE-?=",
    b"charset=utf-16",
    b'charset="',
    b"charset=idna",
    b"charset=hz",
    b"filename*0*=utf-8''%E2%82",
    b"filename*1*=%AC",
    b"filename=",
    b'"',
    b"\\",
    b"(",
    b")",
    b"<",
    b">",
    b",",
    b";",
    b":",
    b"@",
    b"To: a@b, ",
    b'From: "',
    b"Date: ",
    b"Thu, 1 Jan 1970 00:00:00 +0000",
    b"+9999",
    b"99999999999",
    b"Received: from ",
    b"Message-ID: <",
    b"References: ",
    b"\x00",
    b"\xff",
    b"\xc3",
    b"\xe2\x82\xac",
    b"<p>",
    b"<br>",
    b"<table>",
    b"</div>",
    b"<!--",
    b'<a href="http://x/">',
    b"<img src=cid:x>",
    b"<pre>\n",
    b"<li>",
    b"&#x",
    b"<script>",
    b"<svg>",
    b"From x@y Mon\n",
]


def seeds() -> list[bytes]:
    """What to start from."""
    found = [path.read_bytes() for path in sorted((ROOT / "tests/conformance/mime/eml-rfc").glob("*.eml"))]
    found += [path.read_bytes() for path in sorted(FINDS.glob("*"))] if FINDS.exists() else []
    return [*found, b"", b"".join(PIECES)]


def mutate(source: bytes, others: list[bytes], rng: random.Random) -> bytes:
    """A few random edits: pieces in, slices out, doubled, swapped, taken from another source."""
    data = bytearray(source[:LONGEST])
    for _ in range(rng.choice((1, 1, 2, 4, 8, 30))):
        at = rng.randint(0, len(data))
        span = rng.choice((1, 1, 2, 8, 40, 300))
        choice = rng.randrange(8)
        if choice <= 2:
            data[at:at] = rng.choice(PIECES) * rng.choice((1, 1, 1, 2, 50))
        elif choice == 3:
            del data[at : at + span]
        elif choice == 4:
            data[at:at] = data[at : at + span] * rng.choice((1, 2, 30))
        elif choice == 5:
            data[at : at + span] = rng.randbytes(min(span, 8))
        elif choice == 6:
            other = rng.choice(others)
            start = rng.randint(0, len(other))
            data[at:at] = other[start : start + rng.choice((10, 100, 1000))]
        else:
            del data[at:]
    return bytes(data[:LONGEST])


def check(raw: bytes) -> None:
    """The laws. Raises AssertionError, or whatever the code under test wrongly raises."""
    message = parse(raw)
    check_tree(message)
    read_all(message)
    check_answers(message)


def check_tree(message: Message) -> None:
    """Offsets are in order and inside their parents; fields tile the header; caps hold."""
    raw, parts = message.raw, message.scan.parts
    assert 1 <= len(parts) <= MAX_PARTS
    for part in parts:
        assert part.depth <= MAX_DEPTH
        assert 0 <= part.header_start <= part.header_end <= part.body_start <= part.body_end <= len(raw), part
        if part.parent >= 0:
            parent = parts[part.parent]
            assert parent.body_start <= part.header_start, (parent, part)
            assert part.body_end <= parent.body_end, (parent, part)
            assert part.depth == parent.depth + 1
        end = part.header_start
        for field in part.headers:
            assert end <= field.start < field.value_start <= field.end <= part.header_end, field
            end = field.end
        for before, after in zip(part.children, part.children[1:], strict=False):
            assert before.body_end <= after.header_start, (before, after)
    assert parts[0].body_end == len(raw)


def read_all(message: Message) -> None:
    """Touch everything that can be asked for."""
    for name in (
        "envelope", "fields", "received", "list_headers", "thread_tokens", "thread_subject", "bodies", "attachments",
        "has_attachments", "text", "html", "preview", "uuencoded", "defects",
    ):  # fmt: skip
        getattr(message, name)
    for name, value in message.headers.items():
        header_value(name, value)
    for attachment in message.attachments:
        message.attachment_bytes(attachment)
        assert attachment.shown_name
    for html in message.html:
        safe = sanitize_html(html)
        assert "<script" not in safe.lower()
        html_to_text(safe)
    assert len(message.preview) <= 129
    assert "\r" not in message.text
    assert "\n" not in message.subject
    decode_charset(message.raw[:500], message.raw[500:520].decode("latin-1"))


def check_answers(message: Message) -> None:
    """What is passed on can always be composed, an answer unless an address is none; both are read back."""
    check_composed(forward(message))
    with suppress(Invalid):
        check_composed(reply(message, everyone=True))


def check_composed(draft: Draft) -> None:
    """Compose and read back."""
    raw = compose(draft)
    again = parse(raw)
    assert again.subject == " ".join(draft.subject.split()) or not draft.subject.isprintable(), draft.subject
    assert [box.address for box in mailboxes(again.envelope.to)] == [
        box.address for box in mailboxes(draft.to) if box.address.isascii()
    ] or not all(box.address.isascii() for box in mailboxes(draft.to))
    assert again.envelope.references == draft.references
    if not any(file.content_type.startswith("message/") for file in draft.files):  # these are read as messages again
        assert [again.attachment_bytes(a) for a in again.attachments if a.disposition == "attachment"] == [
            file.content for file in draft.files if not (file.content_id and f"cid:{file.content_id}" in draft.html)
        ]
    assert max(map(len, raw.split(b"\r\n"))) <= 998


def keep(raw: bytes, error: BaseException) -> Path:
    """Write a find."""
    FINDS.mkdir(exist_ok=True)
    path = FINDS / hashlib.sha256(raw).hexdigest()[:16]
    path.write_bytes(raw)
    traceback.print_exception(error)
    return path


def shrink(raw: bytes, fails: Callable[[bytes], bool], seconds: float = 20) -> bytes:
    """Cut pieces out as long as it still fails."""
    until = time.monotonic() + seconds
    size = max(len(raw) // 2, 1)
    while size and time.monotonic() < until:
        at = 0
        while at < len(raw) and time.monotonic() < until:
            shorter = raw[:at] + raw[at + size :]
            if fails(shorter):
                raw = shorter
            else:
                at += size
        size //= 2
    return raw


def fails(raw: bytes, law: Callable[[bytes], None] = check) -> bool:
    """Whether `raw` breaks a law."""
    try:
        law(raw)
    except Exception:
        return True
    return False


def main() -> int:
    """Run until the time is over or something is found."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seconds", type=float, default=60)
    options.add_argument("--seed", type=int, default=None)
    options.add_argument("--corpus", action="store_true")
    given = options.parse_args()
    seed = given.seed if given.seed is not None else random.SystemRandom().randrange(1 << 32)
    rng = random.Random(seed)
    pool = seeds()
    if given.corpus:
        from benchmarks.corpus import spam_assassin

        pool += [sample.raw for sample in rng.sample(spam_assassin(), 300)]
    started = time.monotonic()
    runs = 0
    while time.monotonic() - started < given.seconds:
        raw = mutate(rng.choice(pool), pool, rng)
        before = time.process_time()
        try:
            check(raw)
            took = time.process_time() - before
            if took > SLOW:
                raise AssertionError(f"{took:.1f} s for {len(raw)} bytes")
        except Exception as error:
            small = shrink(raw, fails) if not str(error).endswith("bytes") else raw
            print(f"seed {seed}, run {runs}: {keep(small, error)}\n{small[:2000]!r}")
            return 1
        runs += 1
        if len(pool) < 800 and rng.random() < 0.02:
            pool.append(raw)  # chains of mutations reach further than single ones
    print(f"seed {seed}: {runs} inputs in {time.monotonic() - started:.0f} s, no finds")
    return 0


if __name__ == "__main__":
    sys.exit(main())
