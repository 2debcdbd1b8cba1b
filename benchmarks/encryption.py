"""Mail encrypted at rest beside mail in clear: `python -m benchmarks.encryption`.

- One message made ready, in clear and for each kind of key, and what the libraries alone take for its content: the rest
  is ours (taking apart, encoding, parsing and compressing what came out).
- The same message delivered durably (LMDB) to accounts that take it in clear and to ones that have it encrypted; to 50
  accounts in one delivery, with one key for all and with a key for each.

Nobody has set an aim. What is expected: making ready costs at most twice the clear message plus the library.
"""

import platform
import tempfile
import time
from collections.abc import Callable

from tests.encryption import keys

from mailkit import MailKit
from mailkit.accounts.mail_encryption import switched_on
from mailkit.accounts.users import UserChanges
from mailkit.encryption import openpgp, smime
from mailkit.encryption.keys import AES256, Keys
from mailkit.testing.platform import CHEAP

ROUNDS = 7
RECIPIENTS = 50
SIZES = {"10 KB": 10_000, "1 MB": 1_000_000}
HEAD = b"From: bob@example.net\r\nSubject: plans\r\nMessage-ID: <1@x>\r\nContent-Type: text/plain\r\n\r\n"


def message(size: int) -> bytes:
    """Text that compresses as text does."""
    lines = b"".join(
        b"line %d of what he wrote, %d times over\r\n" % (n, n * 7919 % 1000) for n in range(size // 40 + 1)
    )
    return HEAD + lines[:size]


def best(*works: Callable[[], object], repeat: int = 1) -> list[float]:
    """The best time of each in ms, over rounds in which they take turns."""
    found = [float("inf")] * len(works)
    for _ in range(ROUNDS):
        for place, work in enumerate(works):
            start = time.perf_counter()
            for _ in range(repeat):
                work()
            found[place] = min(found[place], (time.perf_counter() - start) / repeat * 1e3)
    return found


def making_ready(kit: MailKit) -> None:
    pgp, cert = keys.openpgp().text, keys.smime().text
    for name, size in SIZES.items():
        raw = message(size)
        content = raw[len(HEAD) :]
        clear, with_pgp, with_smime, library_pgp, library_smime = best(
            lambda raw=raw: kit.mailstore.prepare(raw),
            lambda raw=raw: kit.mailstore.prepare(raw, keys=Keys("openpgp", pgp)),
            lambda raw=raw: kit.mailstore.prepare(raw, keys=Keys("smime", cert)),
            lambda content=content: openpgp.encrypt(content, openpgp.certificates(pgp)),
            lambda content=content: smime.encrypt(content, smime.certificates(cert), AES256),
            repeat=max(1, 400_000 // size),
        )
        print(f"{name} made ready: in clear {clear:.2f} ms")
        for kind, ours, library in (("OpenPGP", with_pgp, library_pgp), ("S/MIME", with_smime, library_smime)):
            print(
                f"  {kind:8} {ours:6.2f} ms, the library alone {library:.2f} ms; "
                f"{ours / (clear + library):.2f} x clear and library together (expected: <= 2)"
            )


def delivering(kit: MailKit) -> None:
    raw = message(10_000)
    many = [keys.openpgp(f"No {n} <n{n}@example.org>").text for n in range(RECIPIENTS)]
    groups = {"in clear": [""] * RECIPIENTS, "one key": many[:1] * RECIPIENTS, "a key for each": many}
    works = []
    for number, texts in enumerate(groups.values()):
        to = []
        for place, text in enumerate(texts):
            row = kit.accounts.create(f"u{number}-{place}", address=f"u{number}-{place}@example.org")
            to.append(f"u{number}-{place}@example.org")
            if text:
                kit.users.change(row, UserChanges(profile=switched_on(Keys("openpgp", text))))
        works += [lambda to=to: deliver(kit, raw, to[:1]), lambda to=to: deliver(kit, raw, to)]
    times = best(*works)
    for place, name in enumerate(groups):
        alone, all_of_them = times[2 * place : 2 * place + 2]
        print(
            f"10 KB delivered {name}: to one {alone:.2f} ms, to {RECIPIENTS} {all_of_them:.1f} ms "
            f"({alone / times[0]:.2f} and {all_of_them / times[1]:.2f} x in clear)"
        )


def deliver(kit: MailKit, raw: bytes, to: list[str]) -> None:
    receipt = kit.delivery.accept(raw, mail_from="bob@example.net", rcpt_to=to)
    assert receipt.stored == len(to)


if __name__ == "__main__":
    print(f"Python {platform.python_version()}, {platform.machine()}, best of {ROUNDS} rounds")
    with tempfile.TemporaryDirectory() as folder, MailKit.open(folder, password_cost=CHEAP) as kit:
        making_ready(kit)
        delivering(kit)
