"""One client on asyncio: moves octets between the socket, the dialogue and the sink."""

import asyncio
from collections.abc import Sequence
from enum import Enum, auto
from typing import TYPE_CHECKING, cast

from mailkit.errors import Corrupt, MailKitError, Unavailable
from mailkit.listeners.dialogue import LMTP, Dialogue, Event, MessageReceived, State
from mailkit.listeners.patience import Patience
from mailkit.listeners.reply import Reply, check_final
from mailkit.listeners.session import Recipient, Session
from mailkit.listeners.sink import reply_for
from mailkit.telemetry import emit

if TYPE_CHECKING:
    from mailkit.listeners.lmtp import LmtpListener

__all__ = ["SHUTTING_DOWN", "Connection"]

SHUTTING_DOWN = Reply(421, "4.3.2", "Shutting down; closing")
_FULL = Reply(421, "4.3.2", "Too many connections; closing")
_BROKEN = Reply(451, "4.3.0", "Internal error; try again later")
_HIGH_WATER = 64 << 10  # octets that may pile up while the sink works before reading stops


class Pause(Enum):
    """Why a connection does not read; it reads while there is no reason left."""

    SINK = auto()  # the sink works, and enough has come meanwhile
    OUTPUT = auto()  # the client does not fetch its replies
    INFLIGHT = auto()  # too many octets of messages in memory


