"""The jobs of the index in the Store: merging, and rebuilding from the messages while mail flows."""

from collections.abc import Callable
from functools import partial
from typing import Final

from msgspec.structs import replace

from mailkit.errors import Conflict
from mailkit.jobs import Later, Step
from mailkit.search.records import MANIFESTS, Manifest
from mailkit.search.upkeep import Upkeep
from mailkit.storage.api import Tx

__all__ = ["MERGE", "REBUILD", "merge_handler", "rebuild_handler"]

MERGE: Final = "search.merge"
REBUILD: Final = "search.rebuild"

_AGAIN: Final = 1_000
"""How long a rebuild waits for a merge, ms."""


def merge_handler(upkeep: Upkeep) -> Callable[[Step], Later | None]:
    """Merges an account's index until there is nothing more to do. One segment at a time; a kill costs one of them."""

    def run(step: Step) -> Later | None:
        account: int = step.args["account"]
        upkeep.read_late(account)
        while upkeep.merge(account):
            if step.stopping:
                return Later(step.now())
            step.renew()
        return None

    return run


def rebuild_handler(upkeep: Upkeep) -> Callable[[Step], Later | None]:
    """Makes an account's index anew from its messages. Searches go on: the old segments count until the new ones are
    complete. Three stages, each of which goes on where it was stopped:

    words    the messages in segments are read again, a batch at a time, into new segments; then the old ones go
    adopt    messages that the index doesn't know (from before there was one) are added
    facts    flags and mailboxes are taken from the messages; entries of messages that are gone go
    """

    def run(step: Step) -> Later | None:
        account: int = step.args["account"]
        stage, at = step.progress.get("stage", "begin"), step.progress.get("at", 0)
        while stage != "done":
            if stage == "begin":
                step.transact(lambda tx: _retire(tx, account))
                stage = "words"
            elif stage == "words":
                try:
                    at = upkeep.reread(account, at)
                except Conflict as error:
                    if error.code != "search.lost":
                        raise
                    return Later(step.now() + _AGAIN)
                if at < 0:
                    step.transact(lambda tx: _drop(tx, account))
                    stage, at = "adopt", 0
            elif stage == "adopt":
                upkeep.adopt(account, step.renew)
                stage = "facts"
            else:
                at = step.transact(partial(upkeep.audit, account=account, at=at))
                if at < 0:
                    stage, at = "done", 0
            reached = {"stage": stage, "at": at}
            step.transact(partial(step.save, progress=reached))
            if step.stopping and stage != "done":
                return Later(step.now())
        return None

    return run


def _retire(tx: Tx, account: int) -> None:
    """From now on no merge touches the segments there are."""
    manifest = MANIFESTS.find(tx, account) or Manifest()
    MANIFESTS.put(tx, replace(manifest, outgoing=tuple(one.id for one in manifest.segments)), account)


def _drop(tx: Tx, account: int) -> None:
    """The segments that were there count no more."""
    manifest = MANIFESTS.find(tx, account) or Manifest()
    kept = tuple(one for one in manifest.segments if one.id not in manifest.outgoing)
    MANIFESTS.put(tx, replace(manifest, segments=kept, outgoing=()), account)
