"""An account to log in to, and a platform on the quick stores."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from mailkit import MailKit
from mailkit.clock import FixedClock
from mailkit.credentials.passwords import Cost
from mailkit.principals.records import Principal


@pytest.fixture
def alice(kit: MailKit) -> Principal:
    """alice@example.org, whose password is `correct horse`."""
    return kit.accounts.create("alice", address="alice@example.org", password="correct horse")


@pytest.fixture(params=["memory:", "folder"])
def quick_kit(request: pytest.FixtureRequest, tmp_path: Path, clock: FixedClock) -> Iterator[MailKit]:
    """An empty platform on a store in memory and on one in a folder: for tests that ask nothing of the store itself."""
    where = str(tmp_path / "data") if request.param == "folder" else "memory:"
    settings = {"mail.hostname": "mx.example.org"}
    with MailKit.open(where, settings=settings, clock=clock, password_cost=Cost(8, 1)) as opened:
        yield opened
