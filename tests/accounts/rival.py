"""One of two processes that want the same things: `python -m tests.accounts.rival STORE KEYFILE CONTEST SIDE`.

Says `ready`, waits for a line, tries each of the contest's rounds, and prints which it won, and what it has to tell, as
JSON.
"""

import json
import sys
from collections.abc import Callable

from mailkit import MailKit
from mailkit.accounts.create import NewAccount
from mailkit.credentials.passwords import Cost
from mailkit.errors import AlreadyExists, Conflict, Denied, Invalid, NotFound
from mailkit.principals.normalise import parse_address
from mailkit.principals.permits import LOCAL_ADMINISTRATOR
from mailkit.storage.api import Tx

ROUNDS = 12
MAIL = b"Subject: x\r\n\r\nbody\r\n"


def name(kit: MailKit, side: int, n: int) -> object:
    return kit.accounts.create(f"new{n}", address=f"new{n}-{side}@example.org")


def address(kit: MailKit, side: int, n: int) -> object:
    owner = kit.principals.by_name(f"p{side}")
    dots = "." if side else ""
    return kit.addressing.add(owner, parse_address(f"bo{dots}th{n}@example.org"))


def alias(kit: MailKit, side: int, n: int) -> object:
    return kit.domain_aliases.add(f"alias{n}.example", f"target{side}.example", now=1)


def delete_create(kit: MailKit, side: int, n: int) -> object:
    """One deletes an account, the other makes another one of its name and address."""
    if side:
        return kit.accounts.delete(kit.principals.by_name(f"old{n}").id)
    while True:
        try:
            return kit.accounts.create(f"old{n}", address=f"old{n}@example.org", display="second")
        except AlreadyExists:
            continue  # until the other one is gone: the name is free only together with the address


def restore_taken(kit: MailKit, side: int, n: int) -> object:
    """One restores an account, the other takes its main address."""
    if side:
        buried = {row.principal.name: row.principal.id for row in _buried(kit)}
        return kit.accounts.restore(buried[f"old{n}"])
    return kit.addressing.add(kit.principals.by_name("p0"), parse_address(f"old{n}@example.org"))


def rename_delivery(kit: MailKit, side: int, n: int) -> object:
    """One renames a domain back and forth, the other delivers under both names."""
    here, there = ("moving.example", "moved.example") if n % 2 == 0 else ("moved.example", "moving.example")
    if side:
        row = kit.principals.by_name(here)
        from mailkit.accounts.edit import Change

        changes = kit.editor.prepare((Change("set", "name", there),))
        return kit.transact(lambda tx: kit.editor.apply(row, changes, LOCAL_ADMINISTRATOR, tx=tx))
    to = ["u@moving.example", "u@moved.example"]
    receipt = kit.delivery.accept(MAIL, mail_from="", rcpt_to=to)
    if receipt.stored != 1:  # one transaction sees one of the names
        raise AssertionError(receipt)
    return receipt


def rename_person(kit: MailKit, side: int, n: int) -> object:
    """One gives a person another name and address, and the old ones to somebody new; the other delivers to both.

    What came for which address, and to whom it went, is told.
    """
    if side:
        from mailkit.accounts.edit import Change

        row = kit.principals.by_name(f"u{n}")
        emails = ("fixed@example.org", f"u{n + 1}@example.org")
        changes = kit.editor.prepare((Change("set", "name", f"u{n + 1}"), Change("set", "emails", emails)))
        new = kit.accounts.prepare(NewAccount(f"u{n}", address=f"u{n}@example.org"))

        def change(tx: Tx) -> int:
            kit.editor.apply(kit.principals.get(row.number, tx=tx), changes, LOCAL_ADMINISTRATOR, tx=tx)
            return new(tx).number

        return kit.transact(change)
    told = []
    for guess in (n + 1, "fixed"):
        name = guess if guess == "fixed" else f"u{guess}"
        (outcome,) = kit.delivery.accept(MAIL, mail_from="", rcpt_to=[f"{name}@example.org"]).outcomes
        told.append((name, outcome.status, outcome.account))
    return told


def rounds(contest: str, side: int) -> list[int]:
    """In which order a side goes: where rounds don't build upon one another, towards the other side, so that each of
    them is the first in some."""
    order = list(range(ROUNDS))
    return order[::-1] if side and contest in ("name", "address", "alias", "restore_taken") else order


def _buried(kit: MailKit) -> list[object]:
    from mailkit.principals.tables import DELETED

    with kit.store.snapshot() as tx:
        return [row for _, row in DELETED.scan(tx)]


CONTESTS: dict[str, Callable[[MailKit, int, int], object]] = {
    work.__name__: work for work in (name, address, alias, delete_create, restore_taken, rename_delivery, rename_person)
}


def main(store: str, key_file: str, contest: str, side: str) -> None:
    settings = {"sealing.key_file": key_file, "mail.hostname": "mx.example.org"}
    with MailKit.open(store, settings=settings, password_cost=Cost(8, 1)) as kit:
        kit.accounts.prepare(NewAccount("nobody", address="nobody@example.org"))  # what is imported at the first use
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        sys.stdin.readline()
        won, told = [], []
        for n in rounds(contest, int(side)):
            try:
                said = CONTESTS[contest](kit, int(side), n)
                won.append(n)
                told += said if isinstance(said, list) else []
            except (AlreadyExists, NotFound, Conflict, Denied, Invalid) as error:
                if not isinstance(error, AlreadyExists):
                    raise
        sys.stdout.write(json.dumps({"won": sorted(won), "told": told}))


if __name__ == "__main__":
    main(*sys.argv[1:])
