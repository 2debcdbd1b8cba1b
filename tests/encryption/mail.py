"""Accounts that want their mail encrypted, and what is stored of it."""

from collections.abc import Callable
from typing import Any

import pytest

from mailkit import MailKit
from mailkit.accounts.mail_encryption import given_key, switched_on
from mailkit.accounts.users import UserChanges
from mailkit.ids import Id
from mailkit.mailstore.folders import Folder
from mailkit.mailstore.prepare import Ready
from mailkit.mime.parse import Message, parse
from mailkit.principals.records import Principal
from mailkit.verify import verify
from tests.encryption.keys import Owner, keys_of

RAW = (
    b"From: bob@example.net\r\nTo: alice@example.org\r\nSubject: plans\r\nMessage-ID: <1@x>\r\nMIME-Version: 1.0\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\n\r\nthe secret word is xylophone\r\n"
)
INSIDE = b"Content-Type: text/plain; charset=utf-8\r\n\r\nthe secret word is xylophone\r\n"


def account(kit: MailKit, name: str = "alice", owner: Owner | None = None, **more: int) -> Principal:
    """An account whose mail is encrypted for `owner`."""
    row = kit.accounts.create(name, address=f"{name}@example.org", **more)
    return row if owner is None else switch(kit, row, owner)


def switch(kit: MailKit, row: Principal, owner: Owner | None) -> Principal:
    """Switches encryption on, for this owner from now on, or off."""
    profile = {"encrypt": False} if owner is None else switched_on(keys_of(owner))
    return kit.users.change(kit.principals.get(row.number), UserChanges(profile=profile))


def give_key(kit: MailKit, row: Principal, owner: Owner | None) -> Principal:
    """Gives an account a key, or takes it away, and switches nothing."""
    profile = given_key(owner.text if owner else "")
    return kit.users.change(kit.principals.get(row.number), UserChanges(profile=profile))


def secret_box(kit: MailKit, row: Principal, path: str = "Secret") -> Id:
    """A mailbox that asks for encryption."""
    return kit.mailstore.create_mailbox(row.number, Folder(path, encrypt=True)).id


def stored(kit: MailKit, row: Principal, mailbox: Id | str = "INBOX", uid: int = 1) -> Message:
    return parse(kit.mailstore.source(row.number, mailbox, uid))


def is_clear(kit: MailKit, row: Principal, mailbox: Id | str = "INBOX", uid: int = 1) -> bool:
    return b"xylophone" in kit.mailstore.source(row.number, mailbox, uid)


def faults(kit: MailKit) -> list[str]:
    return [str(finding) for finding in verify(kit) if finding.level == "error"]


def hits(kit: MailKit, row: Principal, word: str) -> list[int]:
    return sorted(item.uid for item in kit.search.find(row.number, word).items)


def after_prepare(kit: MailKit, monkeypatch: pytest.MonkeyPatch, then: Callable[[], object]) -> None:
    """Has something happen whenever a message was made ready, before its transaction."""
    real = kit.mailstore.prepare

    def prepare(raw: bytes, **how: Any) -> Ready:
        ready = real(raw, **how)
        then()
        return ready

    monkeypatch.setattr(kit.mailstore, "prepare", prepare)
