"""Changes the mailboxes of one account at random, beside others that do the same. Run by `test_racing.py`.

Writes what it was told as JSON: [mailbox, uid] of every message that it put somewhere, in order, and the highest modseq
it saw of each mailbox after each change.
"""

import json
import random
import sys

from mailkit import MailKit
from mailkit.errors import AlreadyExists, NotFound, OverQuota
from mailkit.ids import Id
from mailkit.mailstore import service
from mailkit.mailstore.flags import Change
from mailkit.mailstore.folders import Folder
from mailkit.mailstore.selection import LAST, Selection
from mailkit.testing.platform import platform

FLAGS = ("\\Seen", "\\Flagged", "keyword")
CHANGES = 120


class Client:
    """What one process does."""

    def __init__(self, kit: MailKit, account: int, seed: int) -> None:
        self.kit, self.account, self.dice, self.seed = kit, account, random.Random(seed), seed
        self.given: list[tuple[str, int]] = []
        self.modseqs: list[tuple[str, int]] = []

    def work(self, n: int) -> None:
        mail, account, dice = self.kit.mailstore, self.account, self.dice
        boxes = mail.mailboxes(account)
        source, target = dice.choice(boxes), dice.choice(boxes)
        first = dice.randint(1, max(1, source.uid_next))
        wanted = Selection(((first, min(LAST, first + dice.randint(0, 8))),))
        match dice.choices(
            ("append", "update", "remove", "move", "copy", "clear", "make", "delete"), (30, 15, 8, 15, 10, 1, 4, 3)
        )[0]:
            case "append":
                raw = b"Subject: %d-%d\r\n\r\n%s\r\n" % (self.seed, n, b"x" * dice.choice((5, 900)))
                flags = dice.sample(FLAGS, dice.randint(0, 2))
                stored = mail.append(account, raw, mailbox=source.id, flags=flags)
                self.given.append((str(stored.mailbox), stored.uid))
            case "update":
                change = Change(add=dice.sample(FLAGS, 1), remove=dice.sample(FLAGS, 1))
                mail.update(account, source.id, wanted, change)
            case "remove":
                mail.remove(account, source.id, wanted)
            case "move":
                moved = mail.move(account, source.id, wanted, target.id, Change(add=dice.sample(FLAGS, 1)))
                self.given += [(str(target.id), one.new) for one in moved]
            case "copy":
                copied = mail.copy(account, source.id, wanted, target.id, once=f"{self.seed}-{n}")
                self.given += [(str(target.id), one.new) for one in copied]
            case "clear":
                mail.clear(account, source.id)
            case "make":
                mail.create_mailbox(account, Folder(f"Box {dice.randint(1, 3)}"))
            case "delete":
                mail.delete_mailbox(account, f"Box {dice.randint(1, 3)}")
        self.look(source.id)

    def look(self, mailbox: Id) -> None:
        box = self.kit.mailstore.mailbox(self.account, mailbox)
        self.modseqs.append((str(box.id), box.modseq))


def main(where: str, account: int, seed: int) -> None:
    service.STEP = 3  # type: ignore[attr-defined]
    with platform(where) as kit:
        client = Client(kit, account, seed)
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        sys.stdin.readline()  # all begin together
        for n in range(CHANGES):
            try:
                client.work(n)
            except (NotFound, AlreadyExists, OverQuota):
                pass  # the other was faster
        sys.stdout.write(json.dumps([client.given, client.modseqs]) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
