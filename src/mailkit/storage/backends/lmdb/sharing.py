"""One open environment per data file and process, however many stores use it.

LMDB's locks belong to the process: to open a file twice in one process breaks them. And an open environment is useless
in the child of a fork, which has to open its own.
"""

import os
import threading
from pathlib import Path

from mailkit.storage.backends.lmdb.environment import Environment
from mailkit.storage.backends.lmdb.writer import Writer

__all__ = ["Shared", "is_open", "opened", "released"]


class Shared:
    """What the stores on one file have in common."""

    def __init__(self, environment: Environment) -> None:
        self.environment = environment
        self.writer = Writer(environment)
        self.users = 0
        self.closing = False


_registry = threading.Condition()
_open_ones: dict[tuple[int, int], Shared] = {}
_left_behind: list[Shared] = []  # the child of a fork must not close its parent's: that would drop its own file locks


def opened(folder: Path, *, map_size: int, max_map_size: int, sync: bool) -> Shared:
    """The process's environment for a folder, with one more user. The sizes that the first user gave hold."""
    with _registry:
        while (shared := _at(folder)) is not None and shared.closing:
            _registry.wait()
        if shared is None:
            shared = Shared(
                Environment(folder, map_size=map_size, max_map_size=max_map_size, sync=sync, forked=bool(_left_behind))
            )
            _open_ones[shared.environment.identity] = shared
        elif sync != shared.environment.sync:
            raise ValueError(f"{folder} is open already with sync={shared.environment.sync}")
        shared.users += 1
        return shared


def is_open(folder: Path) -> bool:
    """True while a store of this process has it open."""
    with _registry:
        return _at(folder) is not None


def _at(folder: Path) -> Shared | None:
    try:
        data = (folder / "data.mdb").stat()
    except FileNotFoundError:
        return None
    return _open_ones.get((data.st_dev, data.st_ino))


def released(shared: Shared) -> None:
    """Counts one user off. The last one finishes what is queued and closes the environment."""
    if shared.environment.forked:
        return
    with _registry:
        shared.users -= 1
        shared.closing = shared.users == 0
        if not shared.closing:
            return
    try:
        shared.writer.stop()
        shared.environment.close()
    finally:
        with _registry:
            del _open_ones[shared.environment.identity]
            _registry.notify_all()


def _after_fork() -> None:
    global _registry
    _registry = threading.Condition()
    for shared in _open_ones.values():
        shared.environment.forked = True
        _left_behind.append(shared)
    _open_ones.clear()


os.register_at_fork(after_in_child=_after_fork)
