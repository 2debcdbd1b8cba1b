"""Listeners: how mail comes in over a socket. LMTP (RFC 2033) today; an SMTP (RFC 5321) listener shares the core.

The core does no I/O: `dialogue.Dialogue` takes the client's octets and gives replies and events. The grammar is in
`paths` (RFC 5321 4.1.2), `parameters` (4.1.1.11) and `commands`, the message content in `content` (4.1.1.4, 4.5.2), how
long a client may take in `patience`, how much may be in memory in `inflight`. `connection` and `lmtp` drive it on
asyncio.

Offered: PIPELINING (RFC 2920), 8BITMIME (6152), SMTPUTF8 (6531), SIZE (1870), ENHANCEDSTATUSCODES (2034) and LIMITS
(9422). Not offered: CHUNKING (3030), STARTTLS, AUTH, DSN. A client that tries BDAT all the same is cut off, for what
follows it is content and must never be read as commands.
"""

from mailkit.listeners.limits import Limits
from mailkit.listeners.paths import Mailbox
from mailkit.listeners.reply import Reply
from mailkit.listeners.session import Envelope, Recipient, Session
from mailkit.listeners.sink import Sink, reply_for

__all__ = ["Envelope", "Limits", "Mailbox", "Recipient", "Reply", "Session", "Sink", "reply_for"]
