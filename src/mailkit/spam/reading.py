"""Many messages -> keys and features, in this process or in several: reading is nine tenths of the work."""

import gc
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Final, TypeAlias

from mailkit.spam import arrays
from mailkit.spam.features import Features, features_in_python, features_of_many
from mailkit.spam.message_key import message_key
from mailkit.spam.tokens import read, read_many

__all__ = ["Reader", "Source", "features_of_messages", "reader"]

Source: TypeAlias = Callable[[], bytes]
"""Gives the bytes of a message when called; must be picklable if several processes read."""
Reader: TypeAlias = Callable[[Iterable[Source]], Iterator[list[tuple[bytes, Features]]]]
"""(key, features) of each message in order, in groups of up to 256. What a source raises (OSError) is raised here."""

_GROUP: Final = 256
_AHEAD: Final = 3
"""Groups that wait or are read for each process. All at once would hold a large corpus in memory."""
_SOME: Final = 128
"""Messages whose tokens are kept at a time: those of more leave the processor's cache before they become features."""


def features_of_messages(raws: Sequence[bytes], *, forged: bool = False) -> list[Features]:
    """The features of each message (`forged`: see `tokens.read`). Faster than one by one."""
    out: list[Features] = []
    if arrays.numpy() is None:
        return [features_in_python(read(raw, forged=forged)) for raw in raws]
    for start in range(0, len(raws), _SOME):
        with _collector_at_rest():
            out += features_of_many(*read_many(raws[start : start + _SOME], forged=forged))
    return out


@contextmanager
def _collector_at_rest() -> Iterator[None]:
    """Reading makes thousands of small objects and no cycles: looking for some would cost 3 % of the time."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@contextmanager
def reader(jobs: int = 1) -> Iterator[Reader]:
    """A reader that reads in this process, or in `jobs` others, which are a few groups ahead of who takes them."""
    if jobs <= 1:
        yield lambda sources: map(_read_group, _groups(sources))
        return
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    # Not forked: whoever embeds this may have threads and an open store.
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:

        def read_in_pool(sources: Iterable[Source]) -> Iterator[list[tuple[bytes, Features]]]:
            groups = _groups(sources)
            waiting = deque(pool.submit(_read_packed, group) for group in islice(groups, _AHEAD * jobs))
            while waiting:
                packed = waiting.popleft().result()
                waiting += (pool.submit(_read_packed, group) for group in islice(groups, 1))
                yield [(key, Features.unpack(data)) for key, data in packed]

        yield read_in_pool


def _groups(sources: Iterable[Source]) -> Iterator[list[Source]]:
    iterator = iter(sources)
    while group := list(islice(iterator, _GROUP)):
        yield group


def _read_group(sources: Sequence[Source]) -> list[tuple[bytes, Features]]:
    raws = [source() for source in sources]
    return list(zip(map(message_key, raws), features_of_messages(raws), strict=True))


def _read_packed(sources: Sequence[Source]) -> list[tuple[bytes, bytes]]:
    return [(key, features.pack()) for key, features in _read_group(sources)]
