"""The jobs of the index in the Store."""

from collections.abc import Callable
from typing import Final

from mailkit.clock import Clock
from mailkit.jobs import Later, Step
from mailkit.search.merging import merge
from mailkit.search.store import StoreIndex

__all__ = ["MERGE", "merge_handler"]

MERGE: Final = "search.merge"


def merge_handler(index: StoreIndex, clock: Clock) -> Callable[[Step], Later | None]:
    """Merges an account's index until there is nothing more to do. One segment at a time; a kill costs one of them."""

    def run(step: Step) -> Later | None:
        while merge(step.store, index, step.args["account"], clock=clock):
            if step.stopping:
                return Later(step.now())
            step.renew()
        return None

    return run