class Connection(asyncio.Protocol):
    """Commands are answered where they arrive; a task exists only while the sink has to be asked."""

    def __init__(self, listener: "LmtpListener") -> None:
        self.listener = listener
        self.limits = listener.limits
        self.closing_since: float | None = None
        self.task: asyncio.Task[None] | None = None
        self._delivering = 0  # octets of the message that the sink has
        self._pauses: set[Pause] = set()
        self._paused_since = 0.0
        self._output_since = 0.0
        self._ended = False  # the client will send no more, but may listen
        self._lost = False  # there is no client
        self._stopping = False

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.time = asyncio.get_running_loop().time
        self.patience = Patience(self.time())
        self.dialogue = Dialogue(self._session(), self.limits, LMTP)
        if not self.listener.enter(self):
            self.dialogue.close(_FULL)
        elif self.listener.is_closing:
            self.dialogue.close(SHUTTING_DOWN)
        else:
            self.dialogue.greet()
        self._flush()

    def data_received(self, data: bytes) -> None:
        self.patience.hear(self.time(), len(data))
        self.dialogue.receive(data)
        if self.task is None:
            self._read()
        elif self.dialogue.buffered > _HIGH_WATER:
            self._pause(Pause.SINK)
            self._account()

    def eof_received(self) -> bool:
        self._ended = True
        return self.task is not None  # keep the other direction open until the sink's word is sent

    def pause_writing(self) -> None:
        self._output_since = self.time()
        self._pause(Pause.OUTPUT)

    def resume_writing(self) -> None:
        self._resume(Pause.OUTPUT)
        if self.task is None:
            self._read()

    def connection_lost(self, exc: Exception | None) -> None:
        # A sink that was given a message finishes: the client will send it again, and the sink may tell.
        self._lost = True
        self.dialogue.close(SHUTTING_DOWN)
        self._account()
        if self.task is None:
            self.listener.leave(self)

    # What the listener calls

    def look_after(self, now: float) -> None:
        """Cuts the client off if its time is up."""
        if self.closing_since is not None:
            if now - self.closing_since >= self.limits.linger.total_seconds():
                self.transport.abort()
        elif Pause.OUTPUT in self._pauses:
            if now - self._output_since >= self.limits.idle_timeout.total_seconds():
                self.transport.abort()  # there is no telling it anything
        elif not self._pauses and self.task is None and (reply := self.patience.exhausted(now, self.limits)):
            self.dialogue.close(reply)
            self._flush()

    def stop(self) -> None:
        """Says 421 and closes; after the sink's word, if it is asked just now."""
        self._stopping = True
        if self.task is None:
            self.dialogue.close(SHUTTING_DOWN)
            self._flush()

    def read_on(self) -> None:
        """There is room for its octets again."""
        self._resume(Pause.INFLIGHT)

    # Reading

    def _read(self) -> None:
        """Lets the dialogue read what came, until it has read all, or the sink has to be asked."""
        if Pause.OUTPUT in self._pauses:
            return
        event = self.dialogue.next_event()
        if event is not None:
            self.task = asyncio.get_running_loop().create_task(self._ask(event))
            return
        self._rest()

    async def _ask(self, event: Event | None) -> None:
        """Asks the sink about `event` and about all that follow without another octet from the client."""
        try:
            while event is not None:
                if isinstance(event, MessageReceived):
                    replies = await self._deliver(event)
                    if self.dialogue.state is State.DELIVERING:  # else the client has left
                        self.dialogue.answer_message(replies)
                else:
                    reply = await self._check(event.recipient)
                    if self.dialogue.state is State.CHECKING:
                        self.dialogue.answer_recipient(reply)
                event = None if self._stopping else self.dialogue.next_event()
        finally:
            self.task = None
            if self._lost:
                self.listener.leave(self)
        if self._stopping:
            self.dialogue.close(SHUTTING_DOWN)
        self.patience.heard = self.time()
        self._rest()
        self._resume(Pause.SINK)

    async def _check(self, recipient: Recipient) -> Reply:
        try:
            reply = await self.listener.sink.check_recipient(
                self.dialogue.session, recipient.mailbox, recipient.parameters
            )
            check_final([reply])
        except Exception as error:
            return self._failure(error)
        return reply

    async def _deliver(self, event: MessageReceived) -> Sequence[Reply]:
        count = len(event.envelope.recipients)
        self._delivering = len(event.raw)
        self._account()
        try:
            replies = await self.listener.sink.deliver(self.dialogue.session, event.envelope, event.raw)
            check_final(replies)
            if len(replies) != count:
                raise ValueError(f"{count} recipients, but {len(replies)} replies from the sink")
        except Exception as error:
            return [self._failure(error)] * count
        finally:
            self._delivering = 0
        return replies

    def _failure(self, error: Exception) -> Reply:
        if isinstance(error, MailKitError):
            if isinstance(error, (Unavailable, Corrupt)):
                emit("lmtp.failed", level="error", peer=self.dialogue.session.peer, error=str(error))
            return reply_for(error)
        asyncio.get_running_loop().call_exception_handler(
            {"message": "a sink failed; the client was told to try again", "exception": error, "protocol": self}
        )
        return _BROKEN

    def _rest(self) -> None:
        """Nothing more can be read now: set the clocks, settle what is held, send the replies."""
        dialogue = self.dialogue
        self.patience.move(self.time(), dialogue.state, dialogue.buffered, dialogue.commands)
        self._account()
        self._flush()

    def _flush(self) -> None:
        output = self.dialogue.take_output()
        if self._lost or self.closing_since is not None:
            return
        if output:
            self.transport.write(output)
        if self.dialogue.state is State.CLOSED or self._ended:
            self.closing_since = self.time()
            self.transport.close()

    # Stopping and going on

    def _account(self) -> None:
        inflight = self.listener.inflight
        if inflight.hold(self, self.dialogue.buffered + self._delivering):
            self._resume(Pause.INFLIGHT)
        else:
            self._pause(Pause.INFLIGHT)
        for other in inflight.admit():
            other.read_on()

    def _pause(self, reason: Pause) -> None:
        if not self._pauses:
            self._paused_since = self.time()
            if not self.transport.is_closing():
                self.transport.pause_reading()
        self._pauses.add(reason)

    def _resume(self, reason: Pause) -> None:
        if reason not in self._pauses:
            return
        self._pauses.remove(reason)
        if not self._pauses:
            now = self.time()
            self.patience.resume(now, now - self._paused_since)
            if not self.transport.is_closing():
                self.transport.resume_reading()

    def _session(self) -> Session:
        peer = self.transport.get_extra_info("peername")
        local = self.transport.get_extra_info("sockname")
        # A local socket's names are strings, often empty; those of TCP begin with address and port.
        peer_address, peer_port = peer[:2] if isinstance(peer, tuple) else ("", 0)
        local_address, local_port = local[:2] if isinstance(local, tuple) else (str(local or ""), 0)
        return Session(
            id=self.listener.next_id(),
            peer=peer_address,
            peer_port=peer_port,
            local=local_address,
            local_port=local_port,
            server=self.limits.hostname,
            connected=self.listener.clock(),
        )
