"""Which operation a path means. Pure.

A tree of path segments: fixed text before parameters, every segment exactly as it stands. A trailing slash is an
empty last segment, so `/reload` and `/reload/` are two paths.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple
from urllib.parse import unquote

from attrs import define, field

from mailkit.http.operation import Operation

__all__ = ["Found", "Missing", "Routes"]


@define
class _Node:
    fixed: "dict[str, _Node]" = field(factory=dict)
    parameter: "_Node | None" = None
    operations: dict[str, tuple[Operation, tuple[str, ...]]] = field(factory=dict)


class Found(NamedTuple):
    """An operation, with the path's parameters decoded."""

    operation: Operation
    parameters: dict[str, str]


class Missing(NamedTuple):
    """No operation; `methods` are those that the path has, none when it is unknown."""

    methods: tuple[str, ...]


class Routes:
    """A compiled list of operations."""

    def __init__(self, operations: Iterable[Operation], *, prefix: str = "", longest_segment: int = 1 << 16) -> None:
        self.operations = tuple(operations)
        self._longest = longest_segment
        self._root = _Node()
        for operation in self.operations:
            self._add(prefix + operation.path, operation)

    def _add(self, path: str, operation: Operation) -> None:
        node, names = self._root, []
        for segment in path.split("/")[1:]:
            if segment.startswith("{"):
                names.append(segment[1:-1])
                node.parameter = node.parameter or _Node()
                node = node.parameter
            else:
                node = node.fixed.setdefault(segment, _Node())
        if operation.method in node.operations:
            raise ValueError(f"{operation.method} {path} is listed twice")
        node.operations[operation.method] = operation, tuple(names)

    def find(self, method: str, path: str) -> Found | Missing:
        """What a path and method mean. `path` is still percent-encoded: a slash in a parameter is `%2F`."""
        allowed: list[str] = []
        for node, values in self._walk(self._root, path.split("/")[1:], 0, ()):
            found = node.operations.get(method)
            if found is not None:
                operation, names = found
                return Found(operation, dict(zip(names, values, strict=True)))
            allowed += node.operations
        return Missing(tuple(dict.fromkeys(allowed)))

    def _walk(
        self, node: _Node, segments: list[str], at: int, values: tuple[str, ...]
    ) -> Iterator[tuple[_Node, tuple[str, ...]]]:
        if at == len(segments):
            if node.operations:
                yield node, values
            return
        segment = segments[at]
        if (fixed := node.fixed.get(segment)) is not None:
            yield from self._walk(fixed, segments, at + 1, values)
        if node.parameter is not None and segment and len(segment) <= self._longest:
            value = unquote(segment) if "%" in segment else segment
            yield from self._walk(node.parameter, segments, at + 1, (*values, value))
