"""The sink that gives a listener's messages to `kit.delivery`: what its receipt says is what the client is told."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import Executor
from typing import TYPE_CHECKING

from mailkit.listeners.parameters import Parameters
from mailkit.listeners.paths import Mailbox
from mailkit.listeners.reply import Reply
from mailkit.listeners.session import Envelope, Session

if TYPE_CHECKING:
    from mailkit.kit import MailKit

__all__ = ["InboundSink"]

_ACCEPTED = Reply(250, "2.1.5", "Recipient ok")
_UNKNOWN = Reply(550, "5.1.1", "There is no such address here")


class InboundSink:
    """Parsing and storing run on `pool`, since they take time; the size of the pool bounds deliveries at a time."""

    def __init__(self, kit: "MailKit", pool: Executor) -> None:
        self._kit = kit
        self._pool = pool

    async def check_recipient(self, session: Session, address: Mailbox, parameters: Parameters) -> Reply:
        """Whether the address is one of ours; all else is decided when the message is there."""
        if self._kit.store.reads_block:
            loop = asyncio.get_running_loop()
            found = await loop.run_in_executor(self._pool, self._kit.addresses.resolve, str(address))
        else:
            found = self._kit.addresses.resolve(str(address))
        return _UNKNOWN if found is None else _ACCEPTED

    async def deliver(self, session: Session, envelope: Envelope, raw: bytes) -> Sequence[Reply]:
        """One reply per recipient, after the storing transactions are durable."""

        def accept() -> Sequence[Reply]:
            receipt = self._kit.delivery.accept(
                raw,
                mail_from="" if envelope.mail_from is None else str(envelope.mail_from),
                rcpt_to=[str(recipient.mailbox) for recipient in envelope.recipients],
                ip=session.peer,
                hello=session.hello,
                protocol=envelope.protocol(session),
            )
            return [Reply(done.reply, done.code, done.text) for done in receipt.outcomes]

        return await asyncio.get_running_loop().run_in_executor(self._pool, accept)
