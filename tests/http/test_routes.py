import csv
from pathlib import Path

import pytest

from mailkit.http.documents import PATHS
from mailkit.http.matching import Found, Missing, Routes
from mailkit.http.operation import Operation
from mailkit.http.stalwart.routes import PREFIX
from mailkit.http.stalwart.routes import ROUTES as STALWART
from mailkit.http.wildduck.routes import ROUTES as WILDDUCK
from mailkit.principals.roles import ALL_PERMISSIONS

TEXT = (Path(__file__).parent / "operations.tsv").read_text()
FACTS = list(csv.DictReader(TEXT.splitlines(), delimiter="\t"))


def documented(dialect: str, operations: tuple[Operation, ...], prefix: str) -> list[tuple[str, ...]]:
    return [(dialect, o.group, o.method, prefix + o.path, o.name) for o in operations if o.source == "document"]


@pytest.mark.parametrize(
    ("dialect", "operations", "prefix", "count"),
    [("wildduck", WILDDUCK, "", 116), ("stalwart", STALWART, PREFIX, 61)],
)
def test_the_documented_operations_are_listed_and_no_others(
    dialect: str, operations: tuple[Operation, ...], prefix: str, count: int
) -> None:
    facts = [tuple(fact.values()) for fact in FACTS if fact["dialect"] == dialect]
    assert sorted(documented(dialect, operations, prefix)) == sorted(facts)
    assert len(facts) == count


@pytest.mark.parametrize("operations", [WILDDUCK, STALWART], ids=["wildduck", "stalwart"])
def test_operation_names_are_unique(operations: tuple[Operation, ...]) -> None:
    names = [operation.name for operation in operations]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("operation", [*WILDDUCK, *STALWART], ids=lambda o: o.name)
def test_every_route_names_permissions_that_exist(operation: Operation) -> None:
    assert operation.need is not None
    assert {*operation.need.anybodys, *operation.need.own} <= ALL_PERMISSIONS
    if operation.name not in ("getHealth", "invalidateAccessToken"):
        assert operation.need.anybodys


def test_every_route_is_found_by_its_own_path() -> None:
    for operations, prefix in ((WILDDUCK, ""), (STALWART, PREFIX)):
        routes = Routes(operations, prefix=prefix)
        for operation in operations:
            path = prefix + operation.path.replace("{", "x").replace("}", "")
            found = routes.find(operation.method, path)
            assert isinstance(found, Found), path
            assert found.operation is operation


def test_documents_have_paths_of_their_own() -> None:
    for operations, prefix in ((WILDDUCK, ""), (STALWART, PREFIX)):
        routes = Routes(operations, prefix=prefix)
        assert all(routes.find("GET", path) == Missing(()) for path in PATHS if path.startswith(PREFIX) == bool(prefix))


def test_fixed_text_comes_before_parameters_and_slashes_stay() -> None:
    routes = Routes(WILDDUCK, longest_segment=196)
    assert routes.find("GET", "/users/resolve/me")[0].name == "resolveUser"  # type: ignore[union-attr]
    assert routes.find("GET", "/users/resolve")[0].name == "getUser"  # type: ignore[union-attr]
    assert routes.find("GET", "/users/") == Missing(())
    assert routes.find("GET", "/users//") == Missing(())
    assert routes.find("GET", "//users") == Missing(())
    assert routes.find("GET", "") == Missing(())
    assert routes.find("PATCH", "/users") == Missing(("GET", "POST"))


def test_parameters_are_decoded_after_splitting() -> None:
    found = Routes(STALWART, prefix=PREFIX).find("GET", "/api/principal/a%2Fb%20c+d%C3%A9")
    assert isinstance(found, Found)
    assert found.parameters == {"principal_id": "a/b c+dé"}


def test_a_segment_beyond_the_limit_is_an_unknown_path() -> None:
    routes = Routes(WILDDUCK, longest_segment=196)
    assert isinstance(routes.find("GET", "/users/" + "a" * 196), Found)
    assert routes.find("GET", "/users/" + "a" * 197) == Missing(())


def test_a_path_listed_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="twice"):
        Routes([WILDDUCK[0], WILDDUCK[0]])
