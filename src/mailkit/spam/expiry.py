"""Which features a model that has grown too large gives up: the rare ones not seen for long.

A feature's worth is the number of messages it occurred in, halved for every 8 epochs (of 4,096 learnt messages) since
it was last learnt. A message with an expired feature can still be forgotten: what is gone counts zero and stays zero.
"""

from typing import Final

from mailkit.spam import arrays
from mailkit.spam.table import Columns

__all__ = ["MOST_FEATURES", "expire"]

MOST_FEATURES: Final = 2_000_000
"""Features at which a model is thinned out: about 7 MiB stored, 100 MB in memory."""

_KEPT: Final = 0.75
_HALF_LIFE: Final = 8.0


def expire(columns: Columns, epoch: int, most: int = MOST_FEATURES) -> Columns | None:
    """The three quarters of `most` features worth most, if there are more than `most`; else None: nothing to do."""
    count = len(columns.ids)
    if count <= most:
        return None
    keep = int(most * _KEPT)
    np = arrays.numpy()
    if np is not None:
        worth = (columns.spam + columns.ham) * np.exp2((columns.epochs - float(epoch)) / _HALF_LIFE)
        chosen = np.sort(np.argsort(-worth, kind="stable")[:keep])
        return Columns(columns.ids[chosen], columns.spam[chosen], columns.ham[chosen], columns.epochs[chosen])
    worths = [
        (a + b) * 2.0 ** ((seen - epoch) / _HALF_LIFE)
        for a, b, seen in zip(columns.spam, columns.ham, columns.epochs, strict=True)
    ]
    places = sorted(sorted(range(count), key=lambda at: -worths[at])[:keep])
    picked = [[column[at] for at in places] for column in (columns.ids, columns.spam, columns.ham, columns.epochs)]
    return Columns(*picked)
