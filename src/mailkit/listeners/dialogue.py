"""The server's side of an LMTP or SMTP conversation, without I/O: octets in, events and replies out."""

# The law
# =======
#
#   state        what happened                 what is read next       who moves it on
#   OPENED       the greeting was given        a command line          the client
#   READY        LHLO; no transaction          a command line          the client
#   SENDER       MAIL was accepted             a command line          the client
#   CHECKING     an acceptable RCPT came       nothing                 answer_recipient -> SENDER
#   CONTENT      354 was given                 content up to its end   the client
#   DELIVERING   the content is whole          nothing                 answer_message -> READY
#   CLOSED       the last reply was given      nothing, ever           nobody
#
#   command      OPENED     READY      SENDER                              (what _IN_ORDER says; else 503 5.5.1)
#   LHLO         READY      READY      READY, transaction forgotten        (RFC 5321 4.1.4)
#   MAIL         503        SENDER     503
#   RCPT         503        503        CHECKING
#   DATA         503        503        CONTENT, or 503 while no recipient was accepted (RFC 2033 4.2)
#   RSET         OPENED     READY      READY, transaction forgotten
#   NOOP VRFY HELP          stay
#   QUIT         CLOSED     CLOSED     CLOSED
#
# 1. Every command gets exactly one reply, in order. The end of content gets one reply for each accepted recipient, in
#    order (RFC 2033 4.2). 421 may follow any reply, and closes.
# 2. Replies and events depend on the octets alone, not on how they were cut into pieces; with one exception, 3.
# 3. DATA ends its group (RFC 2920 3.1): octets that lie behind it already could only be content sent before 354, or a
#    second reading of somebody else's content. The client is cut off, whether DATA was acceptable or not.
# 4. A command line ends in CRLF. A bare CR or LF in one ends the conversation: where this client's lines end is
#    unknown, and the rest of the octets must not be taken for commands. The same holds for BDAT and for the verbs of
#    other protocols. A line that is too long is the one place where a bare CR goes unseen; it is refused anyway.
# 5. In CHECKING and DELIVERING octets are kept and nothing is read. In CLOSED octets are dropped.
# 6. What is kept is bounded: a command line by max_line, content by most_octets(max_size); what is longer is dropped up
#    to its end and then refused. The driver bounds what it hands over while nothing is read.
# 7. Errors and wasted commands are counted; beyond the limit the client is cut off with 421 4.7.0.

from collections.abc import Callable, Sequence
from enum import Enum
from typing import Final

from attrs import evolve, field, frozen

from mailkit.listeners.commands import read_recipient, read_sender, too_big
from mailkit.listeners.content import find_end, line_ends, most_octets, unstuff
from mailkit.listeners.limits import Limits
from mailkit.listeners.reply import Reply, check_final
from mailkit.listeners.session import Envelope, Recipient, Session

__all__ = ["LMTP", "Dialect", "Dialogue", "Event", "MessageReceived", "RecipientOffered", "State"]


class State(Enum):
    """Where a conversation stands; see the law on top of this file."""

    OPENED = "opened"
    READY = "ready"
    SENDER = "sender"
    CHECKING = "checking"
    CONTENT = "content"
    DELIVERING = "delivering"
    CLOSED = "closed"


@frozen
class Dialect:
    """What sets LMTP and SMTP apart in their commands (RFC 2033 4.1)."""

    name: str
    hello: frozenset[str]
    wrong_hello: frozenset[str]


LMTP: Final = Dialect("LMTP", frozenset({"LHLO"}), frozenset({"HELO", "EHLO"}))


@frozen
class RecipientOffered:
    """A well-formed RCPT within the limits; goes on with `answer_recipient`."""

    recipient: Recipient


@frozen
class MessageReceived:
    """A whole message within the limits; goes on with `answer_message`."""

    envelope: Envelope
    raw: bytes = field(repr=False)


Event = RecipientOffered | MessageReceived

_READS_COMMANDS = (State.OPENED, State.READY, State.SENDER)
_IN_ORDER = {
    "MAIL": (State.READY, Reply(503, "5.5.1", "MAIL comes after the greeting, once per message")),
    "RCPT": (State.SENDER, Reply(503, "5.5.1", "RCPT comes after MAIL")),
    "DATA": (State.SENDER, Reply(503, "5.5.1", "DATA comes after MAIL and RCPT")),
}
_MISTAKES = frozenset({500, 501, 502, 503, 504, 555})
_OTHER_PROTOCOLS = frozenset({"CONNECT", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})

