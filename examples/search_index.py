"""A search index over tantivy: a skeleton to copy. `tests/search/test_example_index.py` holds it to the law.

tantivy has its own files and its own commits, so it cannot take part in the store's transactions. What happens to
messages is therefore appended to a space of the store's, in the transaction in which it happens, and a search first
takes up what it hasn't yet: nothing lags, nothing of a failed transaction is seen, and a crash costs nothing, for how
far tantivy has come is a part of its own commit. An entry's position is its message's number.

One process may write to a tantivy index; others would have to ask it. What is taken up could be trimmed from the space.
"""

import re
import threading
from pathlib import Path

import msgspec
import tantivy

from mailkit.ids import Id
from mailkit.mailstore.follower import Added, Change, Emptied, Flagged, Moved, Removed
from mailkit.mailstore.records import State
from mailkit.mime.parse import Message
from mailkit.search.api import Found, Hit, Order
from mailkit.search.document import document
from mailkit.search.query import (
    FIELDS,
    All,
    And,
    Attached,
    Between,
    Flag,
    In,
    Not,
    Nothing,
    Or,
    Query,
    Text,
    Thread,
    Uids,
)
from mailkit.storage.api import ReadTx, Tx

SPACE = b"search-tantivy"
FLAGS = ("\\Seen", "\\Flagged", "\\Deleted")
REACHED = "reached"
MOST = 1_000_000
NO_WORDS = msgspec.msgpack.encode((False, [[] for _ in FIELDS]))


class Row(msgspec.Struct):
    """What is known of a message."""

    account: int
    mailbox: bytes
    uid: int
    number: int
    date: int
    size: int
    thread: bytes
    flags: list[str]
    described: bytes

    @property
    def key(self) -> str:
        """Its name in tantivy."""
        return _key(self.account, self.mailbox, self.uid)


class Entry(msgspec.Struct):
    """What is appended: where a message lies, and what it is to become there; without any of that, it goes."""

    account: int
    mailbox: bytes
    uid: int | None
    row: Row | None = None
    to: tuple[bytes, int] | None = None
    flags: list[str] | None = None


def _key(account: int, mailbox: bytes, uid: int) -> str:
    return f"{account}:{mailbox.hex()}:{uid}"


def _flags(state: State) -> list[str]:
    return [flag for flag in FLAGS if state.has(flag)]


def _entry(change: Change) -> Entry:
    match change:
        case Added(account, mailbox, uid, row, state, described):
            known = Row(account, mailbox, uid, 0, row.idate, row.size, row.thread, _flags(state), described or NO_WORDS)
            return Entry(account, mailbox, uid, row=known)
        case Removed(account, mailbox, uid):
            return Entry(account, mailbox, uid)
        case Moved(account, mailbox, uid, to, to_uid):
            return Entry(account, mailbox, uid, to=(to, to_uid))
        case Flagged(account, mailbox, uid, state):
            return Entry(account, mailbox, uid, flags=_flags(state))
        case Emptied(account, mailbox):
            return Entry(account, mailbox, None)


def _schema() -> tantivy.Schema:
    build = tantivy.SchemaBuilder()
    for name in ("account", "number", "date", "size", "uid", "attached"):
        build.add_unsigned_field(name, indexed=True, fast=True)
    for name in ("key", "box", "mailbox", "thread", "flag"):
        build.add_text_field(name, tokenizer_name="raw", index_option="basic")
    build.add_bytes_field("row", stored=True)
    for letter in FIELDS:
        build.add_text_field(letter, tokenizer_name="whitespace", index_option="position")
    return build.build()


