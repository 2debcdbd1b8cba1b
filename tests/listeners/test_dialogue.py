"""The core without a socket: its events don't depend on how octets are cut, and it keeps to its law."""

from collections.abc import Iterable

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from mailkit.listeners import Limits, Reply, Session
from mailkit.listeners.content import most_octets
from mailkit.listeners.dialogue import Dialogue, Event, MessageReceived, RecipientOffered, State

OK = Reply(250, "2.0.0", "Ok")
NO = Reply(550, "5.1.1", "no")
SMALL = Limits(hostname="mx.test", max_size=60, max_recipients=2, max_line=512, max_errors=4, max_wasted=8)


def answer(dialogue: Dialogue, event: Event) -> None:
    if isinstance(event, MessageReceived):
        dialogue.answer_message([OK] * len(event.envelope.recipients))
    else:
        dialogue.answer_recipient(NO if event.recipient.mailbox.local == "unknown" else OK)


def converse(pieces: Iterable[bytes], limits: Limits = SMALL) -> tuple[list[Event], bytes, State]:
    dialogue = Dialogue(Session("test"), limits)
    dialogue.greet()
    events, output = [], b""
    for piece in pieces:
        dialogue.receive(piece)
        while event := dialogue.next_event():
            events.append(event)
            answer(dialogue, event)
        output += dialogue.take_output()
    return events, output, dialogue.state


LINES = st.sampled_from(
    [
        b"LHLO me\r\n",
        b"MAIL FROM:<a@example.org>\r\n",
        b"MAIL FROM:<> SIZE=61\r\n",
        b"RCPT TO:<b@example.net>\r\n",
        b"RCPT TO:<unknown@example.net>\r\n",
        b"RSET\r\n",
        b"NOOP\r\n",
        b"nonsense\r\n",
        b"x" * 600 + b"\r\n",
        b"x" * 300 + b"\r" + b"x" * 300 + b"\r\n",
        b"NOOP\n",
        b"NOOP\rNOOP\r\n",
        b"\xff\r\n",
        b"\0\r\n",
        b"BDAT 1 LAST\r\n",
        b"QUIT\r\n",
    ]
)
PARTS = st.sampled_from([b"\r\n", b".", b"\r", b"\n", b".\r\n", b"text", b"x" * 50, b"\0", b"\r\n."])
CONTENT = st.lists(PARTS, max_size=30).map(lambda parts: b"".join(parts) + b"\r\n.\r\n")
BEGIN = b"LHLO me\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.net>\r\nDATA\r\n"


def cut(octets: bytes, places: list[int]) -> list[bytes]:
    ends = sorted({place % (len(octets) + 1) for place in places})
    return [octets[a:b] for a, b in zip([0, *ends], [*ends, len(octets)], strict=True)]


CUTS = st.lists(st.integers(0, 5000), max_size=40)


@given(st.lists(LINES, max_size=20).map(b"".join), CUTS)
def test_commands_read_the_same_however_they_are_cut(octets: bytes, places: list[int]) -> None:
    assert converse(cut(octets, places)) == converse([octets])


@given(CONTENT, st.lists(LINES, max_size=5).map(b"".join), CUTS)
def test_content_reads_the_same_however_it_is_cut(content: bytes, behind: bytes, places: list[int]) -> None:
    assert converse([BEGIN, *cut(content + behind, places)]) == converse([BEGIN, content + behind])


@given(CONTENT)
def test_content_octet_by_octet(content: bytes) -> None:
    assert converse([BEGIN, *(bytes([octet]) for octet in content)]) == converse([BEGIN, content])


TEXT_LINES = st.lists(st.text(st.characters(codec="latin-1", exclude_characters="\r\n"), max_size=20), max_size=20)


@given(TEXT_LINES)
def test_any_lines_arrive_as_they_were_before_stuffing(lines: list[str]) -> None:
    message = b"".join(line.encode("latin-1") + b"\r\n" for line in lines)
    stuffed = b"".join(b"." * line.startswith(".") + line.encode("latin-1") + b"\r\n" for line in lines)
    assert len(stuffed) <= most_octets(len(message))
    events, _, state = converse([BEGIN, stuffed + b".\r\n"], evolve(SMALL, max_size=1000))
    assert [event.raw for event in events if isinstance(event, MessageReceived)] == [message]
    assert state is State.READY


