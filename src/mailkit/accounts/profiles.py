"""Profiles for Apple's devices: which servers, whose name, signed with what. The settings `profile.*` say."""

import uuid
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

from mailkit.credentials import settings as keys
from mailkit.credentials.apppasswords import shown
from mailkit.credentials.profile import Profile, Server, Signer, profile_plist, signed
from mailkit.errors import Invalid, NotSupported, Unavailable
from mailkit.principals.records import Principal
from mailkit.settings.kinds import HostPort
from mailkit.settings.registry import Key

__all__ = ["Profiles"]


class Profiles:
    """The use case. `setting(key)` reads a setting; `hostname()` is what profiles are named after by default."""

    def __init__(self, setting: Callable[[Key[Any]], Any], hostname: Callable[[], str]) -> None:
        self._setting = setting
        self._hostname = hostname

    def make(self, owner: Principal, *, address: str, password: str, scopes: tuple[str, ...]) -> bytes:
        """The profile of an application password, signed if there is a certificate. Slow.

        Invalid `asp.profile_scopes` unless the scopes are smtp and one of imap and pop3; NotSupported
        `profile.not_configured` while a server is not; Invalid `profile.signer`, Unavailable `profile.unreadable`."""
        chosen = set(shown(scopes))
        if "smtp" not in chosen or not chosen & {"imap", "pop3"}:
            raise Invalid("asp.profile_scopes", "Profile file requires imap or pop3 and smtp scopes")
        protocol = "imap" if "imap" in chosen else "pop3"
        incoming, outgoing = self._server(protocol), self._server("smtp")
        identifier = self._setting(keys.PROFILE_IDENTIFIER) or ".".join(reversed(self._hostname().split(".")))
        plist = profile_plist(
            Profile(
                protocol=protocol,
                incoming=incoming,
                outgoing=outgoing,
                username=owner.name,
                password=password,
                name=owner.display or owner.name,
                address=address,
                title=self._setting(keys.PROFILE_TITLE) or address,
                # one of each account: another account's profile replaces nothing
                identifier=f"{identifier}.{owner.id}",
            ),
            uuids=(str(uuid.uuid4()).upper(), str(uuid.uuid4()).upper()),
        )
        certificate, key = self._setting(keys.PROFILE_CERTIFICATE), self._setting(keys.PROFILE_KEY)
        if certificate is None:
            return plist
        return signed(plist, _signer(_content(certificate), _content(key or certificate)))

    def _server(self, protocol: str) -> Server:
        where: HostPort | None = self._setting(keys.PROFILE_SERVERS[protocol])
        if where is None:
            name = keys.PROFILE_SERVERS[protocol].name
            raise NotSupported("profile.not_configured", f"Profiles need the setting {name}")
        return Server(where.host, where.port)


def _content(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise Unavailable("profile.unreadable", f"{path} cannot be read: {error.strerror}") from error


@lru_cache(maxsize=1)
def _signer(certificates: bytes, key: bytes) -> Signer:
    return Signer.parse(certificates, key)
