"""A published, numbered state of all settings."""

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from attrs import field, frozen

from mailkit.settings.layers import Layer
from mailkit.settings.registry import Key, Scope

__all__ = ["Shown", "Snapshot"]

T = TypeVar("T")


@frozen
class Shown:
    """One setting as it may be shown to an operator: secrets are masked."""

    name: str
    value: str
    default: str
    layer: Layer
    scope: Scope
    secret: bool
    doc: str


@frozen(repr=False, eq=False)
class Snapshot:
    """The value of every key at once. Snapshots of one process are numbered from 1; a reader that takes one for a
    whole piece of work never sees half a change."""

    number: int
    values: Mapping[Key[Any], tuple[Any, Layer]] = field(alias="values")

    def get(self, key: Key[T]) -> T:
        """The value of `key`; KeyError when nobody put it into the registry."""
        value: T = self.values[key][0]
        return value

    def layer(self, key: Key[Any]) -> Layer:
        """Where the value comes from."""
        return self.values[key][1]

    def shown(self) -> Iterator[Shown]:
        """All settings in order of name."""
        for key, (value, layer) in self.values.items():
            yield Shown(key.name, key.show(value), key.show(key.default), layer, key.scope, key.secret, key.doc)

    def __repr__(self) -> str:
        return f"<settings snapshot {self.number}: {len(self.values)} settings>"