@given(st.integers(0, 1200), st.booleans())
def test_size_is_counted_without_stuffing_and_end(size: int, dots: bool) -> None:
    line = b".\r\n" if dots else b"x\r\n"
    message = line * (size // 3)
    stuffed = message.replace(b".\r\n", b"..\r\n")
    events, output, _ = converse([BEGIN, stuffed, b".\r\n"], evolve(SMALL, max_size=600))
    if len(message) <= 600:
        assert isinstance(events[-1], MessageReceived)
        assert events[-1].raw == message
    else:
        assert output.endswith(b"552 5.3.4 the message is larger than 600 octets\r\n")


@given(st.binary(max_size=300), CUTS)
def test_a_message_that_is_taken_has_whole_lines_only(content: bytes, places: list[int]) -> None:
    events, _, _ = converse([BEGIN, *cut(content + b"\r\n.\r\n", places)], evolve(SMALL, max_size=1000))
    for event in events:
        if isinstance(event, MessageReceived):
            rest = event.raw.replace(b"\r\n", b"")
            assert b"\r" not in rest
            assert b"\n" not in rest


@pytest.mark.parametrize("tail", [b".\r\nxyz"[:length] for length in range(7)])
def test_what_follows_a_dropped_beginning_is_not_taken_for_an_empty_message(tail: bytes) -> None:
    pieces = [b"x" * 500 + tail, b"QUIT\r\n", b"\r\n.\r\n"]
    _, output, state = converse([BEGIN, *pieces])
    assert output.endswith(b"552 5.3.4 the message is larger than 60 octets\r\n")
    assert state is State.READY
    assert (output, state) == converse([BEGIN, b"".join(pieces)])[1:]


@pytest.mark.parametrize("end", [b"\r\n", b"x\n"])
def test_the_end_of_an_overlong_line_may_be_cut_in_two(end: bytes) -> None:
    pieces = [b"LHLO me\r\n" + b"x" * 600 + end[:1], end[1:], b"NOOP\r\n"]
    assert converse(pieces) == converse([b"".join(pieces)])


def test_what_is_kept_of_a_message_that_is_too_big_is_bounded() -> None:
    dialogue = Dialogue(Session("test"), SMALL)
    for octets in (BEGIN[:-6], b"DATA\r\n"):
        dialogue.receive(octets)
        while event := dialogue.next_event():
            answer(dialogue, event)
    for _ in range(1000):
        dialogue.receive(b"x" * 1000)
        assert dialogue.next_event() is None
        assert dialogue.buffered <= most_octets(SMALL.max_size) + 5
    dialogue.receive(b"\r\n.\r\n")
    assert dialogue.next_event() is None
    assert dialogue.take_output().endswith(b"552 5.3.4 the message is larger than 60 octets\r\n")


def test_what_is_kept_of_a_command_line_is_bounded() -> None:
    dialogue = Dialogue(Session("test"), SMALL)
    for _ in range(1000):
        dialogue.receive(b"x" * 1000)
        assert dialogue.next_event() is None
        assert dialogue.buffered <= SMALL.max_line


def test_a_million_garbage_commands_get_a_handful_of_replies() -> None:
    dialogue = Dialogue(Session("test"), Limits())
    for _ in range(1000):
        dialogue.receive(b"garbage\r\n" * 1000)
        assert dialogue.next_event() is None
    assert dialogue.state is State.CLOSED
    assert dialogue.take_output().count(b"\r\n") == Limits().max_errors + 2
    assert dialogue.buffered == 0


@pytest.mark.parametrize(
    "line", [b"LHLO me", b"NOOP", b"RSET", b"VRFY x", b"HELP", b"DATA", b"MAIL FROM:<>", b"RCPT TO:<b@c>"]
)
def test_no_command_can_be_repeated_for_ever(line: bytes) -> None:
    dialogue = Dialogue(Session("test"), Limits(max_recipients=100))
    dialogue.receive(b"LHLO me\r\nMAIL FROM:<>\r\n")
    for _ in range(1200):
        dialogue.receive(line + b"\r\n")
        while event := dialogue.next_event():
            answer(dialogue, event)
    assert dialogue.state is State.CLOSED


def test_verbs_are_ascii() -> None:
    _, output, _ = converse(["RſET\r\nno op\r\nNOOP \r\nLHLO me\r\n".encode()])
    assert output.count(b"500 5.5.1 Command unknown\r\n") == 4


def test_refused_recipients_are_bounded_too() -> None:
    events, output, state = converse(
        [b"LHLO me\r\nMAIL FROM:<>\r\n" + b"RCPT TO:<unknown@example.net>\r\n" * 100], evolve(SMALL, max_wasted=5)
    )
    assert state is State.CLOSED
    assert output.endswith(b"421 4.7.0 Too many commands without a message; closing\r\n")
    assert len(events) == 5


def test_messages_make_up_for_wasted_commands() -> None:
    one = [b"MAIL FROM:<>\r\nRCPT TO:<unknown@x.example>\r\nRCPT TO:<b@x.example>\r\nDATA\r\n", b".\r\n", b"RSET\r\n"]
    events, _, state = converse([b"LHLO me\r\n", *(one * 50)])
    assert state is State.READY
    assert sum(isinstance(event, MessageReceived) for event in events) == 50


@pytest.mark.parametrize("reply", [Reply(354, None, "go"), Reply(334, None, "")])
def test_the_sink_cannot_answer_with_an_intermediate_reply(reply: Reply) -> None:
    dialogue = Dialogue(Session("test"), SMALL)
    dialogue.receive(BEGIN)
    assert isinstance(dialogue.next_event(), RecipientOffered)
    with pytest.raises(ValueError, match="neither accepts nor refuses"):
        dialogue.answer_recipient(reply)
    assert dialogue.state is State.CHECKING


class Law(RuleBasedStateMachine):
    """Random commands against a model of the state table; one command at a time, so each reply is the command's own."""

    def __init__(self) -> None:
        super().__init__()
        self.dialogue = Dialogue(Session("test"), evolve(SMALL, max_errors=10**6, max_wasted=10**6))
        self.model = State.OPENED
        self.greeted = False
        self.accepted = 0

    def say(self, line: bytes) -> str:
        self.dialogue.receive(line + b"\r\n")
        self.event = self.dialogue.next_event()
        return self.dialogue.take_output().decode()

    @precondition(lambda self: self.model in (State.OPENED, State.READY, State.SENDER))
    @rule()
    def hello(self) -> None:
        assert self.say(b"LHLO me").startswith("250-mx.test\r\n")
        self.model, self.greeted, self.accepted = State.READY, True, 0

    @precondition(lambda self: self.model in (State.OPENED, State.READY, State.SENDER))
    @rule(good=st.booleans())
    def mail(self, good: bool) -> None:
        reply = self.say(b"MAIL FROM:<a@example.org>" if good else b"MAIL FROM:<")
        if self.model is not State.READY:
            assert reply.startswith("503 ")
        elif good:
            assert reply.startswith("250 ")
            self.model = State.SENDER
        else:
            assert reply.startswith("501 ")

    @precondition(lambda self: self.model in (State.OPENED, State.READY, State.SENDER))
    @rule(good=st.booleans())
    def rcpt(self, good: bool) -> None:
        reply = self.say(b"RCPT TO:<b@example.org>" if good else b"RCPT TO:<>")
        if self.model is not State.SENDER:
            assert reply.startswith("503 ")
        elif not good:
            assert reply.startswith("501 ")
        elif self.accepted == SMALL.max_recipients:
            assert reply.startswith("452 4.5.3")
        else:
            assert reply == ""
            assert isinstance(self.event, RecipientOffered)
            self.model = State.CHECKING

    @precondition(lambda self: self.model is State.CHECKING)
    @rule(yes=st.booleans())
    def answer_recipient(self, yes: bool) -> None:
        self.dialogue.answer_recipient(OK if yes else NO)
        assert self.dialogue.take_output() == (OK if yes else NO).wire
        self.model = State.SENDER
        self.accepted += yes

    @precondition(lambda self: self.model in (State.OPENED, State.READY, State.SENDER))
    @rule()
    def data(self) -> None:
        reply = self.say(b"DATA")
        if self.accepted and self.model is State.SENDER:
            assert reply.startswith("354 ")
            self.model = State.CONTENT
        else:
            assert reply.startswith("503 ")

    @precondition(lambda self: self.model is State.CONTENT)
    @rule(content=st.sampled_from([b"hello\r\n.", b".", b"x" * 100 + b"\r\n.", b"a\nb\r\n."]))
    def content(self, content: bytes) -> None:
        reply = self.say(content)
        if content in (b"hello\r\n.", b"."):
            assert isinstance(self.event, MessageReceived)
            assert len(self.event.envelope.recipients) == self.accepted
            self.model = State.DELIVERING
        else:
            assert reply.count("\r\n") == self.accepted
            assert all(line.startswith(("552 ", "554 ")) for line in reply.splitlines())
            self.model, self.accepted = State.READY, 0

    @precondition(lambda self: self.model is State.DELIVERING)
    @rule()
    def answer_message(self) -> None:
        with pytest.raises(ValueError, match="recipients, but"):
            self.dialogue.answer_message([OK] * (self.accepted + 1))
        self.dialogue.answer_message([OK] * self.accepted)
        assert self.dialogue.take_output() == OK.wire * self.accepted
        self.model, self.accepted = State.READY, 0

    @precondition(lambda self: self.model in (State.OPENED, State.READY, State.SENDER))
    @rule()
    def rset(self) -> None:
        assert self.say(b"RSET") == "250 2.0.0 Ok\r\n"
        self.model, self.accepted = State.READY if self.greeted else State.OPENED, 0

    @rule()
    def octets_are_kept_while_the_sink_works_and_dropped_when_closed(self) -> None:
        if self.model in (State.CHECKING, State.DELIVERING):
            before = self.dialogue.buffered
            assert self.say(b"NOOP") == ""
            assert self.dialogue.buffered == before + 6
            self.dialogue._input.clear()  # the model follows one command at a time
        elif self.model is State.CLOSED:
            assert self.say(b"NOOP") == ""
            assert self.dialogue.buffered == 0

    @precondition(lambda self: self.model is not State.CLOSED)
    @rule(chance=st.integers(0, 9))
    def shut_down(self, chance: int) -> None:
        if chance == 0:
            self.dialogue.close(Reply(421, "4.3.2", "closing"))
            assert self.dialogue.take_output() == b"421 4.3.2 closing\r\n"
            self.model, self.accepted = State.CLOSED, 0

    @invariant()
    def state_is_the_models(self) -> None:
        assert self.dialogue.state is self.model


TestLaw = Law.TestCase
TestLaw.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
