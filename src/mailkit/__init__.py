"""mailkit: the whole domain of a mail platform as one library.

Importing this package loads nothing heavy; the public names arrive on first use.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mailkit.errors import MailKitError as MailKitError
    from mailkit.kit import MailKit as MailKit

__version__ = "0.1.0"

_LAZY = {
    "MailKit": "mailkit.kit",
    "MailKitError": "mailkit.errors",
}

__all__ = ["MailKit", "MailKitError", "__version__"]


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'mailkit' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_LAZY})