_OK = Reply(250, "2.0.0", "Ok")
_SENDER_OK = Reply(250, "2.1.0", "Sender ok")
_GO_AHEAD = Reply(354, None, "End data with <CR><LF>.<CR><LF>")
_BYE = Reply(221, "2.0.0", "Bye")
_TOO_MANY = Reply(452, "4.5.3", "Too many recipients for one message")  # RFC 5321 4.5.3.1.10
_NO_RECIPIENTS = Reply(503, "5.5.1", "No valid recipients")  # RFC 2033 4.2
_TOO_LONG = Reply(500, "5.5.2", "Command line too long")  # RFC 5321 4.5.3.1.9
_UNKNOWN = Reply(500, "5.5.1", "Command unknown")
_NUL = Reply(500, "5.5.2", "NUL in a command line")
_NOT_TEXT = Reply(500, "5.5.2", "A command line is ASCII or UTF-8")
_NOT_HERE = Reply(502, "5.5.1", "Command not implemented")
_PIPELINED = Reply(554, "5.5.0", "Octets behind DATA before 354; closing")
_BARE = Reply(500, "5.5.2", "A command line ends in CRLF and holds no other CR or LF; closing")
_NO_BDAT = Reply(502, "5.5.1", "CHUNKING is not offered; closing")
_ALIEN = Reply(500, "5.5.1", "This is a mail server; closing")
_VRFY = Reply(252, "2.5.0", "Send mail and see")  # RFC 5321 7.3
_HELP = Reply(214, "2.0.0", "RFC 2033 and RFC 5321")
_ERRORS = Reply(421, "4.7.0", "Too many errors; closing")
_WASTED = Reply(421, "4.7.0", "Too many commands without a message; closing")


