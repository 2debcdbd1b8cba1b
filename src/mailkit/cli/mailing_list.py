"""`mailkit list`: mailing lists."""

from mailkit.cli.principal_verbs import principal_noun

__all__ = ["mailing_list"]

mailing_list = principal_noun(
    "list",
    "Add, list, show, edit and delete mailing lists.",
    columns=("name", "display", "addresses", "members", "external"),
)
