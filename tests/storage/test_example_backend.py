"""The backend that the documentation tells people to copy keeps the law."""

import importlib.util
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from mailkit.storage.api import Store
from mailkit.testing.contract import DurableContract, StoreContract

_PATH = Path(__file__).parents[2] / "examples" / "store_backend.py"
_SPEC = importlib.util.spec_from_file_location("store_backend", _PATH)
assert _SPEC is not None
assert _SPEC.loader is not None
store_backend = importlib.util.module_from_spec(_SPEC)
sys.modules["store_backend"] = store_backend
_SPEC.loader.exec_module(store_backend)


def open_log(path: Path) -> Store:
    store: Store = store_backend.LogStore(path)
    return store


class TestExample(StoreContract, DurableContract):
    @pytest.fixture
    def open_store(self, tmp_path: Path) -> Callable[[], Store]:
        return partial(open_log, tmp_path / "log")
