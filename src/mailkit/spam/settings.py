"""What a postmaster may change, and try on own mail first (`mailkit spam evaluate --with`)."""

from collections.abc import Iterable
from typing import Final

from attrs import evolve, field, frozen, validators

from mailkit.errors import Invalid
from mailkit.spam.families import FAMILIES, WEIGHTS

__all__ = ["DEFAULT", "Settings", "parse_settings"]


@frozen
class Settings:
    """How scores become verdicts. Changing them needs no new training."""

    margin: float = field(default=0.7, validator=validators.ge(0.0))
    """Distance of the spam cut-off from the middle between the classes, and half of it from the highest ham: more lets
    more spam through and stops less ham. Between 0.4 and 1."""

    second_stage: float = field(default=1 / 7, validator=validators.ge(0.0))
    """Share of the second stage in the score; 0 turns it off."""

    least_ham: int = field(default=10, validator=validators.ge(1))
    """Learnt ham messages below which a model says nothing."""

    least_spam: int = field(default=10, validator=validators.ge(1))
    """Learnt spam messages below which a model says nothing."""

    weights: tuple[float, ...] = WEIGHTS
    """The weight of each family of features, by its number."""


DEFAULT: Final = Settings()

_NUMBERS: Final = {"margin": float, "second_stage": float, "least_ham": int, "least_spam": int}


def parse_settings(texts: Iterable[str]) -> Settings:
    """Settings from texts such as `margin=1`, `second_stage=0`, `weight.url=0.5`; Invalid names the wrong one."""
    settings = DEFAULT
    numbers = {family.name: family.number for family in FAMILIES}
    for text in texts:
        name, _, value = text.partition("=")
        try:
            if name in _NUMBERS:
                settings = evolve(settings, **{name: _NUMBERS[name](value)})
            else:
                weights = list(settings.weights)
                weights[numbers[name.removeprefix("weight.")]] = max(float(value), 0.0)
                settings = evolve(settings, weights=tuple(weights))
        except (KeyError, ValueError) as error:
            known = [*_NUMBERS, *(f"weight.{family}" for family in numbers)]
            raise Invalid.field(name, f'"{text}" is no setting; these are: {", ".join(known)}') from error
    return settings
