"""From parameters to a request object: cattrs calls each attribute's rule, and every rejected one is named."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Generic, Literal, TypeVar

import attrs
from cattrs import Converter
from cattrs.errors import AttributeValidationNote, BaseValidationError, ForbiddenExtraKeysError
from cattrs.gen import make_dict_structure_fn, override

from mailkit.errors import FieldError, Invalid
from mailkit.http.declare import ABSENT, Param, Path, Refused, Rule, Schema, params_of

__all__ = ["ListOf", "Nested", "Reader", "Unknown", "reader"]

T = TypeVar("T")

Unknown = Literal["refused", "ignored"]
"""What happens to keys that the class doesn't declare."""

Problem = tuple[Path, str, str]

_converter = Converter(detailed_validation=True)


class Reader(Generic[T]):
    """Makes objects of one class."""

    def __init__(self, cls: type[T], unknown: Unknown) -> None:
        self.cls = cls
        self.params = params_of(cls)
        self._whole = frozenset(name for name, (_, param) in self.params.items() if param.source == "body")
        self._wire = {attribute.name: name for name, (attribute, _) in self.params.items()}
        self._rules: dict[str, Rule] = {name: param.rule for name, (_, param) in self.params.items()}
        hooks: dict[str, Any] = {
            attribute.name: override(rename=name, struct_hook=_hook(param))
            for name, (attribute, param) in self.params.items()
        }
        self._structure: Callable[[Mapping[str, Any], Any], T] = make_dict_structure_fn(
            cls,
            _converter,
            _cattrs_forbid_extra_keys=unknown == "refused",
            _cattrs_detailed_validation=True,
            **hooks,
        )

    def read(self, values: Mapping[str, object]) -> T:
        """The object meant by `values`; Refused names every value that is wrong, missing or unknown."""
        try:
            return self._structure(values, self.cls)
        except BaseValidationError as group:
            problems, absent = self._sort(group)
        if absent:  # without what counts as not given, defaults apply and required ones are found missing
            return self.read({name: value for name, value in values.items() if name not in absent})
        raise Refused(problems)

    def __call__(self, values: Mapping[str, object]) -> T:
        """`read` with the reasons as Invalid, each message beginning with the quoted name of what was refused."""
        try:
            return self.read(values)
        except Refused as refused:
            raise invalid(refused, whole=self._whole) from None

    def _sort(self, group: BaseValidationError) -> tuple[list[Problem], set[str]]:
        problems: list[Problem] = []
        absent: set[str] = set()
        for error in group.exceptions:
            if isinstance(error, ForbiddenExtraKeysError):
                problems += [((name,), "is not allowed", "unknown") for name in sorted(error.extra_fields)]
                continue
            note = next((n for n in getattr(error, "__notes__", ()) if isinstance(n, AttributeValidationNote)), None)
            if note is None:
                raise error
            name = self._wire[note.name]
            match error:
                case Refused():
                    problems += error.below(name).problems
                case KeyError():
                    problems.append(((name,), "is required", "required"))
                case _NotGiven():
                    absent.add(name)
                case _:
                    raise error
        return problems, absent


class _NotGiven(Exception):
    pass


def _hook(param: Param) -> Callable[[Any, Any], Any]:
    read = param.rule.read

    def hook(value: Any, _: Any) -> Any:
        found = read(value)
        if found is ABSENT:
            raise _NotGiven
        return found

    return hook


@cache
def reader(cls: Any, unknown: Unknown = "refused") -> Reader[Any]:
    """The reader of a class, made once."""
    return Reader(cls, unknown)


def invalid(refused: Refused, *, whole: frozenset[str] = frozenset()) -> Invalid:
    """Refused as the error that callers know. Attributes in `whole` stand for the whole body: they are in no path."""
    errors = []
    for place, text, kind in refused.problems:
        path = place[1:] if place[0] in whole else place
        shown = ".".join(map(str, path))
        errors.append(FieldError(path, f'"{shown}" {text}' if path else f"The body {text}", kind))
    return Invalid(errors=tuple(errors))


@attrs.frozen
class Nested(Rule):
    """An object of another request class."""

    cls: Any
    unknown: Unknown = "refused"

    def read(self, value: object) -> Any:
        if not isinstance(value, dict):
            raise Refused.because("must be of type object", "object")
        return reader(self.cls, self.unknown).read(value)

    def schema(self) -> Schema:
        from mailkit.http.schema import request_schema

        return request_schema(self.cls)


@attrs.frozen
class ListOf(Rule):
    """A list whose items follow one rule; with `single`, one item alone stands for a list of it."""

    item: Rule
    least: int = 0
    most: int | None = None
    unique: bool = False
    single: bool = False
    drop_refused: bool = False
    """Items that are refused are left out instead."""

    def read(self, value: object) -> Any:
        if not isinstance(value, (list, tuple)):
            if not self.single:
                raise Refused.because("must be an array", "array")
            value = (value,)
        if self.most is not None and len(value) > self.most:
            raise Refused.because(f"must contain less than or equal to {self.most} items", "max")
        if len(value) < self.least:
            raise Refused.because(f"must contain at least {self.least} items", "min")
        items: list[Any] = []
        problems: list[Problem] = []
        for position, raw in enumerate(value):
            try:
                item = self.item.read(raw)
            except Refused as refused:
                problems += refused.below(position).problems
                continue
            if item is not ABSENT:
                if self.unique and item in items:
                    problems.append(((position,), "contains a duplicate value", "unique"))
                items.append(item)
        if problems and not self.drop_refused:
            raise Refused(problems)
        return tuple(items)

    def schema(self) -> Schema:
        found: Schema = {"type": "array", "items": self.item.schema()}
        if self.most is not None:
            found["maxItems"] = self.most
        if self.least:
            found["minItems"] = self.least
        if self.unique:
            found["uniqueItems"] = True
        return {"anyOf": [found, self.item.schema()]} if self.single else found