class Dialogue:
    """One conversation: `receive` octets, call `next_event` until None, send `take_output`, answer events."""

    def __init__(self, session: Session, limits: Limits, dialect: Dialect = LMTP) -> None:
        self.session = session
        self.limits = limits
        self.dialect = dialect
        self.state = State.OPENED
        self.commands = 0  # lines read so far, refused ones included
        self._input = bytearray()
        self._output: list[bytes] = []
        self._seen = 0  # no line or content ends before this place in _input
        self._dropped = False  # the beginning of an overlong line or content is gone
        self._errors = 0
        self._wasted = 0
        self._envelope: Envelope | None = None  # of the open transaction; `_accepted` becomes its recipients
        self._accepted: list[Recipient] = []
        self._beyond = 0  # recipients offered after the last that could be accepted
        self._offered: Recipient | None = None
        self._most_content = most_octets(limits.max_size) + 5
        self._commands: dict[str, Callable[[str], None]] = {
            **dict.fromkeys(dialect.hello, self._hello),
            **dict.fromkeys(dialect.wrong_hello, self._wrong_hello),
            "MAIL": self._mail,
            "RCPT": self._rcpt,
            "DATA": self._data,
            "RSET": self._rset,
            "NOOP": lambda _: self._waste(_OK),
            "VRFY": lambda _: self._waste(_VRFY),
            "HELP": lambda _: self._waste(_HELP),
            "EXPN": lambda _: self._refuse(_NOT_HERE),
            "BDAT": lambda _: self._close(_NO_BDAT),
            "QUIT": lambda _: self._close(_BYE),
        }

    # What the driver calls

    def greet(self) -> None:
        """The first reply of a conversation (RFC 5321 3.1)."""
        self._say(Reply(220, None, f"{self.limits.hostname} {self.dialect.name} mailkit"))

    def receive(self, octets: bytes) -> None:
        """Takes what the client sent; `next_event` reads it."""
        if self.state is not State.CLOSED:
            self._input += octets

    def next_event(self) -> Event | None:
        """Reads on until the sink is needed. None: more octets, an answer, or nothing is awaited (see `state`)."""
        while True:
            if self.state in _READS_COMMANDS:
                if not self._read_command():
                    return None
                if self._offered is not None:
                    return RecipientOffered(self._offered)
            elif self.state is State.CONTENT:
                if (raw := self._read_content()) is not None:
                    return self._received(raw)
                if self.state is State.CONTENT:
                    return None
            else:
                return None

    def answer_recipient(self, reply: Reply) -> None:
        """The sink's word on the recipient offered: 2xx accepts, 4xx and 5xx refuse; another raises ValueError."""
        if self._offered is None:
            raise ValueError(f"no recipient is being checked in state {self.state.value}")
        check_final([reply])
        offered, self._offered = self._offered, None
        self.state = State.SENDER
        if not reply.is_positive:
            return self._waste(reply)
        self._accepted.append(offered)
        return self._say(reply)

    def answer_message(self, replies: Sequence[Reply]) -> None:
        """The sink's word on the message: one 2xx, 4xx or 5xx for each recipient, in order; else raises ValueError."""
        if self.state is not State.DELIVERING:
            raise ValueError(f"no message is being delivered in state {self.state.value}")
        if len(replies) != len(self._accepted):
            raise ValueError(f"{len(self._accepted)} recipients, but {len(replies)} replies")
        check_final(replies)
        self._wasted = 0
        self._finish(replies)

    def close(self, reply: Reply) -> None:
        """Ends the conversation with `reply`, whatever stands open (421: RFC 5321 3.8). Nothing is read any more."""
        if self.state is not State.CLOSED:
            self._close(reply)

    def take_output(self) -> bytes:
        """The replies that have not been sent yet."""
        output, self._output = self._output, []
        return b"".join(output)

    @property
    def buffered(self) -> int:
        """Octets received and not yet read."""
        return len(self._input)

    # Lines

    def _read_command(self) -> bool:
        """Reads and answers one command line, or tells that none is whole."""
        received = self._input
        end = received.find(b"\n", self._seen)
        if end < 0:
            if len(received) > self.limits.max_line:
                self._dropped = True
                del received[:-1]  # the last octet tells whether the LF to come is bare
            self._seen = len(received)
            return False
        self.commands += 1
        line = bytes(received[:end])
        del received[: end + 1]
        self._seen = 0
        dropped, self._dropped = self._dropped, False
        if not line.endswith(b"\r"):
            self._close(_BARE)
        elif dropped or end + 1 > self.limits.max_line:
            self._refuse(_TOO_LONG)  # before the next test: whether a dropped part had a CR is forgotten
        elif line.count(b"\r") != 1:
            self._close(_BARE)
        elif b"\0" in line:
            self._refuse(_NUL)
        else:
            try:
                self._command(line.decode("utf-8").rstrip(" \t\r"))  # RFC 5321 4.1.1: trailing white space is tolerated
            except UnicodeDecodeError:
                self._refuse(_NOT_TEXT)
        return True

    def _command(self, line: str) -> None:
        verb, _, argument = line.partition(" ")
        verb = verb.upper() if verb.isascii() else ""  # some letters beyond ASCII have an ASCII upper case
        handle = self._commands.get(verb)
        if handle is None:
            return self._close(_ALIEN) if verb in _OTHER_PROTOCOLS else self._refuse(_UNKNOWN)
        # A DATA refused for its place or its arguments ends its group as one that is accepted.
        if verb == "DATA" and self._input:
            return self._close(_PIPELINED)
        if verb in _IN_ORDER and self.state is not _IN_ORDER[verb][0]:
            return self._refuse(_IN_ORDER[verb][1])
        return handle(argument)

    # Commands

    def _hello(self, rest: str) -> None:
        name = rest.strip(" ")
        if not name or " " in name or len(name) > 255 or not name.isprintable():
            return self._refuse(Reply(501, "5.5.4", "Say your host's name"))
        self.session = evolve(self.session, hello=name, protocol=self.dialect.name)
        self._forget()
        # RFC 5321 4.1.1.1; RFC 2033 5 demands PIPELINING and ENHANCEDSTATUSCODES; RFC 9422 4 for LIMITS.
        return self._waste(
            Reply(
                250,
                None,
                f"{self.limits.hostname}\nPIPELINING\n8BITMIME\nSMTPUTF8\nENHANCEDSTATUSCODES\n"
                f"SIZE {self.limits.max_size}\nLIMITS RCPTMAX={self.limits.max_recipients}",
            )
        )

    def _wrong_hello(self, _: str) -> None:
        # RFC 2033 4.1: an LMTP server refuses HELO and EHLO, so that nobody takes it for an SMTP server.
        hello = "/".join(sorted(self.dialect.hello))
        return self._refuse(Reply(500, "5.5.1", f"This is {self.dialect.name}; say {hello}"))

    def _mail(self, argument: str) -> None:
        envelope = read_sender(argument, self.limits)
        if isinstance(envelope, Reply):
            return self._refuse(envelope)
        self._envelope = envelope
        self.state = State.SENDER
        return self._say(_SENDER_OK)

    def _rcpt(self, argument: str) -> None:
        assert self._envelope is not None
        recipient = read_recipient(argument, self._envelope)
        if isinstance(recipient, Reply):
            return self._refuse(recipient)
        if len(self._accepted) >= self.limits.max_recipients:
            # Counted apart: a client that pipelines hears of it too late to stop.
            self._beyond += 1
            return self._say(_TOO_MANY) if self._beyond <= 10 * self.limits.max_recipients else self._close(_WASTED)
        self._offered = recipient
        self.state = State.CHECKING
        return None

    def _data(self, argument: str) -> None:
        if argument:
            return self._refuse(Reply(501, "5.5.4", "DATA has no argument"))
        if not self._accepted:
            return self._waste(_NO_RECIPIENTS)
        self.state = State.CONTENT
        return self._say(_GO_AHEAD)

    def _rset(self, argument: str) -> None:
        if argument:
            return self._refuse(Reply(501, "5.5.4", "RSET has no argument"))
        self._forget()
        return self._waste(_OK)

    # Content

    def _read_content(self) -> bytes | None:
        """The message as it was before dot-stuffing. None: its end has not come, or it was refused here."""
        received = self._input
        found = find_end(received, self._seen)
        if found is None:
            if len(received) > self._most_content:
                self._dropped = True
                # Four octets may begin the end; a fifth keeps `_seen` off 0, the place of an empty message.
                del received[:-5]
            self._seen = max(0, len(received) - 4)
            return None
        end, rest = found
        dropped, self._dropped = self._dropped, False
        raw = b"" if dropped else unstuff(bytes(memoryview(received)[:end]))
        del received[:rest]
        self._seen = 0
        if dropped or len(raw) > self.limits.max_size:
            refusal = too_big(self.limits)
        elif wrong := line_ends(raw):
            refusal = Reply(554, "5.6.0", f"The message holds a {wrong}; lines end in CRLF (RFC 5321 2.3.8)")
        else:
            return raw
        self._wasted += 1
        self._finish([refusal] * len(self._accepted))
        self._cut_off()
        return None

    def _received(self, raw: bytes) -> MessageReceived:
        assert self._envelope is not None
        self.state = State.DELIVERING
        return MessageReceived(evolve(self._envelope, recipients=tuple(self._accepted)), raw)

    def _finish(self, replies: Sequence[Reply]) -> None:
        self._output += [reply.wire for reply in replies]  # RFC 2033 4.2: one for each recipient accepted
        self._forget()

    # Replies

    def _say(self, reply: Reply) -> None:
        self._output.append(reply.wire)

    def _waste(self, reply: Reply) -> None:
        self._say(reply)
        self._wasted += 1
        self._cut_off()

    def _refuse(self, reply: Reply) -> None:
        """Refuses a command; only what breaks the protocol counts as an error, an unwelcome request doesn't."""
        if reply.code in _MISTAKES:
            self._errors += 1
        else:
            self._wasted += 1
        self._say(reply)
        self._cut_off()

    def _cut_off(self) -> None:
        if self._errors > self.limits.max_errors:
            self._close(_ERRORS)
        elif self._wasted > self.limits.max_wasted:
            self._close(_WASTED)

    def _close(self, reply: Reply) -> None:
        self._say(reply)
        self._forget()
        self._input.clear()
        self.state = State.CLOSED

    def _forget(self) -> None:
        """Ends the transaction; before LHLO there is none."""
        self._envelope = self._offered = None
        self._accepted.clear()
        self._beyond = 0
        if self.session.hello:
            self.state = State.READY
