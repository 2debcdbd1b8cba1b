"""Permission names and built-in roles, as data. Who may do what is decided in `permits.py`.

Two families of names share one set: Stalwart's 0.12 names (`individual-create`) and `wd:<resource>:<action>:<own|any>`
for WildDuck's operations. `wd:<resource>.<attribute>` opens an attribute that some roles neither see nor set.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from attrs import frozen

__all__ = [
    "ALL_PERMISSIONS",
    "ATTRIBUTES",
    "ROLES",
    "STALWART_PERMISSIONS",
    "WILDDUCK_PERMISSIONS",
    "Role",
    "granted_by",
]


@frozen
class Role:
    """A named set of permissions. `disabled` wins over whatever any role or principal enables."""

    name: str
    enabled: frozenset[str]
    disabled: frozenset[str] = frozenset()
    parents: tuple[str, ...] = ()


def _names(text: str) -> tuple[str, ...]:
    """Whitespace-separated names; `email-{get,set}` stands for each of the alternatives."""
    found: list[str] = []
    for word in text.split():
        head, brace, rest = word.partition("{")
        if brace:
            choices, _, tail = rest.partition("}")
            found += [head + choice + tail for choice in choices.split(",")]
        else:
            found.append(word)
    return tuple(found)


# ---------------------------------------------------------------- Stalwart, in the order of their ids (0.12)

_CRUD = "{list,get,create,update,delete}"
_ADMIN_ONLY = _names(f"""
    impersonate unlimited-{{requests,uploads}} delete-system-folders settings-{{list,update,delete,reload}}
    tenant-{_CRUD} blob-fetch purge-{{blob-store,data-store,in-memory-store,account}} fts-reindex spam-filter-update
    webadmin-update logs-view restart tracing-{{list,get,live}} metrics-{{list,live}} oauth-client-{_CRUD}
    oauth-client-{{registration,override}} ai-model-interact troubleshoot
""")
_TENANT = _names(f"""
    message-queue-{{list,get,update,delete}} outgoing-report-{{list,get,delete}} incoming-report-{{list,get,delete}}
    individual-{_CRUD} group-{_CRUD} domain-{_CRUD} mailing-list-{_CRUD} role-{_CRUD} principal-{_CRUD} api-key-{_CRUD}
    undelete dkim-signature-{{create,get}} jmap-principal-{{get,query,query-changes}}
""")
_USER = _names("""
    authenticate authenticate-oauth email-{send,receive} manage-{encryption,passwords}
    jmap-{email,mailbox,thread,identity,email-submission,push-subscription,sieve-script,vacation-response,quota,blob}-get
    jmap-{email,mailbox,identity,email-submission,push-subscription,sieve-script,vacation-response}-set
    jmap-{email,mailbox,thread,identity,email-submission,quota}-changes
    jmap-{email,blob}-copy jmap-email-{import,parse}
    jmap-{email,mailbox,email-submission,sieve-script,quota}-query-changes
    jmap-{email,mailbox,email-submission,sieve-script,quota}-query
    jmap-search-snippet jmap-sieve-script-validate jmap-blob-{lookup,upload} jmap-echo
    imap-authenticate imap-acl-{get,set} imap-{my-rights,list-rights,append,capability,id,copy,move,create,delete}
    imap-enable
    imap-{expunge,fetch,idle,list,lsub,namespace,rename,search,sort,select,examine,status,store,subscribe,thread}
    pop3-{authenticate,list,uidl,stat,retr,dele}
    sieve-{authenticate,list-scripts,set-active,get-script,put-script,delete-script,rename-script,check-script}
    sieve-have-space spam-filter-{train,classify}
""")
# The 0.12 additions stand in neither built-in group upstream lists; only `admin` has them.
_DAV = _names("""
    dav-sync-collection dav-expand-property dav-principal-{acl,list,match,search,search-prop-set}
    dav-file-{prop-find,prop-patch,get,mk-col,delete,put,copy,move,lock,acl}
    dav-card-{prop-find,prop-patch,get,mk-col,delete,put,copy,move,lock,acl,query,multi-get}
    dav-cal-{prop-find,prop-patch,get,mk-col,delete,put,copy,move,lock,acl,query,multi-get,free-busy-query}
""")

STALWART_PERMISSIONS: frozenset[str] = frozenset(_ADMIN_ONLY + _TENANT + _USER + _DAV)
"""Every Stalwart 0.12 permission name."""

# ---------------------------------------------------------------- WildDuck

_RESOURCES = _names("""
    addresslisting addresses userlisting users asps messages attachments storage mailboxes autoreplies filters certs
    dkim domainaccess domainaliases webhooks settings authentication audit export import
