"""Accounts beside what they cannot do without: `python -m benchmarks.accounts [--many 1000000]`.

Creating a user stands beside raw transactions that put as many bytes into the same store, under as many keys or under
one; resolving an address among many beside resolving one among a thousand. The rest are times of their own.
"""

import argparse
import itertools
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.ground import best
from mailkit import MailKit
from mailkit.accounts.create import NewAccount
from mailkit.http.wildduck.user_list import ListUsers, list_users
from mailkit.principals.normalise import Mailbox
from mailkit.principals.permits import LOCAL_ADMINISTRATOR, Need, permits
from mailkit.principals.records import Principal, Profile
from mailkit.storage.api import Tx

USERS = 100
ROUNDS = 40  # many and short: a disk has good moments, and each of the peers is to meet some
LOOKUPS = 5_000
DECISIONS = 100_000


def raw_writes(kit: MailKit) -> list[tuple[bytes, bytes]]:
    """The keys and values that one new user, of a domain that is there, puts into the store."""
    kit.accounts.create("first", address="first@example.org")
    written: list[tuple[bytes, bytes]] = []

    class Recording:
        def __init__(self, tx: Tx) -> None:
            self._tx = tx

        def __getattr__(self, name: str) -> object:
            return getattr(self._tx, name)

        def put(self, key: bytes, value: bytes) -> None:
            written.append((key, value))
            self._tx.put(key, value)

        def append(self, space: bytes, value: bytes) -> None:
            written.append((b"\x7e" + space, value))
            self._tx.append(space, value)

    commit = kit.accounts.prepare(NewAccount("recorded", address="recorded@example.org"))

    def record(tx: Tx) -> None:
        written.clear()
        commit(Recording(tx))  # type: ignore[arg-type]

    kit.transact(record)
    return written


def creation(kit: MailKit) -> None:
    pairs = raw_writes(kit)
    size = sum(len(key) + len(value) for key, value in pairs)
    names, keys = itertools.count(), itertools.count()

    def ours() -> None:
        for _ in range(USERS):
            name = f"user{next(names)}"
            kit.accounts.create(name, address=f"{name}@example.org")

    def side_by_side() -> None:
        for _ in range(USERS):
            mark = b"\x7d" + next(keys).to_bytes(8, "big")
            kit.transact(lambda tx, mark=mark: [tx.put(mark + key[:400], value) for key, value in pairs] and None)

    def in_place() -> None:
        """In as many places as a user's rows and index entries have."""
        for _ in range(USERS):
            mark = next(keys).to_bytes(8, "big")
            kit.transact(
                lambda tx, mark=mark: (
                    [tx.put(b"\x7d%c" % at + mark + key[:400], value) for at, (key, value) in enumerate(pairs)] and None
                )
            )

    def one_put() -> None:
        for _ in range(USERS):
            key = b"\x7c" + next(keys).to_bytes(8, "big")
            kit.transact(lambda tx, key=key: tx.put(key, bytes(size)))

    mine, together, apart, single = best(ours, side_by_side, in_place, one_put, rounds=ROUNDS)
    print(f"create a user: {USERS / mine:.0f}/s (aim: >= 0.3x); raw transactions of {size} bytes:")
    print(f"  {len(pairs)} puts side by side, on a page or two: {USERS / together:.0f}/s; ratio {together / mine:.2f}x")
    print(f"  {len(pairs)} puts in as many places: {USERS / apart:.0f}/s; ratio {apart / mine:.2f}x")
    print(f"  1 put: {USERS / single:.0f}/s; ratio {single / mine:.2f}x")


def fill(kit: MailKit, many: int) -> Principal:
    """A user with very many addresses."""
    owner = kit.accounts.create(f"many{many}", address=f"main@d{many}.example")
    for start in range(0, many, 5000):

        def some(tx: Tx, start: int = start) -> None:
            for number in range(start, min(many, start + 5000)):
                mailbox = Mailbox(f"a{number}", f"d{many}.example")
                kit.addresses.add(mailbox, owner, now=1, may_create_domain=False, tx=tx)

        kit.transact(some)
    return owner


def resolution(few: MailKit, many: MailKit, counts: tuple[int, int]) -> None:
    def resolve(kit: MailKit, count: int, local: str, *, together: bool) -> Callable[[], None]:
        step = max(1, count // LOOKUPS) * 7919
        asked = [f"{local}{number * step % count}@d{count}.example" for number in range(LOOKUPS)]

        def alone() -> None:
            for address in asked:
                kit.addresses.resolve(address)

        def in_one_snapshot() -> None:
            with kit.store.snapshot() as tx:
                for address in asked:
                    kit.addresses.resolve(address, tx=tx)

        return in_one_snapshot if together else alone

    for what, local, together in (
        ("exact, one by one", "a", False),
        ("exact, many in one snapshot", "a", True),
        ("through a wildcard, one by one", "nobody", False),
        ("through a wildcard, many in one snapshot", "nobody", True),
    ):
        small, large = best(
            resolve(few, counts[0], local, together=together), resolve(many, counts[1], local, together=together)
        )
        print(
            f"resolve, {what}: {large / LOOKUPS * 1e6:.1f} us among {counts[1]:,}, "
            f"{small / LOOKUPS * 1e6:.1f} us among {counts[0]:,}; ratio {large / small:.2f}x (aim: <= 1.5x)"
        )


def listing(kit: MailKit) -> None:
    for number in range(250):
        profile = Profile(tags=("a", "b"), limits={"recipients": 5})
        kit.accounts.create(f"listed{number}", address=f"listed{number}@example.org", profile=profile)
    ask = ListUsers(limit=250)
    times = []
    for _ in range(30):
        start = time.perf_counter()
        list_users(kit, ask, LOCAL_ADMINISTRATOR)
        times.append((time.perf_counter() - start) / 250)
    print(f"list 250 users with quota and tags: p50 {statistics.median(times) * 1e6:.0f} us per row")


def decision() -> None:
    need = Need.wildduck("messages:read")

    def work() -> None:
        for _ in range(DECISIONS):
            permits(LOCAL_ADMINISTRATOR, need)

    (took,) = best(work)
    print(f"permission decision: {took / DECISIONS * 1e6:.2f} us (aim: < 5 us)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--many", type=int, default=100_000, help="addresses in the large store")
    parser.add_argument("--few", type=int, default=1_000)
    parser.add_argument("--folder", type=Path, help="where to put the files; on a tmpfs no disk has a part in it")
    args = parser.parse_args()
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        where = Path(folder)
        with MailKit.open(where / "few") as few, MailKit.open(where / "many") as many:
            creation(few)
            fill(few, args.few)
            fill(many, args.many)
            resolution(few, many, (args.few, args.many))
            listing(few)
    decision()


if __name__ == "__main__":
    main()
