"""What an evaluator asks of the DNS and what it is told: the one vocabulary of the package, and its two drivers.

Law: an evaluator is a generator. It yields a tuple of `Query` (several when they do not depend on each other) and is
sent a tuple of `Answer` in the same order; what it returns is the result. It never sees a resolver, a clock or a loop.
A resolver is any callable `Query -> Answer` (blocking) or `Query -> Awaitable[Answer]` (asyncio); it never raises for
what the DNS may do to it: an error, a timeout or an unusable reply is an `Answer` of status `temporary`.
"""

from collections.abc import Awaitable, Callable, Generator, Sequence
from ipaddress import IPv4Address, IPv6Address
from typing import Any, Literal, NamedTuple, TypeAlias, TypeVar

from attrs import frozen

__all__ = [
    "MX",
    "NODATA",
    "NXDOMAIN",
    "TLSA",
    "Answer",
    "AsyncResolver",
    "Lookup",
    "Query",
    "Resolver",
    "Status",
    "arun",
    "run",
    "temporary",
]

Status: TypeAlias = Literal["ok", "nodata", "nxdomain", "temporary"]


class Query(NamedTuple):
    """One question: a domain name without its final dot, and a record type (`TXT`, `A`, `AAAA`, `MX`, `PTR`, `TLSA`).

    The name may hold any character (SPF macros expand to what the sender likes); labels are separated by dots.
    """

    name: str
    type: str


class MX(NamedTuple):
    """A mail exchanger; an `exchange` of `""` or `"."` is a null MX (RFC 7505)."""

    preference: int
    exchange: str


class TLSA(NamedTuple):
    """A TLSA record (RFC 6698 section 2.1)."""

    usage: int
    selector: int
    matching: int
    data: bytes


@frozen
class Answer:
    """What the DNS said.

    - `status`: `ok` (there are records), `nodata` (the name exists, without this type), `nxdomain`, or `temporary`
      (timeout, SERVFAIL, refusal, broken reply: ask again later);
    - `records`: TXT `str` (character-strings joined, bytes beyond UTF-8 as surrogates), A `IPv4Address`, AAAA
      `IPv6Address`, MX `MX`, PTR `str`, TLSA `TLSA`; aliases were followed by the resolver;
    - `secure`: a validating resolver vouches for it (DNSSEC, the AD flag); `reason`: why it is temporary.
    """

    status: Status
    records: tuple[Any, ...] = ()
    secure: bool = False
    reason: str = ""


NXDOMAIN = Answer("nxdomain")
NODATA = Answer("nodata")


def temporary(reason: str) -> Answer:
    """A transient failure, with what to tell the postmaster."""
    return Answer("temporary", reason=reason)


T = TypeVar("T")
Lookup: TypeAlias = Generator[tuple[Query, ...], tuple[Answer, ...], T]
Resolver: TypeAlias = Callable[[Query], Answer]
AsyncResolver: TypeAlias = Callable[[Query], Awaitable[Answer]]
Address: TypeAlias = IPv4Address | IPv6Address


def run(evaluation: Lookup[T], resolve: Resolver) -> T:
    """Drive `evaluation` to its result with a blocking resolver."""
    send = evaluation.send
    try:
        queries = next(evaluation)
        while True:
            queries = send(tuple([resolve(query) for query in queries]))
    except StopIteration as done:
        result: T = done.value
        return result


async def arun(evaluation: Lookup[T], resolve: AsyncResolver) -> T:
    """Drive `evaluation` on the running event loop; queries yielded together are asked together."""
    from asyncio import gather

    try:
        queries = next(evaluation)
        while True:
            answers: Sequence[Answer]
            if len(queries) == 1:
                answers = (await resolve(queries[0]),)
            else:
                answers = await gather(*map(resolve, queries))
            queries = evaluation.send(tuple(answers))
    except StopIteration as done:
        result: T = done.value
        return result
