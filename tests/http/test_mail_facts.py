"""What the reference servers do with mail, fact by fact, and where it is shown: `mail_facts.tsv`.

A place is `conversation.txt: words that stand in it`, `tests/...py::test`, or `not yet: why`. Here are also the tests
of facts that fit no conversation.
"""

import asyncio
import csv
import re
from pathlib import Path
from typing import Any

import pytest

from mailkit import MailKit, journal
from mailkit.http.declare import params_of
from mailkit.http.wildduck import attachments
from mailkit.http.wildduck.attachments import GetAttachment
from mailkit.http.wildduck.storage import UploadFile
from mailkit.http.wildduck.update_events import event_id
from mailkit.http.wildduck.updates import GetUpdates, get_updates
from mailkit.http.wildduck.upload import UploadMessage, upload_message
from mailkit.mailstore.flags import Change
from mailkit.mailstore.folders import Folder
from mailkit.mailstore.mailbox_changes import Alteration
from mailkit.mailstore.selection import Selection
from mailkit.principals.permits import LOCAL_ADMINISTRATOR

HERE = Path(__file__).parent
ROOT = HERE.parents[1]

with (HERE / "mail_facts.tsv").open(newline="", encoding="utf-8") as file:
    FACTS = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE, strict=True))


def places(row: dict[str, str]) -> list[str]:
    return re.split(r"; (?=tests/|[a-z_]+\.txt: )", row["shown by"])


@pytest.mark.parametrize("row", FACTS, ids=lambda row: f"{row['area']}: {row['fact']}")
def test_every_fact_is_shown_where_the_table_says(row: dict[str, str]) -> None:
    assert row["fact"]
    for place in places(row):
        if place.startswith("not yet: "):
            continue
        if "::" in place:
            path, _, name = place.partition("::")
            assert re.search(rf"^def {name}\(", (ROOT / path).read_text(encoding="utf-8"), re.MULTILINE), place
        else:
            name, _, words = place.partition(": ")
            text = (HERE / "conversations" / name).read_text(encoding="utf-8")
            assert words in text, place


def test_facts_are_told_once() -> None:
    told = [(row["area"], row["fact"]) for row in FACTS]
    assert len(set(told)) == len(told) > 100


def test_the_limits_are_those_of_the_reference() -> None:
    def limit(cls: type[Any], name: str) -> int:
        return int(params_of(cls)[name][1].rule.schema()["maxLength"])

    assert [limit(UploadMessage, name) for name in ("raw", "subject", "text", "html")] == [
        67_108_864, 2_048, 1_048_576, 1_048_576,
    ]  # fmt: skip
    assert [limit(UploadFile, name) for name in ("content", "filename", "contentType", "cid")] == [
        67_108_864, 255, 255, 255,
    ]  # fmt: skip
    rule = params_of(UploadMessage)["metaData"][1].rule
    fits = {"a": "x" * (1_048_576 - len('{"a":""}'))}
    assert len(rule.read(fits)) == 1_048_576


def parts(*parts: str) -> bytes:
    inner = "".join(f"--b\r\n{part}\r\n" for part in parts)
    return f"Subject: x\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n{inner}--b--\r\n".encode("latin-1")


def test_text_in_another_charset_becomes_utf8_on_request(kit: MailKit) -> None:
    alice = kit.accounts.create("alice", address="alice@example.org")
    inbox = kit.mailstore.mailbox(alice.id, "INBOX").id
    part = "Content-Type: text/x-notes; charset=iso-8859-1\r\nContent-Disposition: attachment\r\n\r\ncaf\xe9"
    kit.mailstore.append(alice.id, parts(part))

    def read(wanted: bool) -> tuple[Any, str]:
        ask = GetAttachment(user=alice.id, mailbox=inbox, message=1, attachment="ATT00001", sendAsString=wanted)
        found = attachments.get_attachment(kit, ask, LOCAL_ADMINISTRATOR).function()
        body: Any = found.body
        return b"".join([body] if isinstance(body, bytes) else body), found.media_type

    assert read(False) == (b"caf\xe9", "text/x-notes")
    assert read(True) == ("café".encode(), "text/x-notes; charset=utf-8")


def uploaded(kit: MailKit, ask: UploadMessage) -> int:
    made: Any = upload_message(kit, ask, LOCAL_ADMINISTRATOR)
    commit = made.function() if hasattr(made, "function") else made
    return int(kit.transact(commit).message.id)


def test_a_file_of_somebody_elses_is_not_attached(kit: MailKit) -> None:
    alice = kit.accounts.create("alice", address="alice@example.org")
    bob = kit.accounts.create("bob", address="bob@example.org")
    inbox = kit.mailstore.mailbox(alice.id, "INBOX").id
    secret = kit.files.add(bob.number, kit.files.prepare(b"a secret of bob's", filename="secret.txt"))
    uid = uploaded(kit, UploadMessage(user=alice.id, mailbox=inbox, text="x", files=(secret.id,)))
    assert kit.mailstore.get(alice.id, inbox, uid).row.attachments == ()
    assert b"secret" not in kit.mailstore.source(alice.id, inbox, uid)


