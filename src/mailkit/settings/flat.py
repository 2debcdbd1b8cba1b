"""Settings as one flat map of texts, as Stalwart's API shows and changes them (S8). Pure.

Defaults are not in it: what is shown is what somebody has set, in the store, the file or the environment.
"""

from collections.abc import Iterable, Iterator, Mapping

from mailkit.settings.snapshot import Shown

__all__ = ["flat", "groups", "in_filter"]


def flat(shown: Iterable[Shown], rows: Mapping[str, str]) -> dict[str, str]:
    """Names and texts in order of name; what is set locally wins over `rows`, the store's. Secrets come masked."""
    known = {one.name: one for one in shown}
    found = {name: "********" if name in known and known[name].secret else text for name, text in rows.items()}
    found |= {one.name: one.value for one in known.values() if one.layer not in ("default", "store")}
    return {name: found[name] for name in sorted(found)}


def in_filter(needle: str, *texts: str) -> bool:
    """True when `needle` is part of one of the texts, case aside."""
    return any(needle in text.lower() for text in texts)


def groups(values: Mapping[str, str], prefix: str, suffix: str, field: str = "") -> Iterator[dict[str, str]]:
    """One record for each id between `prefix` and `suffix`: `_id` and the fields below `<prefix>.<id>.`, of which
    `field` alone when one is named (S8.2)."""
    start, end = _dotted(prefix), f".{suffix.strip('.')}"
    for name in values:
        if not (name.startswith(start) and name.endswith(end) and len(name) > len(start) + len(end) - 1):
            continue
        id = name[len(start) : -len(end)]
        if id:
            below = f"{start}{id}."
            fields = {key[len(below) :]: text for key, text in values.items() if key.startswith(below)}
            yield {"_id": id, **{key: text for key, text in fields.items() if field in ("", key)}}


def _dotted(prefix: str) -> str:
    return prefix if not prefix or prefix.endswith(".") else f"{prefix}."
