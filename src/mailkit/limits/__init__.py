"""Limits: how much of something may happen in a window of time, per whoever it is counted for.

    limits.take(tx, "account:7", "recipients", 3, DAILY, now=now)    # RateLimited, or it counts

`decide` is the one pure function; `service` keeps the counters in the store, `local` in one process, for what happens
too often to be written down (requests). How much may be kept at a time is quota, another package.
"""

from mailkit.limits.decide import Allowed, Decision, Limit, Limited, Window, decide
from mailkit.limits.local import LocalLimits
from mailkit.limits.service import Limits, Status

__all__ = ["Allowed", "Decision", "Limit", "Limited", "Limits", "LocalLimits", "Status", "Window", "decide"]
