"""When a failed job is tried again."""

from attrs import field, frozen, validators

__all__ = ["GiveUp", "Retry", "RetryAt", "retry"]


@frozen
class Retry:
    """A policy: at most `attempts` in a row without progress, `first` milliseconds after the first failure, twice as
    long after each further one, never longer than `longest`."""

    attempts: int = field(default=10, validator=validators.ge(1))
    first: int = field(default=2_000, validator=validators.ge(0))
    longest: int = field(default=3_600_000, validator=validators.ge(0))


@frozen
class RetryAt:
    """Try again at this time."""

    when: int


@frozen
class GiveUp:
    """Don't."""

    reason: str


def retry(attempts: int, *, now: int, policy: Retry, spread: int = 0) -> RetryAt | GiveUp:
    """Decides after the `attempts`-th failure in a row. `spread` (0-255, fixed for a job) stretches the wait by up to a
    tenth, so that jobs that failed together don't come back together."""
    if attempts >= policy.attempts:
        return GiveUp(f"failed {attempts} times in a row")
    wait = min(policy.longest, policy.first << min(attempts - 1, 40))
    return RetryAt(now + wait + wait * spread // 2560)
