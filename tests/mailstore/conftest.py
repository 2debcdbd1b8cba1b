import pytest

from mailkit import MailKit
from mailkit.principals.records import Principal


@pytest.fixture
def alice(kit: MailKit) -> Principal:
    return kit.accounts.create("alice", address="alice@example.org", quota=1 << 20)
