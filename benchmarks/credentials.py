"""Access: what a login, a Basic request and a token cost, beside what none of them can be cheaper than.

    python -m benchmarks.credentials [--slice 0.2] [--rounds 20]

One thread, one LMDB store on disk, the default password cost. The rows of a group are interleaved in short slices; the
best slice of each counts. Ratios are to the first row of a group; those of processor time are disturbed less by
whatever else the machine does, and by its disk.

- logins: a bare argon2id verification, then whole logins: two durable transactions, the log, the counters
- basic: a request's Basic credentials verified anew, and verified a moment ago
- tokens: a bare `get` of the token's row in a snapshot, then an access token (the caller's permissions known, or
  worked out anew), then a sealed OAuth token

Aims: logins per core >= 0.8 x the bare verification; Basic verified a moment ago >= 100 x verified anew.
"""

import argparse
import os
import platform
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from mailkit import MailKit
from mailkit.accounts.login import Attempt
from mailkit.credentials.oauth.authorize import Asked
from mailkit.credentials.passwords import Cost, hash_password
from mailkit.credentials.tokens import key_of
from mailkit.principals import grants
from mailkit.storage import keyspace

PASSWORD = "correct horse battery staple"


def rate(run: Callable[[], object], seconds: float) -> tuple[float, float]:
    """Calls a second, and calls a second of processor time (of all threads)."""
    count, start, cpu = 0, time.perf_counter(), time.process_time()
    while (elapsed := time.perf_counter() - start) < seconds:
        run()
        count += 1
    return count / elapsed, count / (time.process_time() - cpu)


def measure(title: str, rows: dict[str, Callable[[], object]], seconds: float, rounds: int) -> dict[str, float]:
    best = dict.fromkeys(rows, (0.0, 0.0))
    for _ in range(rounds):
        for name, run in rows.items():
            wall, cpu = rate(run, seconds)
            best[name] = (max(best[name][0], wall), max(best[name][1], cpu))
    print(f"\n{title:<46} {'per second':>12} {'ratio':>8} {'per cpu second':>16} {'ratio':>8}")
    wall_floor, cpu_floor = next(iter(best.values()))
    for name, (wall, cpu) in best.items():
        print(f"  {name:<44} {wall:>12,.1f} {wall / wall_floor:>8.3f} {cpu:>16,.1f} {cpu / cpu_floor:>8.3f}")
    return {name: wall / wall_floor for name, (wall, _) in best.items()}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--slice", type=float, default=0.2, help="seconds for each row and round")
    parser.add_argument("--rounds", type=int, default=20)
    given = parser.parse_args(arguments)
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    with (
        tempfile.TemporaryDirectory() as folder,
        MailKit.open(Path(folder, "data"), settings={"mail.hostname": "mx.example.org"}) as kit,
    ):
        run(kit, given.slice, given.rounds)


def run(kit: MailKit, seconds: float, rounds: int) -> None:
    from argon2 import PasswordHasher

    alice = kit.accounts.create("alice", address="alice@example.org", password=PASSWORD)
    cost = Cost()
    stored = hash_password(PASSWORD)
    hasher = PasswordHasher(time_cost=cost.passes, memory_cost=cost.memory, parallelism=cost.lanes)
    attempt = Attempt("alice", PASSWORD, ip="192.0.2.7", token=True)
    asp = kit.app_passwords.create(alice.id, "phone")
    phone = Attempt("alice", asp.password, scope="imap", ip="192.0.2.7")
    kit.login.authenticate(attempt)
    logins = measure(
        "logins",
        {
            "argon2id verification alone": lambda: hasher.verify(stored, PASSWORD),
            "login with a password": lambda: kit.login.authenticate(attempt),
            "login with an application password": lambda: kit.login.authenticate(phone),
        },
        seconds,
        rounds,
    )

    def anew() -> object:
        kit.callers._verified._kept.clear()
        return kit.callers.of_password("alice", PASSWORD)

    basic = measure(
        "basic credentials",
        {"verified anew": anew, "verified a moment ago": lambda: kit.callers.of_password("alice", PASSWORD)},
        seconds,
        rounds,
    )
    token = kit.credentials.issue_token("wd/user", now=kit.clock(), owner=alice.number, auth_version=1, ttl=10**9)
    me = kit.callers.of_password("alice", PASSWORD)
    code = kit.oauth.code(me, Asked("webadmin", "stalwart://auth"), direct=True)
    form = {"client_id": "webadmin", "redirect_uri": "stalwart://auth", "grant_type": "authorization_code"}
    bearer = kit.oauth.exchange({**form, "code": code}).access_token

    found = key_of(token)
    assert found is not None
    row = keyspace.TOKEN.key(found)

    def bare() -> object:
        with kit.store.snapshot() as tx:
            return tx.get(row)

    def cold() -> object:
        grants._permissions.cache_clear()
        return kit.callers.of_token(token)

    measure(
        "tokens",
        {
            "bare get in a snapshot": bare,
            "access token": lambda: kit.callers.of_token(token),
            "access token, permissions worked out anew": cold,
            "sealed OAuth token": lambda: kit.callers.of_bearer(bearer),
        },
        seconds,
        rounds,
    )
    print()
    print(f"logins / bare verification: {logins['login with a password']:.2f} (aim: >= 0.8)")
    print(f"Basic verified a moment ago / anew: {basic['verified a moment ago']:,.0f} (aim: >= 100)")


if __name__ == "__main__":
    main()
