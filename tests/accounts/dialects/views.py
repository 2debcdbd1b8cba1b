"""What the two dialects show of the model: `wild_...` WildDuck, `manage...` Stalwart."""

from typing import Any

from tests.accounts.dialects.world import Thing, World, dotless

__all__ = ["manage", "manage_all", "wild_addresses", "wild_limits", "wild_user"]

NO_LIMIT = (1 << 53) - 1


def wild_user(world: World, thing: Thing) -> dict[str, Any]:
    """Of GET /users and GET /users/{user}, what both have."""
    return {
        "id": thing.id,
        "username": thing.name,
        "address": world.text(thing.main) if thing.main else "",
        "tags": list(thing.tags),
        "targets": list(thing.targets),
        "disabled": not thing.active,
        "suspended": thing.suspended,
        "hasPasswordSet": thing.password,
    }


def wild_limits(world: World, thing: Thing) -> dict[str, Any]:
    own = thing.limits
    return {
        "quota": {"allowed": world.allowed(thing) or NO_LIMIT, "used": thing.used},
        "recipients": {"allowed": own.get("recipients") or world.defaults["recipients"], "used": 0, "ttl": False},
        "received": {
            "allowed": own.get("receivedMax") or 60,
            "used": thing.received,
            "ttl": 60 if thing.received else False,
        },
        "filters": {"allowed": own.get("filters") or 400, "used": 0},
    }


def wild_addresses(world: World, tenant: int | None = None) -> list[dict[str, Any]]:
    """GET /addresses, without ids."""
    shown = [
        {
            "address": world.text(held),
            "name": held.name or False,
            "tags": list(held.tags),
            "forwarded": thing.kind == "list",
            **({"targets": list(thing.targets)} if thing.kind == "list" else {"user": thing.id}),
            "forwardedDisabled": thing.kind == "list" and bool(thing.paused),
        }
        for thing in world.things.values()
        for held in thing.addresses
        if tenant in (None, thing.tenant)
    ]
    return sorted(shown, key=lambda row: dotless(str(row["address"])))


def manage(world: World, thing: Thing) -> dict[str, Any]:
    """A principal whole, but for its secrets."""
    by_field: dict[str, list[str]] = {"memberOf": [], "lists": [], "roles": [*thing.roles]}
    for container in world.containers(thing.number):
        by_field[world.field_of(container)].append(container.name)
    members: Any = [member.name for member in world.members(thing.number)]
    if thing.kind == "domain":
        members = sum(held.domain == thing.number for t in world.things.values() for held in t.addresses)
    elif thing.kind == "tenant":
        members = sum(t.tenant == thing.number for t in world.of("individual"))
    quota: Any = world.allowed(thing) if thing.kind in ("individual", "group") else 0
    if thing.kind == "tenant":
        quota = [thing.quota or 0, thing.most, *[0] * 11] if thing.most else thing.quota
    used = world.used(thing) if thing.kind == "tenant" else thing.used
    shown = {
        "description": thing.display,
        "quota": quota,
        "usedQuota": used,
        "memberOf": by_field["memberOf"],
        "lists": by_field["lists"],
        "roles": by_field["roles"],
        "members": members,
        "tenant": world.things[thing.tenant].name if thing.tenant else "",
        "enabledPermissions": list(thing.enabled),
        "externalMembers": [t for t in thing.targets if thing.kind == "list" and "://" not in t],
    }
    shown = {name: value for name, value in shown.items() if value}
    if thing.kind in ("domain", "tenant"):
        shown["members"] = members
    emails = world.texts(thing)
    return {"id": thing.number, "type": thing.kind, "name": thing.name, "emails": emails, **shown}


def manage_all(world: World, tenant: int | None = None) -> list[dict[str, Any]]:
    """GET /api/principal by name."""
    rows = [t for t in world.things.values() if not t.hidden and tenant in (None, t.tenant)]
    return [manage(world, thing) for thing in sorted(rows, key=lambda thing: thing.name.encode())]