def test_a_message_keeps_what_was_attached_to_it(kit: MailKit) -> None:
    alice = kit.accounts.create("alice", address="alice@example.org")
    inbox = kit.mailstore.mailbox(alice.id, "INBOX").id
    content = bytes(range(256)) * 2_000
    file = kit.files.add(alice.number, kit.files.prepare(content, filename="all.bin"))
    uid = uploaded(kit, UploadMessage(user=alice.id, mailbox=inbox, text="x", files=(file.id,)))
    kit.files.delete(alice.number, file.id)
    row = kit.mailstore.get(alice.id, inbox, uid).row
    assert b"".join(kit.mailstore.attachment(row, row.attachments[0])) == content


# update streams


def told(kit: MailKit, user: Any, after: str, count: int) -> list[tuple[dict[str, Any], str]]:
    """The first events of a stream that begins after an id."""
    import json

    async def take() -> list[tuple[dict[str, Any], str]]:
        found: list[tuple[dict[str, Any], str]] = []
        stream: Any = get_updates(kit, GetUpdates(user=user, last_header=after), LOCAL_ADMINISTRATOR).body
        async for piece in stream:
            for block in piece.decode().split("\n\n"):
                lines = block.split("\n")
                data = "".join(line[6:] for line in lines if line.startswith("data: "))
                if data:
                    ids = [line[4:] for line in lines if line.startswith("id: ")]
                    found.append((json.loads(data), "".join(ids)))
            if len(found) >= count:
                await stream.aclose()
                return found
        return found

    return asyncio.run(asyncio.wait_for(take(), 60))


def start(kit: MailKit) -> str:
    with kit.store.snapshot() as tx:
        return event_id(journal.head(tx))


def test_update_events_have_the_fields_of_the_reference(kit: MailKit) -> None:
    alice = kit.accounts.create("alice", address="alice@example.org")
    begin = start(kit)
    box = kit.mailstore.create_mailbox(alice.id, Folder("Work"))
    kit.mailstore.alter_mailbox(alice.id, box.id, Alteration(path="Play", subscribed=False))
    kit.mailstore.alter_mailbox(alice.id, box.id, Alteration(retention=5))  # nothing is told of this
    stored = kit.mailstore.append(alice.id, b"Subject: x\r\n\r\n", flags=["\\Flagged"])
    kit.mailstore.update(alice.id, "INBOX", Selection.of([1]), Change(meta='{"a":1}'))
    moved = kit.mailstore.move(alice.id, "INBOX", Selection.of([1]), "Junk")
    inbox, junk = (str(kit.mailstore.mailbox(alice.id, path).id) for path in ("INBOX", "Junk"))
    said = {"mailbox": inbox, "uid": 1, "message": str(stored.id), "thread": str(stored.thread)}
    idate = "2023-11-14T22:13:20.000Z"
    found = [event for event, _ in told(kit, alice.id, begin, 6)][:6]
    assert found == [
        {"command": "CREATE", "mailbox": str(box.id), "path": "Work"},
        {"command": "RENAME", "mailbox": str(box.id), "path": "Play"},
        {"command": "EXISTS", **said, "idate": idate},
        {"command": "FETCH", **said, "flags": ["\\Flagged"]},
        {"command": "EXPUNGE", **said},
        {"command": "EXISTS", **said, "mailbox": junk, "uid": moved[0].new, "idate": idate, "junk": 1},
    ]


def test_counters_follow_a_batch_with_its_last_id(kit: MailKit) -> None:
    alice = kit.accounts.create("alice", address="alice@example.org")
    begin = start(kit)
    for n in range(3):
        kit.mailstore.append(alice.id, b"Subject: %d\r\n\r\n" % n)
    kit.mailstore.move(alice.id, "INBOX", Selection.of([1]), "Trash")
    kit.mailstore.update(alice.id, "INBOX", Selection.of([2]), Change(add=["\\Flagged"]))  # no counter changes
    found = told(kit, alice.id, begin, 8)
    assert [event["command"] for event, _ in found] == [
        *["EXISTS"] * 3,
        "EXPUNGE",
        "EXISTS",
        "FETCH",
        *["COUNTERS"] * 2,
    ]
    inbox, trash = (str(kit.mailstore.mailbox(alice.id, path).id) for path in ("INBOX", "Trash"))
    assert [event for event, _ in found[6:]] == [
        {"command": "COUNTERS", "mailbox": inbox, "total": 2, "unseen": 2},
        {"command": "COUNTERS", "mailbox": trash, "total": 1, "unseen": 1},
    ]
    assert {id for _, id in found[6:]} == {found[5][1]}


def test_an_old_id_yields_what_is_left(kit: MailKit) -> None:
    alice = kit.accounts.create("alice", address="alice@example.org")
    begin = start(kit)
    for n in range(3):
        kit.mailstore.append(alice.id, b"Subject: %d\r\n\r\n" % n)
    with kit.store.snapshot() as tx:
        second = [position for position, entry in journal.read(tx) if entry.kind == "message.added"][1]
    kit.transact(lambda tx: tx.trim(b"journal", second))
    found = told(kit, alice.id, begin, 2)
    assert [event.get("uid") for event, _ in found] == [3, None]
