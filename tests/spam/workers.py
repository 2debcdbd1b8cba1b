"""Processes that train against a folder, for the tests that race and kill them: `python -m tests.spam.workers ...`."""

import sys

from tests.spam.mails import corpus, ham

from mailkit.spam import Spam
from mailkit.storage.backends.lmdb import LmdbStore


def train_slice(path: str, worker: int, workers: int, count: int) -> None:
    """Every message is learnt by two of the workers."""
    with LmdbStore(path) as store:
        engine = Spam(store)
        for at, (raw, kind) in enumerate(corpus(count)):
            if at % workers in (worker, (worker + 1) % workers):
                engine.learn(raw, spam=kind)
            if at % 50 == 49:
                engine.fold()


def train_for_ever(path: str, start: int = 0) -> None:
    """Learns ham and says so after each. Judges too, so that folds start from the model in memory."""
    with LmdbStore(path) as store:
        engine = Spam(store)
        for at in range(start, start + 100_000):
            engine.verdicts([ham(at)])
            engine.learn(ham(at), spam=False)
            sys.stdout.write(f"{at}\n")
            sys.stdout.flush()
            if at % 20 == 19:
                engine.fold()


if __name__ == "__main__":
    if sys.argv[1] == "slice":
        train_slice(sys.argv[2], *map(int, sys.argv[3:]))
    else:
        train_for_ever(sys.argv[2], *map(int, sys.argv[3:]))
