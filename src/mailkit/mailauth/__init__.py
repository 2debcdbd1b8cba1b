"""Message authentication as pure evaluators: who sent this message, and may they?

SPF (RFC 7208), DKIM (RFC 6376, 8301, 8463), ARC (RFC 8617), DMARC (RFC 9989, and RFC 7489 on request), iprev and
Authentication-Results (RFC 8601); for delivery MTA-STS (RFC 8461), TLSRPT (RFC 8460) and DANE (RFC 7672).

Every evaluator is a generator that yields `Query` tuples and is sent `Answer` tuples: `run(evaluation, resolver)` or
`await arun(evaluation, resolver)` drive it. Resolvers are in `mailkit.mailauth.resolvers`. No kit, no store, no event
loop is needed. Importing this package loads neither the DNS nor the cryptography library.
"""

from mailkit.mailauth.authenticate import Authentication, authenticate, authentication_results
from mailkit.mailauth.lookup import Answer, AsyncResolver, Lookup, Query, Resolver, arun, run
from mailkit.mailauth.message import Message

__all__ = [
    "Answer",
    "AsyncResolver",
    "Authentication",
    "Lookup",
    "Message",
    "Query",
    "Resolver",
    "arun",
    "authenticate",
    "authentication_results",
    "run",
]
