"""Which layer's value counts: arguments, environment, TOML file, store, default, in this order.

Every layer is looked at whole, so that one run names every mistake. An unknown name is a mistake in the layers that
people write by hand; in the store it is only reported, for other programs keep settings there.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from attrs import frozen

from mailkit.settings.kinds import native
from mailkit.settings.registry import ENVIRONMENT_PREFIX, Key, Registry

__all__ = ["NOT_SETTINGS", "Layer", "Problem", "Resolved", "flatten", "resolve"]

Layer = Literal["argument", "environment", "file", "store", "default"]

NOT_SETTINGS = frozenset({"MAILKIT_CONFIG"})
"""Environment variables with our prefix that are no settings: where the TOML file is."""


@frozen
class Problem:
    """Something wrong in one layer, under the name it has there. `kind`: `unknown` (no such setting), `value` (cannot
    be understood), `boot` (set in the store, where it does not count)."""

    name: str
    layer: Layer
    kind: Literal["unknown", "value", "boot"]
    message: str


@frozen
class Resolved:
    """The value of every key with the layer it is from, and what was wrong: `errors` forbid its use."""

    values: dict[Key[Any], tuple[Any, Layer]]
    errors: tuple[Problem, ...]
    warnings: tuple[Problem, ...]


def flatten(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """TOML tables as dotted names."""
    for word, value in tree.items():
        name = f"{prefix}{word}"
        if isinstance(value, Mapping):
            yield from flatten(value, f"{name}.")
        else:
            yield name, value


def resolve(
    registry: Registry,
    *,
    arguments: Mapping[str, object] | None = None,
    environment: Mapping[str, str] | None = None,
    file: Mapping[str, Any] | None = None,
    stored: Mapping[str, str] | None = None,
) -> Resolved:
    """Looks at all layers. `file` is the parsed TOML document, `arguments` and `stored` are by dotted name."""
    values: dict[Key[Any], tuple[Any, Layer]] = {key: (key.default, "default") for key in registry}
    errors: list[Problem] = []
    warnings: list[Problem] = []

    def take(layer: Layer, name: str, key: Key[Any] | None, value: object) -> None:
        if key is None:
            problem = Problem(name, layer, "unknown", _unknown(registry, name))
            (warnings if layer == "store" else errors).append(problem)
        elif layer == "store" and (key.scope == "boot" or key.secret):
            warnings.append(Problem(name, layer, "boot", f"{name} counts only in the environment or the TOML file"))
        else:
            try:
                values[key] = (native(key.kind, value), layer)
            except ValueError as error:
                # a secret's parser may quote what it was given
                said = "cannot be understood" if key.secret else str(error)
                errors.append(Problem(name, layer, "value", f"{name} {said}"))

    for name, text in (stored or {}).items():
        take("store", name, registry.find(name), text)
    for name, value in flatten(file or {}):
        take("file", name, registry.find(name), value)
    for name, text in (environment or {}).items():
        if name.startswith(ENVIRONMENT_PREFIX) and name not in NOT_SETTINGS:
            take("environment", name, registry.find_variable(name), text)
    for name, value in (arguments or {}).items():
        take("argument", name, registry.find(name), value)
    return Resolved(values, tuple(errors), tuple(warnings))


def _unknown(registry: Registry, name: str) -> str:
    meant = registry.nearest(name)
    return f"{name} is not a setting" + (f"; did you mean {meant}?" if meant else "")
