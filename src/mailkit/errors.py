"""The closed list of errors. No transport in them: each REST dialect translates `.code` in one table.

A code is a stable dotted word, `<noun>.<what is wrong>` (`address.exists`). `fields` carries the values that a
caller needs to act on: names, limits, ids; never a secret. The class says how to react, the code says why.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar, NamedTuple

__all__ = [
    "AlreadyExists",
    "Conflict",
    "Corrupt",
    "Denied",
    "FieldError",
    "Invalid",
    "MailKitError",
    "NotFound",
    "NotSupported",
    "OverQuota",
    "RateLimited",
    "ResyncNeeded",
    "Unavailable",
]


class MailKitError(Exception):
    """Something mailkit could not do."""

    default_code: ClassVar[str] = "error"

    code: str
    message: str
    fields: Mapping[str, Any]

    def __init__(self, code: str | None = None, message: str | None = None, /, **fields: Any) -> None:
        self.code = code or self.default_code
        self.message = message or (type(self).__doc__ or "").strip().splitlines()[0]
        self.fields = MappingProxyType(fields)
        super().__init__(self.message)

    def __str__(self) -> str:
        return f"{self.message} [{self.code}]"

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.code, self.message, dict(self.fields))


def _rebuild(cls: type[MailKitError], code: str, message: str, fields: dict[str, Any]) -> MailKitError:
    return cls(code, message, **fields)


class NotFound(MailKitError):
    """There is no such object."""

    default_code = "not_found"


class AlreadyExists(MailKitError):
    """An object with this name or address exists already."""

    default_code = "exists"


class FieldError(NamedTuple):
    """One rejected input field: where it is, why it was refused, and a dotted word for the kind of failure."""

    path: tuple[str | int, ...]
    message: str
    kind: str = "invalid"

    @property
    def dotted(self) -> str:
        """The path as people write it: `targets.0.address`."""
        return ".".join(map(str, self.path))


class Invalid(MailKitError):
    """The input is not acceptable."""

    default_code = "invalid"

    errors: tuple[FieldError, ...]

    def __init__(
        self,
        code: str | None = None,
        message: str | None = None,
        /,
        *,
        errors: tuple[FieldError, ...] = (),
        **fields: Any,
    ) -> None:
        if errors and message is None:
            message = ". ".join(e.message for e in errors)
        super().__init__(code, message, **fields)
        self.errors = errors

    @classmethod
    def field(
        cls, name: str, message: str, *, kind: str = "invalid", code: str | None = None, **fields: Any
    ) -> "Invalid":
        """A refusal of the single field `name` (dots separate levels)."""
        return cls(code, message, errors=(FieldError(tuple(name.split(".")), message, kind),), **fields)

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild_invalid, (type(self), self.code, self.message, self.errors, dict(self.fields))


def _rebuild_invalid(
    cls: type[Invalid], code: str, message: str, errors: tuple[FieldError, ...], fields: dict[str, Any]
) -> Invalid:
    return cls(code, message, errors=errors, **fields)


class Denied(MailKitError):
    """The caller may not do this."""

    default_code = "denied"


class OverQuota(MailKitError):
    """There is no room left for this."""

    default_code = "quota.exceeded"


class RateLimited(MailKitError):
    """Too many of these in the allowed time."""

    default_code = "rate.limited"


class Conflict(MailKitError):
    """Another transaction changed what this one read; run it again."""

    default_code = "conflict"


class Unavailable(MailKitError):
    """This cannot be served now."""

    default_code = "unavailable"


class ResyncNeeded(Unavailable):
    """The reader fell behind what is kept and has to start from a fresh state."""

    default_code = "resync.needed"


class NotSupported(MailKitError):
    """This is not supported here."""

    default_code = "not_supported"


class Corrupt(MailKitError):
    """Stored data contradicts itself."""

    default_code = "corrupt"
