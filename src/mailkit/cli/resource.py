"""`mailkit resource`: rooms, cars, projectors."""

from mailkit.cli.principal_verbs import principal_noun

__all__ = ["resource"]

resource = principal_noun(
    "resource", "Add, list, show, edit and delete resources.", columns=("name", "display", "addresses", "members")
)
