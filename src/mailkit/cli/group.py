"""`mailkit group`: people who share an account with mail of its own."""

from mailkit.cli.principal_verbs import principal_noun

__all__ = ["group"]

group = principal_noun(
    "group", "Add, list, show, edit and delete groups.", columns=("name", "display", "addresses", "members", "used")
)
