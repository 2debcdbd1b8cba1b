"""Fuzz the spam tokeniser: no input may raise or take long, and features are the same with and without numpy, read
alone and with others.

    python -m fuzz.spam --seconds 600 [--seed 1]

Inputs are mutations and splices of made-up mail and of hard pieces. A find is written to `fuzz/finds/`.
"""

import argparse
import hashlib
import random
import sys
import time
import traceback
from pathlib import Path

from tests.spam.mails import corpus

from mailkit.spam.features import feature_names, features_in_python, features_of
from mailkit.spam.reading import features_of_messages
from mailkit.spam.tokens import read

FINDS = Path(__file__).parent / "finds"
SLOW = 1.0
LONGEST = 400_000

PIECES = [
    b"\n\n",
    b"\r\n",
    b"<a href=http://",
    b"<style>",
    b"<!--",
    b"&#x41;",
    b"&" * 50,
    b"Content-Type: text/html; charset=utf-7\n",
    b"Content-Type: multipart/mixed; boundary=x\n\n--x\n",
    b"Content-Transfer-Encoding: base64\n",
    b"Content-Transfer-Encoding: quoted-printable\n",
    b"=?utf-8?b?",
    b"?=",
    b"From: a@b <c@d>\n",
    b"Reply-To: @@@\n",
    b"http://user@1.2.3.4:80/%20?",
    "раураl 今日 สวัสดี \u200b\u202e 𝐅𝐫𝐞𝐞".encode(),
    b"\xff\xfe\x00",
    b"www." * 20,
    b"[" * 100,
    b" " * 1000,
]


def mutated(pick: random.Random, seeds: list[bytes]) -> bytes:
    """A new input from old ones."""
    data = bytearray(pick.choice(seeds))
    for _ in range(pick.randint(1, 12)):
        at = pick.randint(0, len(data))
        kind = pick.random()
        if kind < 0.4:
            data[at:at] = pick.choice(PIECES) * pick.choice((1, 1, 1, 50, 2000))
        elif kind < 0.6:
            del data[at : at + pick.randint(1, 200)]
        elif kind < 0.8:
            other = pick.choice(seeds)
            start = pick.randint(0, len(other))
            data[at:at] = other[start : start + pick.randint(0, 3000)]
        else:
            data[at : at + 1] = bytes((pick.randint(0, 255),))
    return bytes(data[:LONGEST])


def check(data: bytes) -> None:
    """The properties."""
    started = time.process_time()
    tokens = read(data)
    features = features_of(tokens)
    ids = [int(number) for number in features.ids]
    taken = time.process_time() - started
    assert taken < SLOW, f"took {taken:.2f} s"
    packed = features.pack()
    assert packed == features_in_python(tokens).pack() == features_of_messages([data])[0].pack()
    assert set(feature_names(tokens)) == set(ids)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    pick = random.Random(chosen.seed)
    seeds = [raw for raw, _ in corpus(60)]
    end = time.monotonic() + chosen.seconds
    count = 0
    while time.monotonic() < end:
        data = mutated(pick, seeds)
        count += 1
        try:
            check(data)
        except Exception:
            FINDS.mkdir(exist_ok=True)
            path = FINDS / f"spam-{hashlib.sha256(data).hexdigest()[:12]}"
            path.write_bytes(data)
            traceback.print_exc()
            sys.exit(f"after {count} inputs: {path}")
        if len(seeds) < 500 and pick.random() < 0.05:
            seeds.append(data[:20_000])
    print(f"{count} inputs, nothing found")


if __name__ == "__main__":
    main()
