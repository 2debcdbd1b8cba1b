"""A user as commands show it."""

from typing import TYPE_CHECKING, Any

from mailkit.cli.output import moment
from mailkit.cli.principal_view import view

if TYPE_CHECKING:
    from mailkit.kit import MailKit
    from mailkit.principals.records import Principal
    from mailkit.storage.api import ReadTx

__all__ = ["user_row", "user_view"]


def user_row(kit: "MailKit", row: "Principal", tx: "ReadTx") -> dict[str, Any]:
    """What a list tells of a user."""
    main = kit.addresses.main_of(row, tx=tx)
    usage = kit.quota.usage(tx, row.number)
    return {
        "id": str(row.id),
        "name": row.name,
        "address": main.value if main else None,
        "display": row.display,
        "quota": usage.allowed,
        "used": usage.used,
        "tags": list(row.profile.tags) if row.profile else [],
        "disabled": not row.active,
        "suspended": row.suspended,
    }


def user_view(kit: "MailKit", row: "Principal", tx: "ReadTx") -> dict[str, Any]:
    """All that is told of a user; never a secret."""
    from msgspec.json import decode

    from mailkit.credentials import factors
    from mailkit.principals.records import Profile

    main = kit.addresses.main_of(row, tx=tx)
    profile = row.profile or Profile()
    secrets = kit.credentials.secrets(row.number, tx=tx)
    last = kit.authlog.last_login(row.number, tx=tx)
    shown = view(kit, row, tx)
    return {
        **{name: shown.pop(name) for name in ("id", "number", "name")},
        "address": main.value if main else None,
        **shown,
        "limits": dict(profile.limits),
        "language": profile.language,
        "retention": profile.retention,
        "spam_level": profile.spam_level,
        "targets": list(row.targets),
        "tags": list(profile.tags),
        "senders": list(profile.from_whitelist),
        "disabled_scopes": list(profile.disabled_scopes),
        "keep_sent": profile.upload_sent,
        "flags": dict(profile.flags),
        "public_key": profile.public_key,
        "meta": None if profile.meta is None else decode(profile.meta),
        "internal": None if profile.internal is None else decode(profile.internal),
        "password": secrets.has_password,
        "factors": list(factors.enabled(secrets)),
        "disabled": not row.active,
        "suspended": row.suspended,
        "last_login": None if last is None else moment(last.time),
        "created": moment(row.created),
    }
