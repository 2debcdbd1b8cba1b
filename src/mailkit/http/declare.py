"""How an operation says what it takes and what it gives: attrs classes whose attributes are the names on the wire.

    @request
    class ListMailboxes(Logged):
        user: Id = take.id24("The account")
        counters: bool = take.flag("Count messages as well")

Each attribute has a `Rule`, which reads one value as it came from the wire and describes itself as JSON Schema: the
same declaration validates requests and makes the OpenAPI document. An attribute without `default` is required; one
whose wire name is no Python name says `name="max-total"`; a trailing underscore is dropped (`from_` is `from`).

Answers are `@answer` classes, written as they are. An attribute that is absent from an answer is `UNSET`, not None.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal, TypeVar, dataclass_transform

import attrs
from msgspec import UNSET, UnsetType

__all__ = [
    "ABSENT",
    "CONNECTION",
    "REQUIRED",
    "UNSET",
    "Param",
    "Path",
    "Refused",
    "Rule",
    "Schema",
    "Source",
    "UnsetType",
    "answer",
    "named",
    "param_of",
    "params_of",
    "request",
    "takes",
    "wire_name",
]

Schema = dict[str, Any]
"""A JSON Schema (2020-12, as OpenAPI 3.1 has it)."""

Path = tuple[str | int, ...]
"""Where a value stands: names and list positions, outermost first."""

REQUIRED: Final[Any] = attrs.NOTHING

Source = Literal["parameters", "body", "raw", "address", "token", "range", "last-event-id"]
"""Where a value comes from: the parameters (path, query and, where they are merged, the body's fields); the parsed body
as a whole; the body's bytes; the client's address; the access token that was presented; the header of that name."""

CONNECTION: Final[frozenset[str]] = frozenset(("address", "token", "range", "last-event-id"))
"""Sources that are no parameters."""


class _Absent:
    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Final = _Absent()
"""What a rule returns for a value that counts as not given."""


class Refused(Exception):
    """A value that cannot be taken. `problems` are (path below the value, text, kind); the text follows the name."""

    def __init__(self, problems: Iterable[tuple[Path, str, str]]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(text for _, text, _ in self.problems))

    @classmethod
    def because(cls, text: str, kind: str = "invalid") -> "Refused":
        """One reason, for the value itself."""
        return cls([((), text, kind)])

    def below(self, step: str | int) -> "Refused":
        """The same, seen from one level further out."""
        return Refused(((step, *path), text, kind) for path, text, kind in self.problems)


class Rule:
    """What one value may be. Subclasses are frozen values."""

    def read(self, value: object) -> Any:
        """The value meant by what came from the wire; ABSENT when it counts as not given. Raises Refused."""
        raise NotImplementedError

    def schema(self) -> Schema:
        """Describes what is taken."""
        raise NotImplementedError


@attrs.frozen
class Param:
    """One declared attribute, as the machinery sees it."""

    rule: Rule
    doc: str = ""
    name: str | None = None
    source: Source = "parameters"


_KEY = "mailkit.http"

T = TypeVar("T")


def takes(
    rule: Rule, *, default: Any = REQUIRED, doc: str = "", name: str | None = None, source: Source = "parameters"
) -> Any:
    """The attribute declaration behind every rule's short name."""
    return attrs.field(default=default, metadata={_KEY: Param(rule, doc, name, source)})


def named(name: str, doc: str = "", *, default: Any = REQUIRED) -> Any:
    """An answer's attribute whose wire name is no Python name."""
    return attrs.field(default=default, metadata={_KEY: Param(Rule(), doc, name)})


# Field specifiers live beside the rules of each dialect; a type checker takes any call for one, with its `default`.
@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(takes, named, attrs.field))
def request(cls: type[T]) -> type[T]:
    """Makes a class of what an operation takes."""
    return attrs.frozen(kw_only=True, auto_attribs=True)(cls)


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(named, attrs.field))
def answer(cls: type[T]) -> type[T]:
    """Makes a class of what an operation gives."""
    # Without slots, JSON has the attributes in the order in which they are written down.
    return attrs.frozen(kw_only=True, auto_attribs=True, slots=False)(cls)


def param_of(attribute: "attrs.Attribute[Any]") -> Param | None:
    """The declaration of an attribute, if it has one."""
    found: Param | None = attribute.metadata.get(_KEY)
    return found


def wire_name(attribute: "attrs.Attribute[Any]") -> str:
    """The attribute's name on the wire."""
    declared = param_of(attribute)
    return (declared and declared.name) or attribute.name.rstrip("_")


def params_of(cls: type[Any]) -> Mapping[str, tuple["attrs.Attribute[Any]", Param]]:
    """The declared attributes of a request class, by wire name and in order."""
    found = {}
    for attribute in attrs.fields(cls):
        declared = param_of(attribute)
        if declared is None:
            raise TypeError(f"{cls.__name__}.{attribute.name} has no rule")
        found[wire_name(attribute)] = (attribute, declared)
    return found
