"""docs/coverage.md: every operation, and how far it is. Pure; `python -m mailkit.http.coverage` prints it."""

import sys

from mailkit.http.operation import Operation
from mailkit.http.stalwart.routes import PREFIX
from mailkit.http.stalwart.routes import ROUTES as STALWART
from mailkit.http.wildduck.routes import ROUTES as WILDDUCK

__all__ = ["page"]

_INTRODUCTION = """\
# Operations

Made from `mailkit/http/wildduck/routes.py` and `mailkit/http/stalwart/routes.py` by `python -m mailkit.http.coverage`.

What is not built yet answers 501. *List* says what a list costs: *flat* doesn't grow with it, *scan* walks a narrow
projection in flat memory, *stream* shows everything. *Source* is the vendor's document, or the section of its behaviour
description for operations that the document leaves out.
"""


def page() -> str:
    """The page."""
    return "\n".join(
        [_INTRODUCTION, *_dialect("WildDuck 1.45", WILDDUCK, ""), *_dialect("Stalwart 0.12", STALWART, PREFIX)]
    )


def _dialect(title: str, operations: tuple[Operation, ...], prefix: str) -> list[str]:
    documented = [operation for operation in operations if operation.source == "document"]
    built = sum(operation.endpoint is not None for operation in documented)
    lines = [
        f"## {title}",
        "",
        f"{built} of {len(documented)} documented operations are built.",
        "",
        "| operation | method and path | state | permission | list | source |",
        "|---|---|---|---|---|---|",
    ]
    for operation in operations:
        need = "public" if operation.need is None else operation.need.text
        cells = (operation.name, f"`{operation.method} {prefix}{operation.path}`", operation.state, need,
                 operation.listed, operation.source)  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
    return [*lines, ""]


if __name__ == "__main__":
    sys.stdout.write(page())
