"""The sink that gives a listener's messages to `kit.delivery`: what its receipt says is what the client is told.

Most messages are read in a fraction of a millisecond, less than handing them to a thread and back would cost: they are
read on the event loop, and only their transaction is waited for. Large ones, and all when the store's reads block, take
a thread.
"""

import asyncio
from collections.abc import Sequence
from concurrent.futures import Executor
from typing import TYPE_CHECKING, Any

from mailkit.delivery.receipt import Receipt
from mailkit.delivery.service import Aside, Delivering
from mailkit.listeners.parameters import Parameters
from mailkit.listeners.paths import Mailbox
from mailkit.listeners.reply import Reply
from mailkit.listeners.session import Envelope, Session
from mailkit.storage.api import Store

if TYPE_CHECKING:
    from mailkit.kit import MailKit

__all__ = ["InboundSink"]

_ACCEPTED = Reply(250, "2.1.5", "Recipient ok")
_UNKNOWN = Reply(550, "5.1.1", "There is no such address here")


class InboundSink:
    """The size of `pool` bounds the deliveries on threads."""

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

        said: dict[str, Any] = {
            "mail_from": "" if envelope.mail_from is None else str(envelope.mail_from),
            "rcpt_to": [str(recipient.mailbox) for recipient in envelope.recipients],
            "ip": session.peer,
            "hello": session.hello,
            "protocol": envelope.protocol(session),
        }
        delivery, store = self._kit.delivery, self._kit.store
        if delivery.is_quick(raw) and not store.reads_block:
            receipt = await _awaited(delivery.deliver(raw, **said), store, self._pool)
        else:
            loop = asyncio.get_running_loop()
            receipt = await loop.run_in_executor(self._pool, lambda: delivery.accept(raw, **said))
        return [Reply(done.reply, done.code, done.text) for done in receipt.outcomes]


async def _awaited(delivering: Delivering, store: Store, pool: Executor) -> Receipt:
    loop = asyncio.get_running_loop()
    try:
        fn = next(delivering)
        while True:
            try:
                if isinstance(fn, Aside):
                    result = await loop.run_in_executor(pool, fn.run)
                else:
                    result = await store.atransact(fn)
            except Exception as error:
                fn = delivering.throw(error)
            else:
                fn = delivering.send(result)
    except StopIteration as done:
        receipt: Receipt = done.value
        return receipt
