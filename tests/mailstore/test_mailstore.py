"""Messages in mailboxes, on every store."""

import base64
import itertools
import quopri

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailkit import MailKit
from mailkit.clock import FixedClock
from mailkit.errors import Invalid, NotFound, OverQuota
from mailkit.ids import new_id
from mailkit.mailstore import forget_threads
from mailkit.mime.parse import parse
from mailkit.principals.records import Principal
from mailkit.storage import keyspace
from mailkit.storage.blobs.records import content
from mailkit.verify import verify

MESSAGE = (
    b"From: Bob <bob@example.net>\r\nTo: alice@example.org\r\nSubject: Lunch\r\nMessage-ID: <1@x>\r\n\r\nAt noon?\r\n"
)


def test_appended_message_is_listed_read_and_counted(kit: MailKit, alice: Principal, clock: FixedClock) -> None:
    stored = kit.mailstore.append(alice.id, MESSAGE)
    page = kit.mailstore.list(alice.id, mailbox="INBOX", limit=50)
    assert (page.total, len(page.items), page.before, page.after) == (1, 1, False, False)
    entry = page.items[0]
    assert (entry.uid, entry.row.subject, entry.row.intro, entry.row.idate) == (1, "Lunch", "At noon?", clock.now)
    assert entry.row.from_[0].address == "bob@example.net"
    assert kit.mailstore.source(alice.id, "inbox", stored.uid) == MESSAGE
    inbox = kit.mailstore.mailbox(alice.id, "INBOX")
    assert (inbox.total, inbox.unseen, inbox.size, inbox.uid_next, inbox.modseq) == (1, 1, len(MESSAGE), 2, 1)
    assert kit.used(alice.number) == len(MESSAGE)
    assert list(verify(kit)) == []


def test_new_account_has_its_folders(kit: MailKit, alice: Principal) -> None:
    boxes = kit.mailstore.mailboxes(alice.number)
    assert [(box.path, box.special_use) for box in boxes] == [
        ("INBOX", None),
        ("Drafts", "\\Drafts"),
        ("Junk", "\\Junk"),
        ("Sent Mail", "\\Sent"),
        ("Trash", "\\Trash"),
    ]
    assert len({box.uid_validity for box in boxes}) == 1


def test_flags_and_meta_are_kept(kit: MailKit, alice: Principal) -> None:
    kit.mailstore.append(alice.id, MESSAGE, mailbox="Drafts", flags=["\\Seen", "\\Draft", "$Label1"], meta='{"a":1}')
    entry = kit.mailstore.list(alice.id, "Drafts").items[0]
    assert entry.state.names == ("\\Seen", "\\Draft", "$Label1")
    assert entry.row.meta == '{"a":1}'
    assert kit.mailstore.mailbox(alice.id, "Drafts").unseen == 0


def test_over_quota_stores_nothing(kit: MailKit) -> None:
    carol = kit.accounts.create("carol", address="carol@example.org", quota=len(MESSAGE) + 5)
    kit.mailstore.append(carol.id, MESSAGE)
    with pytest.raises(OverQuota) as full:
        kit.mailstore.append(carol.id, MESSAGE)
    assert (full.value.fields["who"], full.value.fields["used"]) == ("account", len(MESSAGE))
    assert kit.mailstore.list(carol.id).total == 1
    assert list(verify(kit)) == []


def test_missing_things_are_named(kit: MailKit, alice: Principal) -> None:
    with pytest.raises(NotFound, match=r"mailbox\.not_found"):
        kit.mailstore.append(alice.id, MESSAGE, mailbox="Nowhere")
    with pytest.raises(NotFound, match=r"mailbox\.not_found"):
        kit.mailstore.list(alice.id, new_id())
    for uid in (1, 0, -1, 1 << 32):
        with pytest.raises(NotFound, match=r"message\.not_found"):
            kit.mailstore.get(alice.id, "INBOX", uid)
    with pytest.raises(NotFound, match=r"user\.not_found"):
        kit.mailstore.mailboxes(new_id())
    with pytest.raises(Invalid, match=r"message\.empty"):
        kit.mailstore.append(alice.id, b"")


def test_answers_join_the_thread_and_others_do_not(kit: MailKit, alice: Principal) -> None:
    first = kit.mailstore.append(alice.id, MESSAGE)
    answer = b"Subject: Re: Lunch\r\nMessage-ID: <2@x>\r\nIn-Reply-To: <1@x>\r\n\r\nYes\r\n"
    assert kit.mailstore.append(alice.id, answer).thread == first.thread
    late = b"Subject: Fwd: Re: Lunch\r\nMessage-ID: <3@x>\r\nReferences: <0@x> <2@x>\r\n\r\nNo\r\n"
    assert kit.mailstore.append(alice.id, late).thread == first.thread
    other = b"Subject: Dinner\r\nMessage-ID: <4@x>\r\nIn-Reply-To: <1@x>\r\n\r\nYes\r\n"
    assert kit.mailstore.append(alice.id, other).thread != first.thread


