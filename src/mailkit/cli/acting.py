"""Who acts on a command line: what the login log says of it."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mailkit.accounts.by import By

__all__ = ["by_command"]


def by_command() -> "By":
    """Somebody with a shell on this machine."""
    from mailkit.accounts.by import By

    return By(protocol="CLI")
