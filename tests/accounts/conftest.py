"""An account to log in to."""

import pytest

from mailkit import MailKit
from mailkit.principals.records import Principal


@pytest.fixture
def alice(kit: MailKit) -> Principal:
    """alice@example.org, whose password is `correct horse`."""
    return kit.accounts.create("alice", address="alice@example.org", password="correct horse")
