"""DMARC policy records (RFC 9989 sections 4.7 and 4.8; `pct` from RFC 7489 section 6.3)."""

import re
from collections.abc import Mapping
from typing import Literal, TypeAlias

from attrs import frozen

from mailkit.mailauth.memo import memoized
from mailkit.mailauth.taglist import words

__all__ = ["DmarcRecord", "Policy", "parse_record", "valid_uris"]

Policy: TypeAlias = Literal["none", "quarantine", "reject"]

# dmarc-version = "v" equals %s"DMARC1": the value is case-sensitive, and the tag comes first.
_VERSION = re.compile(r"[vV][ \t]*=[ \t]*DMARC1[ \t]*(?:;|$)")
_TAG = re.compile(r"[ \t]*([A-Za-z]+)[ \t]*=(.*)", re.DOTALL)
_URI = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):([^\s,!;]+)(?:![0-9]+[kmgt]?)?", re.IGNORECASE)


@frozen
class DmarcRecord:
    """A record as published. Values that are not legal have become their defaults (section 4.8).

    `malformed` names those of p, sp and np that hold no policy; `ignored` lists tags that were dropped. `pct` has a
    meaning in RFC 7489 only.
    """

    text: str
    p: Policy | None
    sp: Policy | None
    np: Policy | None
    adkim: Literal["r", "s"] = "r"
    aspf: Literal["r", "s"] = "r"
    psd: Literal["y", "n", "u"] = "u"
    t: bool = False
    fo: tuple[str, ...] = ("0",)
    rua: tuple[str, ...] = ()
    ruf: tuple[str, ...] = ()
    pct: int = 100
    malformed: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()

    @property
    def valid(self) -> bool:
        """Whether p is there and p, sp and np are policies; if not, `rua` decides (section 4.10.1)."""
        return self.p is not None and not self.malformed


@memoized(4096)
def parse_record(text: str) -> DmarcRecord | None:
    """Read a TXT record; None when it is no DMARC record of this version."""
    version = _VERSION.match(text)
    if version is None:
        return None
    tags: dict[str, str] = {}
    ignored: list[str] = []
    for part in text[version.end() :].split(";"):
        match = _TAG.match(part)
        if match is None:
            if part.strip():
                ignored.append(part.strip()[:60])
            continue
        name, value = match[1].lower(), match[2].strip(" \t")
        if name in tags or name not in _KNOWN:
            ignored.append(f"{name}={value}"[:60])
        else:
            tags[name] = value
    policies: dict[str, Policy | None] = {name: _POLICIES.get(tags.get(name, "").lower()) for name in ("p", "sp", "np")}
    return DmarcRecord(
        text=text,
        p=policies["p"],
        sp=policies["sp"],
        np=policies["np"],
        adkim="s" if tags.get("adkim", "").lower() == "s" else "r",
        aspf="s" if tags.get("aspf", "").lower() == "s" else "r",
        psd=_PSD.get(tags.get("psd", "").lower(), "u"),
        t=tags.get("t", "").lower() == "y",
        fo=tuple(words(tags["fo"])) if tags.get("fo") else ("0",),
        rua=valid_uris(tags.get("rua", "")),
        ruf=valid_uris(tags.get("ruf", "")),
        pct=_percent(tags),
        malformed=tuple(name for name, policy in policies.items() if policy is None and name in tags),
        ignored=tuple(ignored),
    )


def valid_uris(value: str) -> tuple[str, ...]:
    """The reporting URIs of a comma-separated list that are syntactically valid; the obsolete `!10m` is dropped."""
    found = []
    for item in value.split(","):
        match = _URI.fullmatch(item.strip(" \t"))
        if match and (match[1].lower() != "mailto" or _is_address(match[2])):
            found.append(f"{match[1]}:{match[2]}")
    return tuple(found)


def _is_address(text: str) -> bool:
    local, at, domain = text.partition("?")[0].rpartition("@")
    return bool(local and at and domain)


def _percent(tags: Mapping[str, str]) -> int:
    value = tags.get("pct", "")
    return min(100, int(value)) if value.isascii() and value.isdigit() and len(value) < 10 else 100


_KNOWN = frozenset({"p", "sp", "np", "adkim", "aspf", "psd", "t", "fo", "rua", "ruf", "pct", "rf", "ri"})
_POLICIES: dict[str, Policy] = {"none": "none", "quarantine": "quarantine", "reject": "reject"}
_PSD: dict[str, Literal["y", "n", "u"]] = {"y": "y", "n": "n"}
