"""Two processes change the mailboxes of one account at the same time, and the law of `mailstore.place` holds."""

import json
import os
import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from mailkit import journal
from mailkit.journal import Entry
from mailkit.mailstore.tables import MESSAGES, STATES
from mailkit.testing.platform import platform
from mailkit.verify import verify

PROCESSES = 2

Place = tuple[str, int]


@pytest.mark.parametrize("kind", ["lmdb", "postgres"])
@pytest.mark.parametrize("seed", [1, 2])
def test_two_processes_change_one_account(kind: str, seed: int, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    where = str(tmp_path / "data") if kind == "lmdb" else request.getfixturevalue("postgres_url")
    with platform(where) as kit:
        account = kit.accounts.create("alice", address="alice@example.org", quota=60_000).number
    script = Path(__file__).with_name("racing_child.py")
    path = os.pathsep.join(filter(None, sys.path))
    clients = [
        subprocess.Popen(
            [sys.executable, str(script), where, str(account), str(10 * seed + n)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": path},
        )
        for n in range(PROCESSES)
    ]
    for client in clients:
        assert client.stdout is not None
        assert client.stdout.readline() == "ready\n"
    for client in clients:
        assert client.stdin is not None
        client.stdin.write("go\n")
        client.stdin.flush()
    told = [json.loads(client.communicate()[0]) for client in clients]
    assert [client.returncode for client in clients] == [0] * PROCESSES

    # No UID was given out twice, to the same process or to different ones, and each saw its own grow.
    given = [tuple(one) for said, _ in told for one in said]
    assert len(set(given)) == len(given) > 0
    for said, modseqs in told:
        assert growing(said)
        assert growing(modseqs, strictly=False)

    with platform(where) as kit:
        with kit.store.snapshot() as tx:
            entries = [entry for _, entry in journal.read(tx, limit=100_000) if entry.account == account]
            boxes = {str(box.id): box for box in kit.mailstore.mailboxes(account, tx=tx)}
            rows = {(key[1].hex(), key[2]): row for key, row in MESSAGES.scan(tx, account)}
            states = {(key[1].hex(), key[2]): state for key, state in STATES.scan(tx, account)}
        here = {key: row for key, row in rows.items() if key[0] in boxes}
        came, there, flags, made = replay(entries)
        assert set(given) <= came
        assert {place for place in there if place[0] in boxes} == here.keys()
        assert rows.keys() <= there  # messages of deleted mailboxes leave without a word of their own
        assert all(states[place].names == names for place, names in flags.items() if place in states)
        assert made <= boxes.keys()
        for id, box in boxes.items():
            mine = {key[1]: row for key, row in here.items() if key[0] == id}
            assert box.total == len(mine)
            assert box.size == sum(row.size for row in mine.values())
            assert box.unseen == sum(not states[id, uid].has("\\Seen") for uid in mine)
            assert all(uid < box.uid_next for uid in mine)
            assert all(states[id, uid].modseq <= box.modseq for uid in mine)
            changes = kit.mailstore.changes(account, box.id, 0, limit=100_000)
            assert {uid for _, uid in changes.changed} == mine.keys()
        assert len({row.id for row in rows.values()}) == len(rows)
        assert kit.used(account) == sum(row.size for row in rows.values())  # deleted mailboxes count until they left
        assert [str(finding) for finding in verify(kit) if finding.level == "error"] == []
        while kit.run_due():
            pass
        assert kit.used(account) == sum(row.size for row in here.values())
        assert [str(finding) for finding in verify(kit) if finding.level == "error"] == []


def growing(told: list[list[object]], *, strictly: bool = True) -> bool:
    """Whether the numbers of each mailbox grow in the order in which they were told."""
    last: dict[object, int] = defaultdict(lambda: -1)
    for mailbox, number in told:
        assert isinstance(number, int)
        if number < last[mailbox] + strictly:
            return False
        last[mailbox] = number
    return True


def replay(entries: list[Entry]) -> tuple[set[Place], set[Place], dict[Place, tuple[str, ...]], set[str]]:
    """What the journal tells, in its order: all messages that ever came, those that are there, the flags of those that
    were changed, and the mailboxes that were made and are there."""
    came: set[Place] = set()
    there: set[Place] = set()
    flags: dict[Place, tuple[str, ...]] = {}
    made: dict[str, str] = {}
    highest: Counter[str] = Counter()
    for entry in entries:
        what = entry.payload
        box = what["mailbox"].hex() if "mailbox" in what else ""
        place = (box, what.get("uid", 0))
        match entry.kind:
            case "message.added":
                assert place[1] > highest[box]
                highest[box] = place[1]
                came.add(place)
                there.add(place)
            case "message.removed":
                there.remove(place)
                flags.pop(place, None)
            case "message.changed":
                assert place in there
                flags[place] = tuple(what["flags"])
            case "mailbox.created":
                assert what["path"] not in made.values()
                made[box] = what["path"]
            case "mailbox.deleted":
                del made[box]
    return came, there, flags, set(made)
