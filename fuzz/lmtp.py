"""Throws mutated conversations at the LMTP core.

    python -m fuzz.lmtp [--seconds 30] [--seed N]

What must hold for any octets: no exception; the same events and replies however the octets are cut (content apart from
its DATA, see law 3 of the dialogue); a message that is taken has whole lines, fits the limit and ends in CRLF; what is
kept while reading is bounded; every reply line is well-formed.
"""

import argparse
import random
import re
import time

from mailkit.listeners import Limits, Reply, Session
from mailkit.listeners.content import most_octets
from mailkit.listeners.dialogue import Dialogue, Event, MessageReceived, State

LIMITS = Limits(max_size=200, max_recipients=2, max_line=512, max_errors=8, max_wasted=12)
REPLY = re.compile(rb"[2-5]\d\d[ -][\x20-\x7e]*")
OK = Reply(250, "2.0.0", "Ok")
NO = Reply(550, "5.1.1", "No")

LINES = [
    b"LHLO me\r\n", b"MAIL FROM:<a@example.org>\r\n", b"MAIL FROM:<> SIZE=10 BODY=8BITMIME SMTPUTF8\r\n",
    b"RCPT TO:<b@example.net>\r\n", b'RCPT TO:<"q q"@[192.0.2.1]>\r\n', b"RCPT TO:<no@example.net>\r\n",
    b"DATA\r\n", b"Subject: x\r\n\r\n..dot\r\n", b".\r\n", b"\r\n.\r\n", b"RSET\r\n", b"NOOP\r\n", b"QUIT\r\n",
]  # fmt: skip
SPICE = [
    b"\r", b"\n", b".", b"\r\n", b"\0", b"<", b">", b"@", b'"', b"\\", b" ", b":", b"[", b"IPv6:", b"=", b"\xc3\xbc",
    b"\xff", b"x" * 600, b"\r\n.\n", b"\n.\r\n", b"\r.\r",
]  # fmt: skip


def conversation(chance: random.Random) -> list[bytes]:
    """Groups of octets, each sent after the server's answer to the one before; DATA ends a group."""
    lines = [LINES[0], LINES[1], LINES[3], LINES[6]] if chance.random() < 0.7 else []
    lines += chance.choices(LINES, k=chance.randrange(12))
    groups, group = [], b""
    for line in lines:
        while chance.random() < 0.25:
            at = chance.randrange(len(line) + 1)
            cut = chance.randrange(3)
            line = line[:at] + chance.choice(SPICE) + line[at + cut :]
        group += line
        if b"DATA" in line:
            groups.append(group)
            group = b""
    return [*groups, group]


def run(pieces: list[bytes]) -> tuple[list[Event], bytes, State]:
    dialogue = Dialogue(Session("fuzz"), LIMITS)
    events: list[Event] = []
    output = b""
    for piece in pieces:
        dialogue.receive(piece)
        while event := dialogue.next_event():
            events.append(event)
            if isinstance(event, MessageReceived):
                dialogue.answer_message([OK] * len(event.envelope.recipients))
            else:
                dialogue.answer_recipient(NO if event.recipient.mailbox.local == "no" else OK)
        assert dialogue.buffered <= max(LIMITS.max_line, most_octets(LIMITS.max_size) + 5)
        output += dialogue.take_output()
    return events, output, dialogue.state


def check(groups: list[bytes], chance: random.Random) -> None:
    events, output, state = run(groups)
    for event in events:
        if isinstance(event, MessageReceived):
            assert len(event.raw) <= LIMITS.max_size
            assert not event.raw or event.raw.endswith(b"\r\n")
            assert not set(b"\r\n") & set(event.raw.replace(b"\r\n", b""))
            assert 1 <= len(event.envelope.recipients) <= LIMITS.max_recipients
    assert all(REPLY.fullmatch(line) for line in output.split(b"\r\n")[:-1]), output
    if any(b"DATA" in group[:-6].upper() for group in groups) or b"Octets behind" in output:
        return  # law 3: here the cut matters, and is meant to
    pieces = []
    for group in groups:
        ends = sorted(chance.randrange(len(group) + 1) for _ in range(chance.randrange(6)))
        pieces += [group[a:b] for a, b in zip([0, *ends], [*ends, len(group)], strict=True)]
    again = run(pieces)
    assert again == (events, output, state), f"cut as {pieces}: {again} instead of {(events, output, state)}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    options = parser.parse_args()
    chance = random.Random(options.seed)
    end, count, messages = time.monotonic() + options.seconds, 0, 0
    while time.monotonic() < end:
        groups = conversation(chance)
        try:
            check(groups, chance)
        except Exception:
            print(f"seed {options.seed}, conversation {count}: {groups!r}")
            raise
        count += 1
        messages += any(isinstance(event, MessageReceived) for event in run(groups)[0])
    print(f"{count} conversations, {messages} of them with a message taken; seed {options.seed}")


if __name__ == "__main__":
    main()
