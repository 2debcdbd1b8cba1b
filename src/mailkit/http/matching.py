"""Which operation a path means. Pure.

A tree of path segments: fixed text before parameters, every segment exactly as it stands. A trailing slash is an
empty last segment, so `/reload` and `/reload/` are two paths.
"""

from collections.abc import Iterable
from typing import NamedTuple
from urllib.parse import unquote, unquote_plus

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
    """A compiled list of operations. `plus_is_space`: parameters of a path are encoded as those of a form."""

    def __init__(
        self,
        operations: Iterable[Operation],
        *,
        prefix: str = "",
        longest_segment: int = 1 << 16,
        plus_is_space: bool = False,
    ) -> None:
        self.operations = tuple(operations)
        self._decode = unquote_plus if plus_is_space else unquote
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
        segments = path.split("/")
        allowed: list[str] = []
        found = self._find(self._root, method, segments, 1, [], allowed)
        return Missing(tuple(dict.fromkeys(allowed))) if found is None else found

    def _find(
        self, node: _Node, method: str, segments: list[str], at: int, values: list[str], allowed: list[str]
    ) -> Found | None:
        """Goes down while there is one way only. Where text and a parameter both fit, the text is tried first."""
        for position in range(at, len(segments)):
            segment = segments[position]
            fixed, parameter = node.fixed.get(segment), node.parameter
            if parameter is None or not segment or len(segment) > self._longest:
                if fixed is None:
                    return None
                node = fixed
                continue
            if fixed is not None:
                found = self._find(fixed, method, segments, position + 1, values.copy(), allowed)
                if found is not None:
                    return found
            values.append(self._decode(segment))
            node = parameter
        entry = node.operations.get(method)
        if entry is None:
            allowed += node.operations
            return None
        return Found(entry[0], dict(zip(entry[1], values, strict=True)))
