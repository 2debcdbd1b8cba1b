"""Two processes, SIGKILL and SIGSTOP: what shares a transaction with its progress happens exactly once."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from mailkit.ids import Id
from mailkit.jobs import Job, Jobs
from mailkit.storage.backends.lmdb import LmdbStore

WORKER = """
import sys, time
from mailkit.jobs import Jobs, Retry
from mailkit.storage.backends.lmdb import LmdbStore

STEPS = 250
store = LmdbStore(sys.argv[1])
jobs = Jobs(store)

def walk(step):
    for n in range(step.progress.get("next", 0), STEPS):
        key = b"\\x7f%s%04d" % (step.args["name"], n)
        def work(tx):
            tx.put(key, (tx.get(key) or b"") + b"x")
            step.save(tx, {"next": n + 1})
        step.transact(work)
        time.sleep(0.002)

jobs.register("walk", walk, lease=300, retry=Retry(attempts=1000))
print("ready", flush=True)
while True:
    if not jobs.run_due():
        time.sleep(0.01)
"""
NAMES = [b"a", b"b", b"c"]
STEPS = 250


def worker(path: Path) -> "subprocess.Popen[str]":
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen(
        [sys.executable, "-c", WORKER, str(path)], stdout=subprocess.PIPE, text=True, env=environment
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def stop(process: "subprocess.Popen[str]") -> None:
    process.kill()
    process.wait()
    assert process.stdout is not None
    process.stdout.close()


def states(store: LmdbStore, jobs: Jobs, made: list[Id]) -> list[Job]:
    with store.snapshot() as tx:
        return [jobs.get(tx, job_id) for job_id in made]


def test_killed_and_sleeping_workers_lose_and_repeat_nothing(tmp_path: Path) -> None:
    chance = random.Random(1)
    with LmdbStore(tmp_path / "store") as store:
        jobs = Jobs(store)
        made = [
            store.transact(lambda tx, name=name: jobs.schedule(tx, "walk", {"name": name}, due=0)) for name in NAMES
        ]
        workers = [worker(tmp_path / "store") for _ in range(2)]
        disturbed, deadline = 0, time.monotonic() + 60
        try:
            while any(job.state != "done" for job in states(store, jobs, made)):
                assert time.monotonic() < deadline, states(store, jobs, made)
                time.sleep(chance.uniform(0.05, 0.2))
                at = chance.randrange(2)
                if disturbed % 2:  # asleep beyond its lease: it wakes up with work in hand that is no longer its own
                    workers[at].send_signal(signal.SIGSTOP)
                    time.sleep(0.4)
                    workers[at].send_signal(signal.SIGCONT)
                elif disturbed < 10:
                    stop(workers[at])
                    workers[at] = worker(tmp_path / "store")
                disturbed += 1
        finally:
            for process in workers:
                stop(process)
        with store.snapshot() as tx:
            rows = {key[1:]: value for key, value in tx.scan(b"\x7f", b"\x80")}
        assert rows == {b"%s%04d" % (name, n): b"x" for name in NAMES for n in range(STEPS)}
        assert max(job.fence for job in states(store, jobs, made)) > 1  # somebody was stopped amid a job
