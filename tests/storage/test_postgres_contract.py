"""The public contract on PostgreSQL: a real server, a schema for each test."""

from collections.abc import Callable
from functools import partial

import pytest

from mailkit.storage.api import Store
from mailkit.storage.backends.postgres import PostgresStore
from mailkit.testing.contract import DurableContract, ProcessContract, StoreContract


class TestPostgres(StoreContract, DurableContract, ProcessContract):
    @pytest.fixture
    def open_store(self, postgres_url: str) -> Callable[[], Store]:
        return partial(PostgresStore, postgres_url)


@pytest.mark.soak
class TestPostgresSoak(TestPostgres):
    effort = 20
