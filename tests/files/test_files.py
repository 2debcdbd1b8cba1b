"""Stored files, on every store."""

import pytest

from mailkit import MailKit
from mailkit.errors import Invalid, NotFound, OverQuota
from mailkit.files.naming import name_and_type
from mailkit.files.service import NewFile
from mailkit.ids import Id
from mailkit.principals.records import Principal
from mailkit.verify import verify


@pytest.fixture
def alice(kit: MailKit) -> Principal:
    return kit.accounts.create("alice", address="alice@example.org", quota=10)


def faults(kit: MailKit) -> list[str]:
    return [str(finding) for finding in verify(kit) if finding.level == "error"]


def test_files_are_kept_outside_the_mail_quota_and_share_bytes(kit: MailKit, alice: Principal) -> None:
    big = bytes(range(256)) * 2000  # a file of its own in the blob store
    first = kit.files.add(alice.number, kit.files.prepare(big, filename="a.png"))
    second = kit.files.add(alice.number, kit.files.prepare(big, filename="b"))
    assert (first.digest, first.content_type) == (second.digest, "image/png")
    assert kit.files.content(second) == big
    assert kit.used(alice.number) == 0
    assert kit.files.kept(alice.number).size == 2 * len(big)
    assert faults(kit) == []
    kit.files.delete(alice.number, first.id)
    assert kit.files.content(kit.files.get(alice.number, second.id)) == big
    assert faults(kit) == []


def test_there_is_a_most(kit: MailKit, alice: Principal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kit.files, "_most", lambda: 10)
    full = NewFile("x", "text/plain", None, kit.blobs.prepare(b"x" * 11))
    with pytest.raises(OverQuota, match=r"files\.full"):
        kit.files.add(alice.number, full)
    assert kit.files.kept(alice.number).count == 0


def test_foreign_and_missing_files_are_not_found(kit: MailKit, alice: Principal) -> None:
    bob = kit.accounts.create("bob", address="bob@example.org")
    row = kit.files.add(alice.number, kit.files.prepare(b"x"))
    for call in (kit.files.get, kit.files.delete):
        with pytest.raises(NotFound, match=r"file\.not_found"):
            call(bob.number, row.id)
    with pytest.raises(Invalid):
        kit.files.prepare(b"")


def test_pages_partition_the_list_which_goes_by_name(kit: MailKit, alice: Principal) -> None:
    names = ["f3", "f1", "f2", "same", "same", "long" * 60, "é"]
    rows = [kit.files.add(alice.number, kit.files.prepare(b"%d" % n, filename=name)) for n, name in enumerate(names)]
    want = [row.id for row in sorted(rows, key=lambda row: (row.filename.encode(), row.id))]
    got: list[Id] = []
    after: tuple[str, Id] | None = None
    while True:
        page = kit.files.list(alice.number, limit=3, after=after)
        got += [row.id for row in page.items]
        assert page.total == 7
        if not page.after:
            break
        last = page.items[-1]
        after = last.filename[:5], last.id
    assert got == want
    fifth = kit.files.get(alice.number, want[4])
    back = kit.files.list(alice.number, limit=3, after=(fifth.filename, fifth.id), backwards=True)
    assert [row.id for row in back.items] == want[1:4]
    kit.files.delete(alice.number, fifth.id)  # a place remains a place
    on = kit.files.list(alice.number, limit=3, after=(fifth.filename, fifth.id))
    assert [row.id for row in on.items] == want[5:]
    assert faults(kit) == []


def test_a_deleted_account_leaves_no_file_behind(kit: MailKit, alice: Principal) -> None:
    for n in range(3):
        kit.files.add(alice.number, kit.files.prepare(b"%d" % n))
    kit.accounts.delete(alice.id)
    while kit.run_due():
        pass
    assert kit.principals.find_any(alice.number) is None
    assert faults(kit) == []


@pytest.mark.parametrize(
    ("filename", "kind", "named", "typed"),
    [
        ("", "", "upload-2023-11-14.bin", "application/octet-stream"),
        ("a.pdf", "", "a.pdf", "application/pdf"),
        ("a.pdf", "text/plain", "a.pdf", "text/plain"),
        ("", "image/png", "upload-2023-11-14.png", "image/png"),
    ],
)
def test_names_and_types_are_made_up_when_missing(filename: str, kind: str, named: str, typed: str) -> None:
    assert name_and_type(filename, kind, now=1_700_000_000_000) == (named, typed)
