"""The generated page, and WildDuck's names."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from mailkit.settings import configuration_page
from mailkit.settings.wildduck import ALIASES, from_wildduck, to_wildduck


@pytest.fixture(scope="module")
def page() -> ModuleType:
    spec = importlib.util.spec_from_file_location("page", Path(__file__).parents[2] / "docs/configuration.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_current(page: ModuleType) -> None:
    assert page.PAGE.read_text() == configuration_page(page.REGISTRY), "run: python docs/configuration.py"


def test_every_setting_is_on_the_page_with_its_variable(page: ModuleType) -> None:
    rows = [line for line in page.PAGE.read_text().splitlines() if line.startswith("| `")]
    assert [row.split("`")[1:4:2] for row in rows] == [[key.name, key.variable] for key in page.REGISTRY]


def test_every_default_is_a_value_of_its_kind(page: ModuleType) -> None:
    for key in page.REGISTRY:
        if key.default is not None:
            assert key.kind.parse(key.kind.show(key.default)) == key.default


# behaviour 6.1: name, type, default
WILDDUCK = {
    "const:archive:time": ("duration", 2160000000),
    "const:max:storage": ("size", 1073741824),
    "const:max:recipients": ("number", 2000),
    "const:max:mailboxes": ("number", 1500),
    "const:max:rcpt_to": ("number", 400),
    "const:max:forwards": ("number", 2000),
    "const:authlog:time": ("duration", 2592000000),
    "const:autoreply:interval": ("duration", 14400000),
    "const:asp:limit": ("number", 50),
    "const:max:imap:download": ("size", 10737418240),
    "const:max:pop3:download": ("size", 10737418240),
    "const:max:imap:upload": ("size", 10737418240),
    "const:max:filters": ("number", 400),
    "const:sender:defer_times": ("string", "5m, 7m, 8m, 25m, 75m, 2h, 4h, 4h, 4h, 4h, 4h, 4h, 4h, 4h, 4h, 4h, 4h"),
}


def test_wildducks_settings_have_their_types_and_defaults(page: ModuleType) -> None:
    found = {}
    for alias in ALIASES.values():
        key = page.REGISTRY.find(alias.key)
        found[alias.name] = (alias.type, to_wildduck(alias, key, key.default))
    assert found == WILDDUCK


@pytest.mark.parametrize("name", sorted(WILDDUCK))
def test_wildducks_values_round_trip(page: ModuleType, name: str) -> None:
    alias, value = ALIASES[name], WILDDUCK[name][1]
    key = page.REGISTRY.find(alias.key)
    parsed = key.kind.parse(from_wildduck(alias, value))
    assert parsed == key.default
    assert to_wildduck(alias, key, parsed) == value


@pytest.mark.parametrize(
    ("name", "value"), [("const:max:filters", "x"), ("const:max:filters", True), ("const:sender:defer_times", 5)]
)
def test_wildducks_types_are_enforced(name, value) -> None:
    with pytest.raises(ValueError):
        from_wildduck(ALIASES[name], value)


def test_unlimited_storage_is_the_largest_number_a_client_knows(page: ModuleType) -> None:
    key = page.REGISTRY.find("quota.default")
    assert to_wildduck(ALIASES["const:max:storage"], key, key.kind.parse("unlimited")) == 2**53 - 1
