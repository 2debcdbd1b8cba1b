"""Which values must not be seen: told by their names."""

import re
from collections.abc import Mapping
from typing import Any

__all__ = ["HIDDEN", "redact"]

HIDDEN = "********"

_SECRET = re.compile(
    r"passw|passphrase|secret|token|credential|authorization|cookie|api_?key|private_?key|totp|otp|seed|signature", re.I
)


def redact(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields with secret values hidden, at every depth. None and booleans stay: they only say whether there is one.

    >>> redact({"user": "ann", "password": "x", "smtp": {"auth_token": "y"}, "has_password": True})
    {'user': 'ann', 'password': '********', 'smtp': {'auth_token': '********'}, 'has_password': True}
    """
    return {name: _value(name, value) for name, value in fields.items()}


def _value(name: str, value: Any) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if _SECRET.search(str(name)):
        return HIDDEN
    if isinstance(value, Mapping):
        return redact(value)
    if isinstance(value, list | tuple):
        return [_value(name, item) for item in value]
    return value
