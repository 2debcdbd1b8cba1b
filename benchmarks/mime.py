"""MIME: the parser beside the standard library's, and its time on hostile input at 1x, 10x and 100x.

    python -m benchmarks.mime

Times are process time per message over the SpamAssassin corpus, the best of several rounds that interleave the
contestants; only their ratio means anything.
"""

import email
import email.policy
import platform
import time
from collections.abc import Callable, Iterable

from benchmarks.corpus import spam_assassin
from mailkit.mime.parse import Message, parse
from mailkit.mime.sanitize import sanitize_html
from mailkit.mime.scan import scan

ROUNDS = 5


def stdlib(raw: bytes) -> None:
    """The peer of all stages: parsing with compat32."""
    email.message_from_bytes(raw, policy=email.policy.compat32)


def stdlib_decoded(raw: bytes) -> None:
    """The same with every leaf decoded to text or bytes."""
    for part in email.message_from_bytes(raw, policy=email.policy.compat32).walk():
        if not part.is_multipart():
            data = part.get_payload(decode=True)
            if part.get_content_maintype() == "text" and isinstance(data, bytes):
                try:
                    data.decode(part.get_content_charset("utf-8"), "replace")
                except LookupError:
                    data.decode("utf-8", "replace")


def lazy(raw: bytes) -> None:
    """The lazy stage: part tree and content types."""
    scan(raw)


def lazy_headers(raw: bytes) -> None:
    """The lazy stage and every header field of the message."""
    scan(raw).headers.items()


def decoded(raw: bytes) -> None:
    """Full structure: every header field decoded, every text part as text, attachments listed."""
    message = parse(raw)
    _ = message.fields, message.attachments, message.html or message.text


def stored(raw: bytes) -> None:
    """What storing a message reads: envelope, attachments, text (HTML as text too), HTML, preview."""
    message = parse(raw)
    _ = message.envelope, message.attachments, message.text, message.html, message.preview


def everything(raw: bytes) -> None:
    """All attributes, defects included."""
    read_all(parse(raw))


def read_all(message: Message) -> None:
    """Touch all that a message can be asked for."""
    _ = (
        message.envelope, message.fields, message.received, message.list_headers, message.thread_tokens, message.bodies,
        message.attachments, message.text, message.html, message.preview, message.uuencoded, message.defects,
    )  # fmt: skip
    for html in message.html:
        sanitize_html(html)


CONTESTANTS: dict[str, tuple[Callable[[bytes], None], float | None]] = {
    "stdlib compat32 parse": (stdlib, None),
    "stdlib compat32 parse, parts decoded": (stdlib_decoded, None),
    "lazy stage": (lazy, 1.5),
    "lazy stage, all header fields": (lazy_headers, None),
    "full structure with decoded text": (decoded, 0.5),
    "what storing reads": (stored, None),
    "everything, sanitised HTML and defects": (everything, None),
}


def part(kind: bytes, body: bytes) -> bytes:
    return b"Content-Type: " + kind + b"\n\n" + body


HOSTILE: dict[str, Callable[[int], bytes]] = {
    "nested multiparts (100 n)": lambda n: b"".join(
        part(b"multipart/mixed; boundary=b%d" % i, b"--b%d\n" % i) for i in range(100 * n)
    ),
    "nested messages (100 n)": lambda n: part(b"message/rfc822", b"") * (100 * n),
    "parts (1,000 n)": lambda n: part(b"multipart/mixed; boundary=b", b"\n--b\n\nx" * (1_000 * n)),
    "header fields (10,000 n)": lambda n: b"".join(b"X-%d: v\n" % i for i in range(10_000 * n)) + b"\nx",
    "one line of n MB": lambda n: part(b"text/plain", b"x" * (1_000_000 * n)),
    "one header line of n MB": lambda n: b"Subject: " + b"x" * (1_000_000 * n) + b"\n\n",
    "addresses (1,000 n)": lambda n: b"To: " + b"a <b@c>, " * (1_000 * n) + b"\n\n",
    "open comments (1,000 n)": lambda n: b"To: " + b"(" * (1_000 * n) + b"\n\n",
    "encoded words (1,000 n)": lambda n: b"Subject: " + b"=?utf-8?q?a?= " * (1_000 * n) + b"\n\n",
    "encoded words never closed (1,000 n)": lambda n: b"Subject: " + b"=?utf-8?q?" * (1_000 * n) + b"\n\n",
    "parameters (1,000 n)": lambda n: part(b"text/plain" + b"; a*0=b" * (1_000 * n), b"x"),
    "delimiter-like lines (10,000 n)": lambda n: part(b"multipart/mixed; boundary=b", b"\n--x" * (10_000 * n)),
    "base64 padded at every quad (1,000 n)": lambda n: (
        b"Content-Transfer-Encoding: base64\n\n" + b"QQ==\n" * (1_000 * n)
    ),
    "HTML: nested div (1,000 n)": lambda n: part(b"text/html", b"<div>" * (1_000 * n)),
    "HTML: attributes (100 n)": lambda n: part(b"text/html", b"<p " + b"".join(b"a%d " % i for i in range(100 * n))),
}


def best(run: Callable[[bytes], None], inputs: Iterable[bytes]) -> float:
    """Process seconds for one pass."""
    started = time.process_time()
    for raw in inputs:
        run(raw)
    return time.process_time() - started


def main() -> None:
    """Print both tables."""
    corpus = [sample.raw for sample in spam_assassin()]
    print(
        f"{platform.python_implementation()} {platform.python_version()}, {platform.machine()}, {len(corpus)} messages"
    )
    times = dict.fromkeys(CONTESTANTS, float("inf"))
    for _ in range(ROUNDS):
        for name, (run, _) in CONTESTANTS.items():
            times[name] = min(times[name], best(run, corpus))
    peer = times["stdlib compat32 parse"]
    print(f"\n{'':40} {'us each':>8} {'x stdlib':>9} {'aim':>6}")
    for name, (_, aim) in CONTESTANTS.items():
        wanted = f">= {aim}" if aim else ""
        print(f"{name:40} {times[name] / len(corpus) * 1e6:8.1f} {peer / times[name]:9.2f} {wanted:>6}")
    print(f"\n{'hostile, everything read':40} {'ms at 1x':>9} {'10x':>9} {'100x':>9} {'100x/10x':>9}   aim: <= 10")
    for name, make in HOSTILE.items():
        taken = [min(best(everything, [make(n)]) for _ in range(2)) * 1e3 for n in (1, 10, 100)]
        print(f"{name:40} {taken[0]:9.2f} {taken[1]:9.2f} {taken[2]:9.2f} {taken[2] / taken[1]:9.1f}")


if __name__ == "__main__":
    main()