class TantivyIndex:
    """A `SearchIndex` in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._schema = _schema()
        self._index = tantivy.Index(self._schema, str(folder))
        self._index.register_tokenizer(
            "whitespace", tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace()).build()
        )
        self._writer = self._index.writer(15_000_000, 1)
        self._lock = threading.Lock()
        self._reached = self._number_reached()

    def describe(self, message: Message) -> bytes:
        """Its words: of each field, the runs between gaps."""
        known = document(message)
        fields = [" ".join(word.decode() for word in words).split("  ") for words in known.fields]
        return msgspec.msgpack.encode((known.attached, fields))

    def changed(self, tx: Tx, change: Change) -> None:
        """Appends what happened. Of a message that comes without words (`described` is None: a copy) a real plug-in
        would read the text later; here it has none."""
        tx.append(SPACE, msgspec.msgpack.encode(_entry(change), enc_hook=bytes))  # an Id is bytes

    def find(
        self,
        tx: ReadTx,
        account: int,
        query: Query,
        *,
        order: Order = "arrival",
        limit: int = 20,
        after: tuple[int, int] | None = None,
        backwards: bool = False,
    ) -> Found:
        """A page of hits; see `mailkit.search.api.SearchIndex`."""
        with self._lock:
            self._follow(tx)
            self._index.reload()
            searcher = self._index.searcher()
        asked = tantivy.Query.boolean_query(
            [(tantivy.Occur.Must, self._number("account", account, account)), (tantivy.Occur.Must, self._asked(query))]
        )
        found = [searcher.doc(address) for _, address in searcher.search(asked, limit=MOST).hits]
        rows = [msgspec.msgpack.decode(one.get_first("row"), type=Row) for one in found]
        hits = sorted((_hit(row, order) for row in rows), key=lambda hit: hit.at, reverse=order != "oldest")
        down = order != "oldest"
        if backwards:
            hits.reverse()
            down = not down
        behind = [hit for hit in hits if after is None or (hit.at < after if down else hit.at > after)]
        page, more = behind[:limit], len(behind) > limit
        if backwards:
            return Found(tuple(page[::-1]), len(hits), more, after is not None)
        return Found(tuple(page), len(hits), after is not None, more)

    def close(self) -> None:
        """Lets go of the folder."""
        self._writer.wait_merging_threads()
        del self._writer

    # what is asked

    def _asked(self, query: Query) -> tantivy.Query:
        make = tantivy.Query
        match query:
            case All():
                return make.all_query()
            case Nothing():
                return make.empty_query()
            case And(parts):
                return make.boolean_query([(tantivy.Occur.Must, self._asked(part)) for part in parts])
            case Or(parts):
                return make.boolean_query([(tantivy.Occur.Should, self._asked(part)) for part in parts])
            case Not(part):
                return make.boolean_query(
                    [(tantivy.Occur.Must, make.all_query()), (tantivy.Occur.MustNot, self._asked(part))]
                )
            case Text():
                return self._any([self._words(letter, query) for letter in query.fields or FIELDS])
            case Attached():
                return self._number("attached", 1, 1)
            case Thread(id):
                return make.term_query(self._schema, "thread", str(id))
            case Flag(name):
                return make.term_query(self._schema, "flag", name)
            case In(mailboxes):
                return self._any([make.term_query(self._schema, "mailbox", str(id)) for id in mailboxes])
            case Between(what, least, most):
                return self._number(what, least, most)
            case Uids(ranges):
                return self._any([self._number("uid", first, last) for first, last in ranges])

    def _any(self, parts: list[tantivy.Query]) -> tantivy.Query:
        return tantivy.Query.boolean_query([(tantivy.Occur.Should, part) for part in parts])

    def _number(self, name: str, least: int, most: int) -> tantivy.Query:
        if least > most:
            return tantivy.Query.empty_query()
        return tantivy.Query.range_query(self._schema, name, tantivy.FieldType.Unsigned, max(0, least), most)

    def _words(self, letter: str, text: Text) -> tantivy.Query:
        found = [word.decode() for word in text.words]
        if not text.open_start and not text.open_end:
            if len(found) == 1:
                return tantivy.Query.term_query(self._schema, letter, found[0])
            return tantivy.Query.phrase_query(self._schema, letter, list(found))
        patterns = [re.escape(word) for word in found]
        patterns[0] = (".*" if text.open_start else "") + patterns[0]
        patterns[-1] += ".*" if text.open_end else ""
        if len(patterns) == 1:
            return tantivy.Query.regex_query(self._schema, letter, patterns[0])
        return tantivy.Query.regex_phrase_query(self._schema, letter, list(patterns))

    # what has happened

    def _row(self, searcher: tantivy.Searcher, key: str) -> Row | None:
        found = searcher.search(tantivy.Query.term_query(self._schema, "key", key), limit=1).hits
        if not found:
            return None
        return msgspec.msgpack.decode(searcher.doc(found[0][1]).get_first("row"), type=Row)

    def _number_reached(self) -> int:
        """The position up to which everything is in tantivy; a document of its own says so."""
        row = self._row(self._index.searcher(), REACHED)
        return 0 if row is None else row.number

    def _follow(self, tx: ReadTx) -> None:
        """Takes up what was appended since the last time, in one commit of tantivy's."""
        entries = list(tx.appended(SPACE, self._reached))
        if not entries:
            return
        searcher = self._index.searcher()
        rows: dict[str, Row | None] = {}
        for position, data in entries:
            entry = msgspec.msgpack.decode(data, type=Entry)
            if entry.uid is None:
                self._writer.delete_documents_by_term("box", _key(entry.account, entry.mailbox, 0))
                for key, row in rows.items():
                    if row is not None and (row.account, row.mailbox) == (entry.account, entry.mailbox):
                        rows[key] = None
                continue
            key = _key(entry.account, entry.mailbox, entry.uid)
            row = rows[key] if key in rows else self._row(searcher, key)
            rows[key] = None
            if entry.row is not None:
                rows[key] = msgspec.structs.replace(entry.row, number=position)
            elif row is not None and entry.to is not None:
                moved = msgspec.structs.replace(row, mailbox=entry.to[0], uid=entry.to[1])
                rows[moved.key] = moved
            elif row is not None and entry.flags is not None:
                rows[key] = msgspec.structs.replace(row, flags=entry.flags)
        self._reached = entries[-1][0]
        rows[REACHED] = Row(0, b"", 0, self._reached, 0, 0, b"", [], NO_WORDS)
        for key, row in rows.items():
            self._writer.delete_documents_by_term("key", key)
            if row is not None:
                self._writer.add_document(_document(key, row))
        self._writer.commit()


def _document(key: str, row: Row) -> tantivy.Document:
    attached, fields = msgspec.msgpack.decode(row.described, type=tuple[bool, list[list[str]]])
    made = tantivy.Document()
    for name in ("account", "number", "date", "size", "uid"):
        made.add_unsigned(name, getattr(row, name))
    made.add_unsigned("attached", int(attached))
    made.add_text("key", key)
    made.add_text("box", _key(row.account, row.mailbox, 0))
    made.add_text("mailbox", row.mailbox.hex())
    made.add_text("thread", row.thread.hex())
    for flag in row.flags:
        made.add_text("flag", flag)
    for letter, runs in zip(FIELDS, fields, strict=True):
        for run in runs:  # positions are further apart between two values than within one
            made.add_text(letter, run)
    made.add_bytes("row", msgspec.msgpack.encode(row))
    return made


def _hit(row: Row, order: Order) -> Hit:
    return Hit(Id(row.mailbox), row.uid, (0 if order == "arrival" else row.date, row.number))
