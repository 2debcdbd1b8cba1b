"""New UIDs don't make messages unfindable."""

from mailkit import MailKit


def test_messages_are_found_under_their_new_uids(kit: MailKit) -> None:
    alice = kit.accounts.create("alice", address="alice@example.org")
    for n in range(3):
        kit.mailstore.append(alice.id, b"Subject: kringel %d\r\n\r\nwords\r\n" % n)
    assert kit.mailstore.renumber(alice.id) == (5, 3)
    uids = {entry.uid for entry in kit.mailstore.list(alice.id).items}
    found = kit.search.find(alice.id, "kringel")
    assert {hit.uid for hit in found.items} == uids
    assert uids.isdisjoint({1, 2, 3})
