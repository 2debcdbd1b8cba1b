"""The law of `mailkit.storage.api`, as tests that any backend can run.

    from functools import partial
    import pytest
    from mailkit.testing.contract import DurableContract, ProcessContract, StoreContract

    class TestMine(StoreContract, DurableContract, ProcessContract):
        @pytest.fixture
        def open_store(self, tmp_path):
            return partial(MyStore, tmp_path / "store")

`open_store` is called without arguments and gives an open store. Every topic is a class, and the classes that a backend
takes are its capabilities:

- `StoreContract`: `order`, `ranges`, `isolation`, `conflict`, `atomicity`, `append_order`, and `model`, a random walk
  against a dictionary. Any backend. Every test runs once as it is, and once with every function run twice.
- `DurableContract`: calling `open_store` again, after `close` or in another process, finds what was committed. One test
  kills a writer. The callable has to be picklable.
- `ProcessContract`: several processes may have the store open. The callable has to be picklable.
- `BlobContract`: for a `BlobStore`; wants a fixture `blobs`.
- `SearchContract`: for a `SearchIndex`; wants a fixture `indexed`, see `Indexed`.

`effort` scales the races and the random walk; 1 takes seconds, a soak test sets it higher.
"""

from mailkit.testing.contract.append_order import AppendOrderContract
from mailkit.testing.contract.atomicity import AtomicityContract
from mailkit.testing.contract.blobs import BlobContract
from mailkit.testing.contract.conflict import ConflictContract
from mailkit.testing.contract.durability import DurableContract
from mailkit.testing.contract.isolation import IsolationContract
from mailkit.testing.contract.model import ModelContract
from mailkit.testing.contract.order import OrderContract
from mailkit.testing.contract.processes import ProcessContract
from mailkit.testing.contract.ranges import RangesContract
from mailkit.testing.contract.search import Indexed, SearchContract
from mailkit.testing.contract.twice import Twice

__all__ = [
    "AppendOrderContract",
    "AtomicityContract",
    "BlobContract",
    "ConflictContract",
    "DurableContract",
    "Indexed",
    "IsolationContract",
    "ModelContract",
    "OrderContract",
    "ProcessContract",
    "RangesContract",
    "SearchContract",
    "StoreContract",
    "Twice",
]


class StoreContract(
    OrderContract,
    RangesContract,
    IsolationContract,
    ConflictContract,
    AtomicityContract,
    AppendOrderContract,
    ModelContract,
):
    """All that any store has to keep."""
