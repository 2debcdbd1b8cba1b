"""Which kinds of principals may belong to which, and in which field a membership shows (Stalwart 3.6, 3.7). Pure."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal

__all__ = ["CONTAINERS", "MEMBERS", "Field", "field_of", "refusal_of_container", "refusal_of_member"]

Field = Literal["memberOf", "lists", "roles"]

MEMBERS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "group": ("individual", "group"),
        "list": ("individual", "group"),
        "role": ("role",),
        "resource": ("resource",),
        "location": ("location", "resource", "individual", "group", "other"),
    }
)
"""Kind -> kinds that its field `members` takes."""

CONTAINERS: Final[Mapping[Field, Mapping[str, tuple[str, ...]]]] = MappingProxyType(
    {
        "memberOf": {"individual": ("group", "individual"), "group": ("group",)},
        "lists": {"individual": ("list",), "group": ("list",)},
        "roles": {"individual": ("role",), "tenant": ("role",), "role": ("role",), "apiKey": ("role",)},
    }
)
"""Field -> kind of its owner -> kinds that it takes. An API key has roles too, but only from its creation on."""


def field_of(container: str) -> Field:
    """The field of a member in which a container of this kind shows."""
    return "lists" if container == "list" else "roles" if container == "role" else "memberOf"


def refusal_of_member(owner: str, member: str, name: str) -> str | None:
    """Why a principal of kind `member` cannot be put into `members` of one of kind `owner`; None when it can."""
    kinds = MEMBERS.get(owner, ())
    if not kinds:
        return f'Principal "{name}" cannot be added as a member.'
    return None if member in kinds else f'Principal "{name}" is not one of {", ".join(kinds)}.'


def refusal_of_container(field: Field, owner: str, container: str, name: str) -> str | None:
    """Why a principal of kind `container` cannot be put into `field` of one of kind `owner`; None when it can."""
    kinds = CONTAINERS[field].get(owner, ())
    if not kinds:
        return f'Principal "{name}" cannot be added as a member.'
    return None if container in kinds else f'Principal "{name}" is not a {" or ".join(kinds)}.'
