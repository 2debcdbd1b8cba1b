"""The job of `mailkit key rotate`: every sealed value comes under a new key, then the old one goes.

    new key into the file -> named by the store -> values resealed, step by step -> an hour -> old key retired, dropped

Each arrow can be where a process dies: the job goes on from there. From the second arrow on, whatever any process seals
lies under the new key. The hour is for backups under way, whose copy of the store may still need the old key.
"""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, Final

from mailkit.ids import Id
from mailkit.jobs import Jobs, Later, Step
from mailkit.sealing.service import Sealing
from mailkit.storage.api import Tx

__all__ = ["ROTATE", "Reseal", "rotation", "schedule_rotation"]

ROTATE: Final = "sealing.rotate"
_LINGER: Final = 3_600_000

Reseal = Callable[[Tx, bytes], tuple[int, bytes | None]]
"""Reseals up to 500 rows after a key (`b""` at first): how many, and the key to go on after (None: that was all)."""


def schedule_rotation(jobs: Jobs, sealing: Sealing, *, now: int) -> Id:
    """Makes the job; one that is under way is not begun again."""

    def schedule(tx: Tx) -> Id:
        known = jobs.find(tx, ROTATE, "")
        return known.id if known is not None else jobs.schedule(tx, ROTATE, due=now, key="")

    return sealing.store.transact(schedule)


def rotation(sealing: Sealing, holders: Iterable[tuple[str, Reseal]]) -> Callable[[Step], Later | None]:
    """The handler. `holders` are the packages that keep sealed values, by name."""
    walks = dict(holders)

    def run(step: Step) -> Later | None:
        progress = dict(step.progress)
        if "begun" not in progress:
            key = sealing.new_key()

            def begin(tx: Tx) -> None:
                sealing.begin(key, tx)
                sealing.reseal_named(tx)
                step.save(tx, {"begun": key.id, "done": [], "after": b"", "resealed": 0})

            step.transact(begin)
            progress = {"begun": key.id, "done": [], "after": b"", "resealed": 0}
        for name, walk in walks.items():
            while name not in progress["done"]:
                progress = step.transact(partial(_advance, step, name=name, walk=walk, progress=progress))
                if step.stopping:
                    return Later(step.now())
        if "until" not in progress:
            progress["until"] = step.now() + _LINGER
            step.transact(lambda tx: step.save(tx, progress))
        if step.now() < progress["until"]:
            return Later(progress["until"])

        def retire(tx: Tx) -> list[bytes]:
            old = sealing.others(tx)
            sealing.retire(tx, old)
            step.save(tx, {**progress, "retired": old})
            return old

        retired = progress.get("retired")
        sealing.drop(step.transact(retire) if retired is None else retired)
        return None

    return run


def _advance(step: Step, tx: Tx, name: str, walk: Reseal, progress: dict[str, Any]) -> dict[str, Any]:
    count, after = walk(tx, progress["after"])
    progress = {**progress, "after": after or b"", "resealed": progress["resealed"] + count}
    if after is None:
        progress["done"] = [*progress["done"], name]
    step.save(tx, progress)
    return progress
