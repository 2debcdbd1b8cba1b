"""`mailkit tenant`: organisations that know nothing of one another."""

from mailkit.cli.principal_verbs import principal_noun

__all__ = ["tenant"]

tenant = principal_noun(
    "tenant",
    "Add, list, show, edit and delete tenants.",
    columns=("name", "display", "users", "used", "quota", "roles"),
)
