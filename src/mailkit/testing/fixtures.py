"""Fixtures for pytest: `pytest_plugins = ["mailkit.testing.fixtures"]` in a conftest.py makes them known.

`mail_platform` is an empty `MailKit` in memory; `mail_server` serves it over HTTP and LMTP on loopback.
"""

from collections.abc import Iterator

import pytest

from mailkit.kit import MailKit
from mailkit.testing.platform import Server, platform, serving

__all__ = ["mail_platform", "mail_server"]


@pytest.fixture
def mail_platform() -> Iterator[MailKit]:
    """An empty mail platform in memory."""
    with platform() as kit:
        yield kit


@pytest.fixture
def mail_server(mail_platform: MailKit) -> Iterator[Server]:
    """`mail_platform` on loopback sockets."""
    with serving(mail_platform) as server:
        yield server
