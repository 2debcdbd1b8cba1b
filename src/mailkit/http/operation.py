"""Operations: what a dialect's `routes` list is made of, and the ways in which an endpoint runs.

An endpoint is a plain function from the kit, what was asked, and who asked, to an answer:

    @read                                     reads only, and quickly
    def get_user(kit: MailKit, ask: GetUser, caller: Caller) -> UserDetails

    @write                                    a transaction, awaited: computes, and touches nothing but `tx`
    def rename(kit: MailKit, ask: Rename, caller: Caller, tx: Tx) -> Done

    @prepared                                 slow first (hashing, parsing), on a thread; what it returns is
    def create_user(kit: MailKit, ask: CreateUser, caller: Caller) -> Callable[[Tx], Created]     the transaction

    @slow                                     all of it on a thread: parsing large mail, blobs, the network
    def get_message(kit: MailKit, ask: GetMessage, caller: Caller) -> MessageDetails

Request and answer classes are read from the annotations.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from attrs import field, frozen

from mailkit.http.structure import Unknown
from mailkit.principals.permits import Need

__all__ = ["Endpoint", "Listed", "Operation", "Runs", "prepared", "read", "slow", "write"]


class Runs(StrEnum):
    """How an endpoint runs."""

    READ = "read"
    """On the event loop, unless reading the store blocks."""
    WRITE = "write"
    """As the function of a transaction, awaited."""
    PREPARED = "prepared"
    """On a thread; the function that it returns, as a transaction, awaited."""
    SLOW = "slow"
    """On a thread."""


class Listed(StrEnum):
    """What a list costs."""

    NONE = "-"
    FLAT = "flat"
    """A keyset page and a kept total: doesn't grow with the list."""
    EITHER = "flat, filtered scan"
    """Flat, and with a filter that no index serves a scan."""
    SCAN = "scan"
    """Walks a projection in flat memory."""
    STREAM = "stream"
    """Everything, streamed."""


@frozen(eq=False)
class Endpoint:
    """A function with what its annotations say."""

    function: Callable[..., Any]
    runs: Runs
    request: Any
    """The class of what is asked."""
    answer: Any

    @property
    def summary(self) -> str:
        """The first line of the function's docstring."""
        return (self.function.__doc__ or "").strip().partition("\n")[0]


F = TypeVar("F", bound=Callable[..., Any])


def _mark(runs: Runs) -> Callable[[F], F]:
    def mark(function: F) -> F:
        function.__dict__["runs"] = runs
        return function

    return mark


read = _mark(Runs.READ)
write = _mark(Runs.WRITE)
prepared = _mark(Runs.PREPARED)
slow = _mark(Runs.SLOW)


def endpoint_of(function: Callable[..., Any]) -> Endpoint:
    """A marked function, ready for a route."""
    runs: Runs = function.__dict__["runs"]
    hints = get_type_hints(function, include_extras=True)
    returned = hints["return"]
    if runs is Runs.PREPARED:
        # beside it there may be an `OnThread` of the same
        several = [returned, *get_args(returned)]
        commit = next((one for one in several if getattr(get_origin(one), "__name__", "") == "Callable"), None)
        if commit is None:
            raise TypeError(f"{function.__name__} must return a function of a transaction")
        returned = get_args(commit)[1]
    return Endpoint(function, runs, hints["ask"], returned)


@frozen(eq=False)
class Operation:
    """One row of a routes list. Without an endpoint it answers 501."""

    method: str
    path: str
    name: str
    group: str
    need: Need | None
    """The permission; None for a public operation."""
    endpoint: Endpoint | None = None
    listed: Listed = Listed.NONE
    source: str = "document"
    """`document`, or the section of the behaviour file that tells of it."""
    unknown: Unknown = "refused"
    changes: bool = field(default=False)
    """True for a GET that changes something: refused when another site's page sends it."""
    secret: bool = field(default=False)
    """True when its answer holds a secret that is told once."""

    @property
    def state(self) -> Literal["built", "not yet"]:
        return "not yet" if self.endpoint is None else "built"
