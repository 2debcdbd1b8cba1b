"""The law of `mailkit.search.api`: an index answers exactly what `search.match` says, whatever has happened before."""

import random
from collections.abc import Callable
from typing import Protocol

import pytest
from attrs import evolve

from mailkit.ids import Id, new_id
from mailkit.mailstore.follower import Added, Change, Flagged, Moved, Removed
from mailkit.mailstore.records import FLAGS, Message, State
from mailkit.mime.parse import parse
from mailkit.search.api import SearchIndex
from mailkit.search.document import Document, Facts, document
from mailkit.search.match import matches
from mailkit.search.query import (
    ALL,
    ASKED,
    And,
    Attached,
    Between,
    Flag,
    In,
    Not,
    Or,
    Query,
    Text,
    Thread,
    Uids,
)
from mailkit.search.terms import words
from mailkit.storage.api import Store, Tx

__all__ = ["Indexed", "SearchContract", "Walk"]

_VOCABULARY = [
    "a",
    "an",
    "and",
    "ant",
    "antler",
    "be",
    "bee",
    "beet",
    "lunch",
    "lunches",
    "launch",
    "friday",
    "日本語",
    "日本",
    "本",
    "cafe",
    "café",
    "Straße",
    "x1",
    "x12",
    "über",
]
_MAILBOXES = tuple(Id(bytes([n]) * 12) for n in (1, 2, 3))
_THREADS = tuple(Id(bytes([n]) * 12) for n in (7, 8, 9))
_FLAGS = ("\\Seen", "\\Flagged", "\\Deleted")


class Indexed(Protocol):
    """What the fixture `indexed` gives: an index over an empty store, and a way to let its background work happen."""

    store: Store
    index: SearchIndex

    def settle(self) -> None:
        """Runs what would run in the background by now."""


class Walk:
    """A random history of two accounts' mail, told to an index and kept in a dictionary."""

    def __init__(self, indexed: Indexed, seed: int) -> None:
        self.indexed = indexed
        self.random = random.Random(seed)  # a test's
        self.mail: dict[tuple[int, Id, int], tuple[Document, Facts]] = {}
        self.uid = 0

    def words(self, most: int) -> str:
        """Some words and things between them."""
        between = self.random.choice
        return "".join(
            between(_VOCABULARY) + between((" ", " ", ", ", "-", "\r\n")) for _ in range(self.random.randint(0, most))
        )

    def line(self) -> str:
        """A few words."""
        return self.words(4).replace("\r\n", " ")

    def message(self) -> bytes:
        """A message of few different words, so that queries find some."""
        names = ", ".join(
            f'"{self.line()}" <{self.random.choice(_VOCABULARY[:9])}@example.org>'
            for _ in range(self.random.randint(1, 3))
        )
        attached = self.random.random() < 0.2
        head = f"From: {names}\r\nTo: {self.line()} <bee@example.net>\r\nSubject: {self.line()}\r\n"
        if self.random.random() < 0.3:
            head += "Cc: ant@example.com\r\nBcc: lunch@example.com\r\nReply-To: beet@example.com\r\n"
        length = 1_000 if self.random.random() < 0.03 else 30
        text = f"Content-Type: text/plain; charset=utf-8\r\n\r\n{self.words(length)}\r\n"
        if not attached:
            return (head + text).encode()
        name = self.line().replace('"', "")
        return (
            f"{head}Content-Type: multipart/mixed; boundary=zz\r\n\r\n--zz\r\n{text}--zz\r\n"
            "Content-Type: application/pdf\r\n"
            f'Content-Disposition: attachment; filename="{name}.pdf"\r\n\r\nx\r\n--zz--\r\n'
        ).encode()

    def add(self, account: int, raw: bytes) -> None:
        """A message arrives."""
        self.uid += 1
        parsed = parse(raw)
        flags = frozenset(flag for flag in _FLAGS if self.random.random() < 0.3)
        facts = Facts(
            date=1_000 + self.random.randint(0, 50),
            size=len(raw),
            thread=self.random.choice(_THREADS),
            mailbox=self.random.choice(_MAILBOXES),
            uid=self.uid,
            flags=flags,
        )
        row = Message(id=new_id(), size=len(raw), idate=facts.date, segments=(raw,), thread=facts.thread)
        described = self.indexed.index.describe(parsed)
        self.tell(Added(account, facts.mailbox, self.uid, row, _state(flags), described))
        self.mail[account, facts.mailbox, self.uid] = document(parsed), facts

    def change(self) -> None:
        """A message goes, moves or gets other flags."""
        if not self.mail:
            return
        key = self.random.choice(sorted(self.mail))
        account, mailbox, uid = key
        known, facts = self.mail[key]
        what = self.random.random()
        if what < 0.3:
            self.tell(Removed(*key))
            del self.mail[key]
        elif what < 0.6:
            self.uid += 1
            to = self.random.choice(_MAILBOXES)
            self.tell(Moved(account, mailbox, uid, to, self.uid))
            del self.mail[key]
            self.mail[account, to, self.uid] = known, evolve(facts, mailbox=to, uid=self.uid)
        else:
            flags = frozenset(flag for flag in _FLAGS if self.random.random() < 0.5)
            self.tell(Flagged(account, mailbox, uid, _state(flags)))
            self.mail[key] = known, evolve(facts, flags=flags)

    def tell(self, change: Change) -> None:
        """In a transaction of its own; now and then one that fails comes before it."""
        if self.random.random() < 0.1:

            def fails(tx: Tx) -> None:
                self.indexed.index.changed(tx, change)
                raise ZeroDivisionError

            with pytest.raises(ZeroDivisionError):
                self.indexed.store.transact(fails)
        self.indexed.store.transact(lambda tx: self.indexed.index.changed(tx, change))

    def query(self, depth: int = 2) -> Query:
        """Anything that can be asked."""
        pick = self.random.random()
        if depth and pick < 0.45:
            parts = tuple(self.query(depth - 1) for _ in range(self.random.randint(1, 3)))
            kind = self.random.randrange(3)
            return And(parts) if kind == 0 else Or(parts) if kind == 1 else Not(parts[0])
        if pick < 0.85:
            return self.text()
        choice: Callable[..., int] = self.random.randint
        conditions: list[Query] = [
            ALL,
            Attached(),
            Thread(self.random.choice(_THREADS)),
            Flag(self.random.choice(_FLAGS)),
            In(tuple(self.random.sample(_MAILBOXES, 2))),
            Between("date", choice(990, 1_040), choice(1_000, 1_060)),
            Between("size", choice(0, 400), choice(100, 900)),
            Uids(((choice(0, 50), choice(0, 200)), (choice(10, 20), choice(20, 30)))),
        ]
        return self.random.choice(conditions)

    def text(self) -> Query:
        """Words, half of the time as they stand in some message."""
        found: list[bytes] = []
        if self.mail and self.random.random() < 0.6:
            known, _ = self.mail[self.random.choice(sorted(self.mail))]
            field = [word for word in self.random.choice(known.fields) if word]
            start = self.random.randint(0, max(0, len(field) - 1))
            found = field[start : start + self.random.randint(1, 4)]
        found = found or [
            word for _ in range(self.random.randint(1, 3)) for word in words(self.random.choice(_VOCABULARY))
        ]
        if self.random.random() < 0.3:
            found[-1] = found[-1][: self.random.randint(1, 3)].decode("utf-8", "ignore").encode() or found[-1]
        fields = "" if self.random.random() < 0.6 else "".join(self.random.sample(ASKED, self.random.randint(1, 3)))
        return Text(tuple(found), fields, open_end=self.random.random() < 0.4, open_start=self.random.random() < 0.2)

    def meant(self, account: int, query: Query) -> set[tuple[Id, int]]:
        """Where the messages lie that the law says are found."""
        return {
            (mailbox, uid)
            for (owner, mailbox, uid), (known, facts) in self.mail.items()
            if owner == account and matches(query, known, facts)
        }

    def found(self, account: int, query: Query) -> set[tuple[Id, int]]:
        """Where the index says they lie, all of them on one page."""
        with self.indexed.store.snapshot() as tx:
            page = self.indexed.index.find(tx, account, query, limit=10_000)
        assert page.total == len(page.hits)
        return {(hit.mailbox, hit.uid) for hit in page.hits}


