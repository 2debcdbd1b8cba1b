"""What comes back by itself, on every store."""

from mailkit import MailKit
from mailkit.clock import FixedClock
from mailkit.verify import verify


def test_bytes_of_deleted_accounts_go_and_those_of_others_stay(kit: MailKit, clock: FixedClock) -> None:
    big = b"Subject: big\r\n\r\n" + bytes(range(32, 127)) * 5000  # large enough for a file
    people = [kit.accounts.create(name, address=f"{name}@example.org") for name in ("alice", "bob")]
    for person in people:
        kit.mailstore.append(person.id, big)
    kit.mailstore.append(people[0].id, big.replace(b"big", b"own"))
    kit.accounts.delete(people[0].id)
    with kit.background():
        pass  # schedules what comes back
    for _ in range(3):
        while kit.run_due():
            pass
        clock.advance(days=1)
    assert list(verify(kit)) == []
    assert len(list(kit.blobs.files.list())) == 1
    assert kit.mailstore.source(people[1].id, "INBOX", 1) == big
