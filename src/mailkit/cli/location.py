"""`mailkit location`: where resources and people are."""

from mailkit.cli.principal_verbs import principal_noun

__all__ = ["location"]

location = principal_noun(
    "location", "Add, list, show, edit and delete locations.", columns=("name", "display", "addresses", "members")
)
