"""The registry: which settings there are. Nothing is a setting that is not in it.

A package declares its keys as a tuple of `Key` beside its code; whoever composes the platform puts them together:
`Registry(*KERNEL_KEYS, *quota.SETTINGS, *jobs.SETTINGS)`. Importing a package registers nothing.
"""

import difflib
import re
from collections.abc import Iterable, Iterator
from typing import Any, Generic, Literal, TypeVar

from attrs import field, frozen

from mailkit.settings.kinds import Kind

__all__ = ["ENVIRONMENT_PREFIX", "Key", "Registry", "Scope"]

T = TypeVar("T")

Scope = Literal["boot", "reload", "live"]
"""When a change takes effect: `boot` at the next start (and it is never taken from an API), `reload` at the next
reload, `live` at once in every process."""

ENVIRONMENT_PREFIX = "MAILKIT_"


_MASK = "********"
_URL_PASSWORD = re.compile(r"(^[a-z][a-z0-9+.-]*://[^/@:]*:|[?&]password=)(?:[^@&]+(?=@)|(?<==)[^&]+)")


@frozen(eq=False)
class Key(Generic[T]):
    """One setting. `doc` is a sentence for the documentation; a `secret` is never shown."""

    name: str = field()
    kind: Kind[Any]
    default: T
    doc: str
    scope: Scope = field(default="live", kw_only=True)
    owner: str = field(default="kernel", kw_only=True)
    secret: bool = field(default=False, kw_only=True)

    @name.validator
    def _dotted(self, _: object, name: str) -> None:
        if not re.fullmatch(r"[a-z0-9_]+(\.[a-z0-9_]+)*", name):
            raise ValueError(f"{name!r} is no name for a setting: lower-case words joined by dots")

    @property
    def variable(self) -> str:
        """The environment variable: `http.listen` is MAILKIT_HTTP_LISTEN."""
        return ENVIRONMENT_PREFIX + self.name.upper().replace(".", "_")

    def show(self, value: T) -> str:
        """The value as text, "" when it is unset; a secret is masked, and so is the password in a URL."""
        if value is None and self.default is None:
            return ""
        return _MASK if self.secret else _URL_PASSWORD.sub(rf"\1{_MASK}", self.kind.show(value))


class Registry:
    """All keys of a platform, by name. ValueError when two claim one name or one environment variable."""

    def __init__(self, *keys: Key[Any]) -> None:
        self._keys = {key.name: key for key in sorted(keys, key=lambda key: key.name)}
        self._variables = {key.variable: key for key in keys}
        if not len(keys) == len(self._keys) == len(self._variables):
            raise ValueError("two settings share a name or an environment variable")
        for name in self._keys:
            if any(other.startswith(f"{name}.") for other in self._keys):
                raise ValueError(f"{name} cannot be a setting and a group of settings at once")

    def __iter__(self) -> Iterator[Key[Any]]:
        return iter(self._keys.values())

    def __contains__(self, name: object) -> bool:
        return name in self._keys

    def find(self, name: str) -> Key[Any] | None:
        """The key called `name`, or None."""
        return self._keys.get(name)

    def find_variable(self, variable: str) -> Key[Any] | None:
        """The key that an environment variable sets, or None."""
        return self._variables.get(variable)

    def nearest(self, name: str) -> str | None:
        """What somebody who wrote `name` may have meant: a name, or a variable for a variable."""
        return nearest(name, self._variables if name.startswith(ENVIRONMENT_PREFIX) else self._keys)


def nearest(word: str, words: Iterable[str]) -> str | None:
    """The most similar of `words`, or None when none is similar."""
    return next(iter(difflib.get_close_matches(word, list(words), n=1, cutoff=0.6)), None)