""")
_ACTIONS = ("create", "read", "update", "delete")

ATTRIBUTES: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "users": frozenset({"tags", "disabledScopes", "internalData"}),
        "userlisting": frozenset({"tags", "disabledScopes", "internalData"}),
        "addresses": frozenset({"internalData"}),
        "addresslisting": frozenset({"internalData"}),
        "authentication": frozenset({"token"}),
    }
)
"""Attributes of a resource that only those see and set who hold `wd:<resource>.<attribute>`."""


def _grant(resources: str, actions: str = "create read update delete", scope: str = "any") -> frozenset[str]:
    return frozenset(f"wd:{r}:{a}:{scope}" for r in resources.split() for a in actions.split())


def _attributes(*resources: str) -> frozenset[str]:
    return frozenset(f"wd:{r}.{a}" for r in resources for a in ATTRIBUTES[r])


_EVERY_ATTRIBUTE = _attributes(*ATTRIBUTES)

WILDDUCK_PERMISSIONS: frozenset[str] = (
    frozenset(f"wd:{r}:{a}:{s}" for r in _RESOURCES for a in _ACTIONS for s in ("own", "any")) | _EVERY_ATTRIBUTE
)
"""Every WildDuck permission name."""

ALL_PERMISSIONS: frozenset[str] = STALWART_PERMISSIONS | WILDDUCK_PERMISSIONS

_MANAGED = (
    "addresslisting addresses userlisting users asps autoreplies filters certs dkim domainaccess domainaliases webhooks"
)

_WILDDUCK_ROLES: Mapping[str, frozenset[str]] = {
    # Not audit, export or import: even the master token is refused there (behaviour quirk 6).
    "root": _grant(f"{_MANAGED} messages attachments storage mailboxes settings")
    | _grant("authentication", "create read")
    | _EVERY_ATTRIBUTE,
    "manager": _grant(_MANAGED) | _grant("authentication", "create read") | _EVERY_ATTRIBUTE,
    "webmail": _grant("addresses asps messages attachments storage mailboxes autoreplies filters domainaccess webhooks")
    | _grant("authentication")
    | _grant("users", "read update")
    | _EVERY_ATTRIBUTE,
    "user": _grant("addresses asps messages attachments storage mailboxes autoreplies filters", scope="own")
    | _grant("users", "read update", "own")
    | _grant("authentication", "create read", "own")
    | _grant("addresslisting userlisting webhooks", "read", "own")
    | _attributes("authentication"),
    "auth": _grant("authentication", "create"),
    "tokenAuth": _grant("authentication", "create") | _attributes("authentication"),
    "attachments": _grant("attachments", "read"),
    "audit": _grant("audit") | _grant("users", "read") | _attributes("users"),
    "auditclient": _grant("audit", "read"),
    "export": _grant("export import", "create"),
    "settings": _grant("settings"),
    "downloader": _grant("messages", "read"),
}

# ---------------------------------------------------------------- the built-in roles of both

ROLES: Mapping[str, Role] = MappingProxyType(
    {
        # The one role that works on both dialects.
        "admin": Role("admin", ALL_PERMISSIONS),
        "tenant-admin": Role("tenant-admin", frozenset(_USER + _TENANT)),
        "user": Role("user", frozenset(_USER)),
        **{f"wd/{name}": Role(f"wd/{name}", grants) for name, grants in _WILDDUCK_ROLES.items()},
    }
)
"""The built-in roles. A stored role of the same name never takes their place."""


def granted_by(
    roles: Iterable[str],
    *,
    known: Mapping[str, Role] = ROLES,
    enabled: frozenset[str] = frozenset(),
    disabled: frozenset[str] = frozenset(),
    tenant: frozenset[str] | None = None,
) -> frozenset[str]:
    """The effective permissions of a principal with these roles: all that they and their parents enable and the
    principal's own `enabled`, less everything disabled, cut down to what its `tenant` allows. Disabling always wins.

    A role that is not `known` grants nothing (KeyError would let one deleted role lock everybody out).
    """
    granted, refused = set(enabled), set(disabled)
    waiting, seen = list(roles), set[str]()
    while waiting:
        name = waiting.pop()
        if name in seen or (role := known.get(name) or ROLES.get(name)) is None:
            continue
        seen.add(name)
        role = ROLES.get(name, role)
        granted |= role.enabled
        refused |= role.disabled
        waiting += role.parents
    effective = frozenset(granted - refused)
    return effective if tenant is None else effective & tenant
