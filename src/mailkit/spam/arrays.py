"""numpy if it is installed (the extra `mailkit-platform[spam]`), else None: the one place where that is decided.

Everything in this package has a form in plain Python that gives the same numbers, several times slower.
"""

from functools import cache
from typing import Any

__all__ = ["numpy"]


@cache
def numpy() -> Any:
    """The numpy module or None. Imported on first use: it takes 60 ms that other users of mailkit should not pay."""
    try:
        import numpy as np
    except ImportError:
        return None
    return np