def test_the_same_attachment_is_stored_once(kit: MailKit, alice: Principal) -> None:
    leaf = bytes(range(32, 127)) * 3000
    for n in range(3):
        raw = (
            b"Subject: %d\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nhello %d\r\n--b\r\n"
            b"Content-Type: application/x\r\nContent-Disposition: attachment; filename=f\r\n\r\n%s\r\n--b--\r\n"
            % (n, n, leaf)
        )
        stored = kit.mailstore.append(alice.id, raw)
        assert kit.mailstore.source(alice.id, "INBOX", stored.uid) == raw
    entries = kit.mailstore.list(alice.id).items
    digests = {item.digest for entry in entries for item in entry.row.attachments}
    assert len(digests) == 1
    with kit.store.snapshot() as tx:
        (digest,) = digests
        assert digest is not None
        row = content(tx, digest)
    assert row is not None
    assert row.count == 3
    assert list(verify(kit)) == []


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(0, 50), min_size=1, max_size=25), st.integers(1, 7), st.booleans())
def test_pages_partition_the_mailbox_either_way(dates: list[int], limit: int, oldest_first: bool) -> None:
    with MailKit.open("memory:") as kit:
        alice = kit.accounts.create("alice", address="alice@example.org")
        for date in dates:
            kit.mailstore.append(alice.id, MESSAGE, idate=1_700_000_000_000 + date)
        want = [(entry.row.idate, entry.uid) for entry in kit.mailstore.list(alice.id, limit=1000).items]
        assert want == sorted(want, reverse=True)
        if oldest_first:
            want.reverse()
        got: list[tuple[int, int]] = []
        after, pages = None, []
        while True:
            page = kit.mailstore.list(alice.id, limit=limit, after=after, oldest_first=oldest_first)
            pages.append([(entry.row.idate, entry.uid) for entry in page.items])
            got += pages[-1]
            assert page.before == (after is not None)
            if not page.after:
                break
            after = got[-1]
        assert got == want
        for earlier, later in itertools.pairwise(pages):
            back = kit.mailstore.list(alice.id, limit=limit, after=later[0], backwards=True, oldest_first=oldest_first)
            assert [(entry.row.idate, entry.uid) for entry in back.items] == earlier


def test_threads_without_news_are_forgotten(
    kit: MailKit, alice: Principal, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forget_threads, "_STEP", 3)
    bob = kit.accounts.create("bob", address="bob@example.org")

    def raw(number: int, about: int) -> bytes:
        return b"Subject: s%d\r\nMessage-ID: <%d@x>\r\nReferences: <a%d@x> <b%d@x>\r\n\r\nx\r\n" % (
            about, number, about, about,
        )  # fmt: skip

    def remembered(account: int) -> int:
        with kit.store.snapshot() as tx:
            return sum(1 for _ in tx.scan(*keyspace.THREAD_TOKEN.range(account)))

    def forget() -> None:
        kit.transact(lambda tx: kit.jobs.schedule(tx, forget_threads.FORGET_THREADS, due=clock.now, key=""))
        while kit.run_due():
            pass

    for number in range(4):
        kit.mailstore.append(alice.id, raw(number, number))
        kit.mailstore.append(bob.id, raw(number, number))
    first = kit.mailstore.get(alice.id, "INBOX", 1).row.thread
    assert (remembered(alice.number), remembered(bob.number)) == (12, 12)
    clock.advance(days=100)
    assert kit.mailstore.append(alice.id, raw(10, 0)).thread == first
    forget()
    assert (remembered(alice.number), remembered(bob.number)) == (13, 12)
    clock.advance(days=100)
    forget()
    assert (remembered(alice.number), remembered(bob.number)) == (3, 0)  # what the answer mentioned, and itself
    assert kit.mailstore.append(alice.id, raw(11, 0)).thread == first
    assert kit.mailstore.append(alice.id, raw(12, 1)).thread != kit.mailstore.get(alice.id, "INBOX", 2).row.thread
    assert [finding for finding in verify(kit) if finding.level == "error"] == []


LEAF = bytes(range(256)) * 2_500
ENCODED = {
    "base64": base64.encodebytes(LEAF).replace(b"\n", b"\r\n"),
    "quoted-printable": quopri.encodestring(LEAF[:9_000]).replace(b"\n", b"\r\n"),
    "8bit": LEAF,
    "x-unheard-of": LEAF[:700],
}


@pytest.mark.parametrize("encoding", ENCODED)
@pytest.mark.parametrize("alone", [True, False])
def test_attachments_are_read_as_they_were_written(encoding: str, alone: bool, kit: MailKit, alice: Principal) -> None:
    head = b"Content-Type: application/x\r\nContent-Transfer-Encoding: %s\r\n" % encoding.encode()
    part = head + b"\r\n" + ENCODED[encoding]
    if alone:  # the whole message is one leaf
        raw = b"Subject: x\r\n" + part
    else:
        raw = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nx\r\n--b\r\n" + part + b"\r\n--b--\r\n"
    uid = kit.mailstore.append(alice.id, raw).uid
    row = kit.mailstore.get(alice.id, "INBOX", uid).row
    message = parse(raw)
    assert len(row.attachments) == len(message.attachments) == 1
    chunks = list(kit.mailstore.attachment(row, row.attachments[0]))
    assert b"".join(chunks) == message.attachment_bytes(message.attachments[0])
    assert all(len(chunk) <= 256 * 1024 for chunk in chunks)


def test_deleted_account_leaves_nothing_behind(kit: MailKit, alice: Principal) -> None:
    for _ in range(3):
        kit.mailstore.append(alice.id, MESSAGE + b"x" * 2000)
    done = kit.accounts.delete(alice.id)
    assert done.addresses == ("alice@example.org",)
    kit.accounts.create("alice", address="alice@example.org")
    assert list(verify(kit)) == []
    while kit.run_due():
        pass
    assert kit.principals.find_any(alice.number) is None
    with kit.store.snapshot() as tx:
        from mailkit.storage.keyspace import account_range

        assert list(tx.scan(*account_range(alice.number))) == []
    assert [finding for finding in verify(kit) if finding.level == "error"] == []
