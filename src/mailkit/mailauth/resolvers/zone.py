"""A resolver from a zone in memory: for tests, for `mailkit auth --dns`, for running a whole server offline.

Three written forms are read (YAML is a superset of JSON):
- owner name -> type -> a string or list: `{"example.org": {"MX": ["10 mx.example.org"], "TXT": ["v=spf1 -all"]}}`; a
  TXT entry may itself be a list of character-strings;
- owner name -> string: short for one TXT record;
- the openspf test suite's zonedata: owner name -> list of `{TYPE: value}`, with `TIMEOUT`.
`{"example.org": {"TXT": "TIMEOUT"}}` or `"SERVFAIL"` makes a temporary failure; the type `ANY` covers every type.
"""

from collections.abc import Callable, Iterable, Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import Any

from mailkit.errors import Invalid
from mailkit.mailauth.lookup import MX, NODATA, NXDOMAIN, TLSA, Answer, Query, temporary

__all__ = ["ZoneResolver", "load_zone", "read_zone"]

_TROUBLE = ("TIMEOUT", "SERVFAIL", "TEMPFAIL", "REFUSED")
_MAX_ALIASES = 10


class ZoneResolver:
    """Answers from a mapping. A name exists when it or a name below it has records; `*` labels match (RFC 4592)."""

    def __init__(self, zone: Mapping[str, Any], *, secure: bool = False) -> None:
        self._records: dict[tuple[str, str], Answer] = {}
        self._names: set[str] = set()
        for owner, entries in zone.items():
            name = str(owner).lower().removesuffix(".")
            labels = name.split(".")
            self._names.update(".".join(labels[i:]) for i in range(len(labels)))
            for kind, values in _by_type(name, entries).items():
                self._records[name, kind] = _answer(name, kind, values, secure)

    def __call__(self, query: Query) -> Answer:
        """The answer, aliases followed."""
        name = query.name.lower().removesuffix(".")
        for _ in range(_MAX_ALIASES):
            owner = name if name in self._names else self._wildcard(name)
            if owner is None:
                return NXDOMAIN
            found = self._records.get((owner, query.type)) or self._records.get((owner, "ANY"))
            if found is not None:
                return found
            alias = self._records.get((owner, "CNAME"))
            if alias is None or not alias.records:
                return NODATA
            name = alias.records[0]
        return temporary("too many aliases")

    async def resolve(self, query: Query) -> Answer:
        """The same for the asyncio driver."""
        return self(query)

    def _wildcard(self, name: str) -> str | None:
        labels = name.split(".")
        for i in range(1, len(labels)):
            encloser = ".".join(labels[i:])
            if f"*.{encloser}" in self._names:
                return f"*.{encloser}"
            if encloser in self._names:
                return None  # the closest encloser has no wildcard
        return None


def load_zone(path: str | Path, *, secure: bool = False) -> ZoneResolver:
    """A resolver from a YAML or JSON file; raises Invalid (`zone`) when it is neither."""
    return ZoneResolver(read_zone(Path(path).read_text("utf-8")), secure=secure)


def read_zone(text: str) -> Mapping[str, Any]:
    """The mapping in a YAML or JSON text; `zonedata:` or `txt-records:` at the top is looked into."""
    import json

    try:
        zone = json.loads(text)
    except ValueError:
        try:
            import yaml
        except ImportError:
            raise Invalid("zone", "reading a YAML zone needs PyYAML; JSON needs nothing") from None
        try:
            zone = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise Invalid("zone", f"the zone is neither YAML nor JSON: {error}") from None
    if isinstance(zone, Mapping):
        for key in ("zonedata", "txt-records"):
            if isinstance(zone.get(key), Mapping):
                zone = zone[key]
    if not isinstance(zone, Mapping):
        raise Invalid("zone", "a zone maps owner names to records")
    return zone


def _by_type(name: str, entries: Any) -> dict[str, list[Any]]:
    if isinstance(entries, str):
        return {"TXT": [entries]} if entries not in _TROUBLE else {"ANY": [entries]}
    if isinstance(entries, Mapping):
        return {
            str(kind).upper(): list(values) if isinstance(values, list) else [values]
            for kind, values in entries.items()
        }
    if isinstance(entries, list):
        return _openspf(entries)
    raise Invalid("zone", f"{name}: records are a mapping, a list or a string")


def _openspf(entries: Iterable[Any]) -> dict[str, list[Any]]:
    """The openspf form: SPF records count as TXT where no TXT is given; a bare TIMEOUT covers the types not listed."""
    found: dict[str, list[Any]] = {}
    for entry in entries:
        if isinstance(entry, Mapping):
            for kind, value in entry.items():
                found.setdefault(str(kind).upper(), []).append(value)
        elif str(entry) in _TROUBLE:
            found["ANY"] = [entry]
        else:
            found.setdefault("TXT", []).append(entry)
    if "TXT" not in found and "SPF" in found:
        found["TXT"] = found["SPF"]
    if found.get("TXT") == ["NONE"]:
        del found["TXT"]
    return found


def _answer(name: str, kind: str, values: list[Any], secure: bool) -> Answer:
    if any(isinstance(value, str) and value in _TROUBLE for value in values):
        return temporary(f"{values[0]} ({name} {kind})")
    read = _READERS.get(kind, str)
    try:
        records = tuple(read(value) for value in values)
    except (ValueError, TypeError, KeyError, IndexError) as error:
        raise Invalid("zone", f"{name} {kind}: {error}") from None
    return Answer("ok", records, secure) if records else NODATA


def _txt(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    return "".join(map(_txt, value)) if isinstance(value, list) else str(value)


def _mx(value: Any) -> MX:
    if isinstance(value, Mapping):
        return MX(int(value.get("preference", value.get("priority", 0))), _host(value["exchange"]))
    preference, exchange = value.split() if isinstance(value, str) else value
    return MX(int(preference), _host(exchange))


def _tlsa(value: str) -> TLSA:
    usage, selector, matching, *data = value.split()
    return TLSA(int(usage), int(selector), int(matching), bytes.fromhex("".join(data)))


def _host(value: Any) -> str:
    return str(value).lower().removesuffix(".")


def _a(value: Any) -> IPv4Address | IPv6Address:
    return ip_address(str(value))


_READERS: dict[str, Callable[[Any], Any]] = {
    "TXT": _txt,
    "SPF": _txt,
    "A": _a,
    "AAAA": _a,
    "MX": _mx,
    "PTR": _host,
    "CNAME": _host,
    "TLSA": _tlsa,
}
