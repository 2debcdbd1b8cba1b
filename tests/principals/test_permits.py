import pytest

from mailkit.errors import Denied
from mailkit.ids import Id, new_id
from mailkit.principals.permits import Caller, Need, Scope, hidden, permits, require
from mailkit.principals.roles import ALL_PERMISSIONS, ROLES, STALWART_PERMISSIONS, Role, granted_by

ME, OTHER = Id.parse("a" * 24), Id.parse("b" * 24)


def caller(*roles: str, principal: Id | None = ME, tenant: Id | None = None) -> Caller:
    return Caller(principal=principal, roles=roles, permissions=granted_by(roles), tenant=tenant)


READ = Need.wildduck("messages:read")


def test_an_own_grant_covers_the_callers_own_objects_only() -> None:
    user = caller("wd/user")
    own = permits(user, READ, owner=ME)
    assert (own.allowed, own.scope, own.reason) == (True, Scope.OWN, "granted by wd:messages:read:own")
    assert permits(user, READ, owner=str(ME)).allowed
    refused = permits(user, READ, owner=OTHER)
    assert not refused.allowed
    assert refused.reason == "holds none of: wd:messages:read:any, wd:messages:read:own"
    assert not permits(user, READ).allowed
    assert not permits(caller("wd/user", principal=None), READ, owner=ME).allowed


def test_an_any_grant_covers_everybody() -> None:
    assert permits(caller("wd/downloader", principal=None), READ, owner=OTHER).scope is Scope.ANY
    assert not permits(caller("wd/downloader"), Need.wildduck("messages:delete"), owner=ME).allowed


def test_a_listing_is_cut_down_to_own_records() -> None:
    listing = permits(caller("wd/user"), Need.wildduck("userlisting:read:listing"))
    assert (listing.allowed, listing.scope) == (True, Scope.OWN)
    assert permits(caller("wd/root"), Need.wildduck("userlisting:read:listing")).scope is Scope.ANY
    assert not permits(caller("wd/webmail"), Need.wildduck("userlisting:read:listing")).allowed


def test_own_scope_is_not_enough_where_any_is_demanded() -> None:
    assert not permits(caller("wd/user"), Need.wildduck("users:update:any"), owner=ME).allowed


def test_a_tenant_bounds_whatever_is_granted() -> None:
    tenant, other = new_id(), new_id()
    inside = caller("admin", tenant=tenant)
    assert permits(inside, READ, owner=OTHER, tenant=tenant, scoped=True).allowed
    assert not permits(inside, READ, owner=OTHER, tenant=other, scoped=True).allowed
    assert not permits(inside, READ, owner=OTHER, tenant=None, scoped=True).allowed
    assert permits(caller("admin"), READ, owner=OTHER, tenant=other, scoped=True).allowed


def test_root_is_refused_audit_export_and_import() -> None:
    for need in ("audit:read:any", "export:create:any", "import:create:any"):
        assert not permits(caller("wd/root"), Need.wildduck(need)).allowed
        assert permits(caller("admin"), Need.wildduck(need)).allowed


def test_unknown_needs_cannot_be_written_down() -> None:
    for text in ("mesages:read", "messages:peek", "messages:read:mine"):
        with pytest.raises(ValueError, match="names no permission"):
            Need.wildduck(text)


def test_attributes_are_hidden_from_users_and_not_from_administrators() -> None:
    assert hidden(caller("wd/user"), "users") == {"tags", "disabledScopes", "internalData"}
    assert hidden(caller("wd/user"), "addresses") == {"internalData"}
    assert hidden(caller("admin"), "users") == frozenset()
    assert hidden(caller("wd/auth"), "authentication") == {"token"}
    assert hidden(caller("wd/tokenAuth"), "authentication") == frozenset()


def test_require_names_what_is_missing() -> None:
    require(caller("admin"), "individual-get", "group-get")
    with pytest.raises(Denied) as caught:
        require(caller("user"), "authenticate", "individual-get")
    assert caught.value.fields["permission"] == "individual-get"


def test_dialects_roles_do_not_reach_into_one_another() -> None:
    for name, role in ROLES.items():
        if name == "admin":
            assert role.enabled == ALL_PERMISSIONS
        elif name.startswith("wd/"):
            assert not role.enabled & STALWART_PERMISSIONS
        else:
            assert role.enabled <= STALWART_PERMISSIONS


def test_every_stalwart_permission_is_there() -> None:
    assert len([p for p in STALWART_PERMISSIONS if not p.startswith("dav-")]) == 181
    assert "authenticate" in ROLES["user"].enabled
    assert "jmap-principal-get" not in ROLES["user"].enabled
    assert {"individual-create", "authenticate", "undelete"} <= ROLES["tenant-admin"].enabled
    assert "tenant-create" not in ROLES["tenant-admin"].enabled


def test_disabling_wins_over_enabling_and_tenants_cut_down() -> None:
    known = {
        "child": Role("child", frozenset({"a", "b"}), parents=("parent",)),
        "parent": Role("parent", frozenset({"c"}), frozenset({"a"}), parents=("child",)),
    }
    assert granted_by(("child",), known=known) == {"b", "c"}
    assert granted_by(("child",), known=known, enabled=frozenset({"a", "d"})) == {"b", "c", "d"}
    assert granted_by(("child",), known=known, disabled=frozenset({"b"})) == {"c"}
    assert granted_by(("child",), known=known, tenant=frozenset({"c", "z"})) == {"c"}
    assert granted_by(("unknown",), known=known) == frozenset()


def test_a_stored_role_never_takes_a_built_in_ones_place() -> None:
    assert granted_by(("user",), known={"user": Role("user", ALL_PERMISSIONS)}) == ROLES["user"].enabled
