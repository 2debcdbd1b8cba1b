"""Does a page cost the same however long the list is? 20 principals and one look-up, of 10^3 and of 10^6.

    python -m benchmarks.lists [--large 1000000]

On LMDB, in one process, warm. The principals are stored 2,000 to a transaction; that takes a few minutes for 10^6.

Aim: a page of 20 out of 10^6 costs at most 1.5 x one out of 10^3.
"""

import argparse
import platform
import tempfile
import time
from collections.abc import Callable

from mailkit import MailKit
from mailkit.ids import Id, new_id
from mailkit.principals.normalise import parse_address
from mailkit.principals.records import Principal
from mailkit.storage.api import Tx

BATCH = 2000


def fill(kit: MailKit, start: int, stop: int) -> None:
    """Individuals with an address each, numbers `start` to `stop`."""
    for first in range(start, stop, BATCH):

        def some(tx: Tx, first: int = first) -> None:
            for n in range(first, min(first + BATCH, stop)):
                row = Principal(number=0, id=new_id(n * 1000), kind="individual", name=f"user{n}", created=n * 1000)
                row = kit.principals.create(row, tx=tx)
                mailbox = parse_address(f"user{n}@example.org")
                kit.addresses.add(mailbox, row, now=n * 1000, may_create_domain=True, tx=tx)

        kit.transact(some)


def timed(work: Callable[[], object], rounds: int = 300) -> float:
    """Microseconds, the median."""
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return sorted(times)[rounds // 2] * 1e6


def measure(kit: MailKit, size: int) -> dict[str, float]:
    """Each kind of access, microseconds."""
    middle = kit.principals.by_name(f"user{size // 2}")

    def first() -> object:
        return kit.principals.list_by_id("individual", limit=20)

    def behind() -> object:
        return kit.principals.list_by_id("individual", limit=20, after=Id(middle.id))

    def before() -> object:
        return kit.principals.list_by_id("individual", limit=20, after=Id(middle.id), reverse=True)

    return {
        "first page of 20": timed(first),
        "page of 20 behind the middle": timed(behind),
        "page of 20 before the middle": timed(before),
        "one by id": timed(lambda: kit.principals.user(middle.id)),
        "one by address": timed(lambda: kit.addresses.resolve(f"user{size // 2}+x@example.org")),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--large", type=int, default=1_000_000)
    options = parser.parse_args()
    print(f"{platform.platform()}, Python {platform.python_version()}")
    with tempfile.TemporaryDirectory() as folder, MailKit.open(folder) as kit:
        fill(kit, 0, 1000)
        small = measure(kit, 1000)
        began = time.perf_counter()
        fill(kit, 1000, options.large)
        took = time.perf_counter() - began
        large = measure(kit, options.large)
    print(f"{options.large - 1000} principals with addresses stored in {took:.0f} s")
    for name, cost in small.items():
        ratio = large[name] / cost
        print(f"{name:30} {cost:7.1f} us of 10^3  {large[name]:7.1f} us of {options.large}  ratio {ratio:.2f}")
    print("aim: ratio <= 1.5 for pages")


if __name__ == "__main__":
    main()
