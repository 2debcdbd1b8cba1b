"""Fuzz encryption at rest: whatever the message, a reader finds inside what it had and outside its other fields.

    python -m fuzz.encryption --seconds 3600 [--seed 1]

Inputs are those of `fuzz.mime`. Every hundredth is encrypted for real keys and decrypted again.
"""

import argparse
import random
import sys
import time

from tests.encryption.keys import keys_of, openpgp, smime

from fuzz.mime import fails, keep, mutate, seeds, shrink
from mailkit.encryption.already import already
from mailkit.encryption.encrypt import encrypt
from mailkit.encryption.wrap import Entity, assemble, split
from mailkit.mime.header_index import HeaderIndex
from mailkit.mime.parse import Message, parse

_SEALED = Entity(b"Content-Type: application/octet-stream\r\n", b"sealed\r\n")


def check(raw: bytes, *, sealed: bool = False) -> None:
    """The laws. Raises AssertionError, or whatever the code under test wrongly raises."""
    message = parse(raw)
    already(message.scan)
    parts = split(message.scan)
    assert shape(parse(parts.inside)) == shape(message)
    outer = parse(assemble(parts, _SEALED))
    assert (outer.scan.root.content_type, outer.scan.root.raw_body) == (b"application/octet-stream", b"sealed\r\n")
    assert outer.headers.all(b"content-type") == [b"application/octet-stream"]
    assert clear(outer.headers) == clear(message.headers)
    for owner in (openpgp(), smime()) if sealed else ():
        made = encrypt(message.scan, keys_of(owner))
        assert owner.opened(made) == parts.inside
        assert already(parse(made).scan)


def shape(message: Message) -> list[tuple[object, ...]]:
    """What a reader finds in a message."""
    return [(part.content_type, part.encoding, part.raw_body, part.depth) for part in message.scan.parts]


def clear(headers: HeaderIndex) -> list[tuple[bytes, bytes]]:
    """The header fields that stay outside."""
    return [
        (one.name, one.value) for one in headers if not one.name.startswith(b"content-") and one.name != b"mime-version"
    ]


def main() -> int:
    """Run until the time is over or something is found."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seconds", type=float, default=60)
    options.add_argument("--seed", type=int, default=None)
    given = options.parse_args()
    seed = given.seed if given.seed is not None else random.SystemRandom().randrange(1 << 32)
    rng = random.Random(seed)
    pool = seeds()
    started, runs = time.monotonic(), 0
    while time.monotonic() - started < given.seconds:
        raw = mutate(rng.choice(pool), pool, rng)
        try:
            check(raw, sealed=runs % 100 == 0)
        except Exception as error:
            small = shrink(raw, lambda data: fails(data, check))
            print(f"seed {seed}, run {runs}: {keep(small, error)}\n{small[:2000]!r}")
            return 1
        runs += 1
        if len(pool) < 800 and rng.random() < 0.02:
            pool.append(raw)
    print(f"seed {seed}: {runs} inputs in {time.monotonic() - started:.0f} s, no finds")
    return 0


if __name__ == "__main__":
    sys.exit(main())