def _state(flags: frozenset[str]) -> State:
    return State(modseq=1, flags=sum(FLAGS[flag] for flag in flags))


class SearchContract:
    """Runs with a fixture `indexed`; see `Indexed`."""

    effort = 1

    @pytest.mark.parametrize("seed", range(4))
    def test_index_answers_what_match_says(self, indexed: Indexed, seed: int) -> None:
        walk = Walk(indexed, seed)
        hits = 0
        for step in range(150 * self.effort):
            if walk.random.random() < 0.6:
                walk.add(walk.random.choice((5, 5, 5, 6)), walk.message())
            else:
                walk.change()
            if walk.random.random() < 0.1:
                indexed.settle()
            if step % 5 == 0:
                for _ in range(4):
                    query, account = walk.query(), walk.random.choice((5, 6))
                    found = walk.found(account, query)
                    assert found == walk.meant(account, query), query
                    hits += bool(found)
        assert hits > 10 * self.effort  # the walk asks for what is there

    @pytest.mark.parametrize("order", ["arrival", "oldest", "newest"])
    def test_pages_partition_what_is_found_while_mail_comes_and_goes(self, indexed: Indexed, order: str) -> None:
        walk = Walk(indexed, 99)
        for _ in range(60):
            walk.add(5, walk.message())
        query = Text((b"a",), open_end=True)
        before = walk.found(5, query)
        seen: list[tuple[Id, int]] = []
        removed: set[tuple[Id, int]] = set()
        place: tuple[int, int] | None = None
        starts = []
        while True:
            with indexed.store.snapshot() as tx:
                page = indexed.index.find(tx, 5, query, order=order, limit=7, after=place)  # type: ignore[arg-type]
            seen += [(hit.mailbox, hit.uid) for hit in page.hits]
            starts.append([hit.at for hit in page.hits])
            if not page.after:
                break
            place = page.hits[-1].at
            indexed.settle()
            walk.add(5, walk.message())
            mailbox, uid = walk.random.choice(sorted(before - removed))
            walk.tell(Removed(5, mailbox, uid))
            del walk.mail[5, mailbox, uid]
            removed.add((mailbox, uid))
        assert len(seen) == len(set(seen))
        assert before - removed <= set(seen)
        assert [at for page in starts for at in page] == sorted(
            (at for page in starts for at in page), reverse=order != "oldest"
        )
        with indexed.store.snapshot() as tx:
            last = starts[-1][0] if starts[-1] else place
            back = indexed.index.find(tx, 5, query, order=order, limit=3, after=last, backwards=True)  # type: ignore[arg-type]
        assert back.after
        assert [hit.at for hit in back.hits] == sorted((hit.at for hit in back.hits), reverse=order != "oldest")
