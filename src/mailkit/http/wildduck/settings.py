"""Settings under WildDuck's names (W2.20). Changes act at once."""

import re
from typing import Any

from attrs import frozen

from mailkit.errors import Invalid, NotFound
from mailkit.http.declare import UNSET, Refused, Rule, Schema, UnsetType, answer, request, takes
from mailkit.http.operation import read, slow
from mailkit.http.wildduck import fields as take
from mailkit.http.wildduck.fields import Logged
from mailkit.kit import MailKit
from mailkit.principals.permits import Caller, require_whole_server
from mailkit.settings.wildduck import ALIASES, Alias, from_wildduck, to_wildduck

__all__ = ["create_setting", "get_setting", "list_settings"]


@frozen
class _NumberOrText(Rule):
    """A number or a text, in which a number may also be written."""

    def read(self, value: object) -> Any:
        if isinstance(value, float) and value.is_integer():
            return int(value)
        if isinstance(value, bool) or not isinstance(value, (int, str)):
            raise Refused.because("must be a number or a string", "type")
        return value

    def schema(self) -> Schema:
        return {"anyOf": [{"type": "integer"}, {"type": "string"}]}


@request
class ListSettings(Logged):
    """Which settings."""

    filter: str | None = take.text(
        128, "Part of a name, case aside: of the others not what is stored is shown, but their default", default=None
    )


@answer
class SettingRow:
    """A setting; `custom` ones are stored."""

    key: str
    value: int | str
    name: str
    description: str
    default: int | str
    type: str
    custom: bool


@answer
class AllSettings:
    """Every setting that has a name here, in order of it."""

    filter: str | UnsetType = UNSET
    settings: tuple[SettingRow, ...]


@read
def list_settings(kit: MailKit, ask: ListSettings, caller: Caller) -> AllSettings:
    """Every setting with its value and its default. A filter is one for what is stored: each is listed in any case, and
    clients count on it (quirk 60)."""
    require_whole_server(caller)
    needle = (ask.filter or "").lower()
    rows = tuple(_row(kit, ALIASES[name], stored=needle in name.lower()) for name in sorted(ALIASES))
    return AllSettings(filter=UNSET if ask.filter is None else ask.filter, settings=rows)


def _row(kit: MailKit, alias: Alias, *, stored: bool = True) -> SettingRow:
    """A setting as it is; with `stored` false, its default alone."""
    key = kit.settings.registry.find(alias.key)
    assert key is not None
    default = to_wildduck(alias, key, key.default)
    return SettingRow(
        key=alias.name,
        value=to_wildduck(alias, key, kit.settings.get(key)) if stored else default,
        name=alias.title,
        description=key.doc,
        default=default,
        type=alias.type,
        custom=stored and kit.settings.current.layer(key) != "default",
    )


@request
class GetSetting(Logged):
    """Which setting."""

    key: str = take.text(128, "Its name")


@answer
class SettingValue:
    """A setting's value."""

    key: str
    value: int | str


@read
def get_setting(kit: MailKit, ask: GetSetting, caller: Caller) -> SettingValue:
    """One setting's value, its default where nothing else is set."""
    require_whole_server(caller)
    alias = ALIASES.get(ask.key)
    if alias is None:
        # Clients read `success`: an unknown key is no HTTP error (quirk 61).
        raise NotFound("setting.unknown", "Key was not found", key=ask.key, success=False)
    row = _row(kit, alias)
    return SettingValue(key=row.key, value=row.value)


@request
class CreateSetting(Logged):
    """A setting and its value."""

    key: str = take.text(128, "Its name")
    value: int | str = takes(_NumberOrText(), doc="Durations in milliseconds, sizes in bytes")


@answer
class SettingKey:
    """What was set."""

    key: str


@slow
def create_setting(kit: MailKit, ask: CreateSetting, caller: Caller) -> SettingKey:
    """Set a setting; it counts at once, in every process."""
    require_whole_server(caller)
    alias = ALIASES.get(ask.key)
    if alias is None:
        raise Invalid.field("key", f'"key" must be one of [{", ".join(ALIASES)}]', kind="choice")
    value = ask.value
    if alias.type != "string" and isinstance(value, str) and re.fullmatch(r"\s*[0-9]{1,16}\s*", value):
        value = int(value)
    try:
        text = from_wildduck(alias, value)
        kit.settings.change({alias.key: text}, now=kit.clock())
    except ValueError as error:
        raise Invalid.field("value", f'"value" {error}') from None
    except Invalid as error:
        raise Invalid.field("value", error.message) from None
    return SettingKey(key=alias.name)
