"""Changes of one principal, field by field (Stalwart 3.6).

A change is an action on a field: `set`, `addItem`, `removeItem`. They are applied in order in one transaction, so one
that is refused undoes those before it. `set` of memberOf, lists or roles replaces that field only: the reference
replaces all three with it, which no client can want.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, Literal

import attrs
import msgspec
from attrs import frozen
from msgspec.structs import replace

from mailkit import journal
from mailkit.accounts import secrets
from mailkit.accounts.directory import ACCOUNT_KINDS, Directory
from mailkit.accounts.emails import email_of, external_of
from mailkit.accounts.rename import DomainNames
from mailkit.errors import AlreadyExists, Denied, Invalid
from mailkit.principals.normalise import check_domain, normal_domain
from mailkit.principals.permits import Caller
from mailkit.principals.records import Principal
from mailkit.principals.relations import Field, field_of, refusal_of_container, refusal_of_member
from mailkit.principals.roles import ROLES
from mailkit.principals.service import check_name
from mailkit.principals.targets import kind_of
from mailkit.principals.tenancy import ceilings_of
from mailkit.quota import UNLIMITED, Bytes, QuotaService, encode
from mailkit.storage.api import Tx

__all__ = ["Action", "Change", "Editor"]

Action = Literal["set", "addItem", "removeItem"]
Value = str | int | tuple[str, ...] | tuple[int, ...]

_QUOTA_ENTRIES = 13


@frozen
class Change:
    """One change. `value` is a text, a number, or a list of either."""

    action: Action
    field: str
    value: Value = attrs.field(repr=False)  # may be a secret
    commit: Callable[[Tx, int], None] | None = attrs.field(default=None, repr=False, eq=False)
    """What is left to do of a change of secrets, once it is prepared."""

    def refuse(self) -> Invalid:
        """The refusal of an action, field and value that don't go together."""
        value = self.value
        shown = "***" if self.field == "secrets" else value if isinstance(value, str) else _shown(value)
        reason = f"Invalid value {shown} for {self.field}"
        return Invalid("value.invalid", reason, details="Invalid parameter", reason=reason)

    def text(self) -> str:
        """The value, which must be a text."""
        if not isinstance(self.value, str):
            raise self.refuse()
        return self.value

    def texts(self) -> tuple[str, ...]:
        """The value, which must be a list of texts."""
        if not isinstance(self.value, tuple) or not all(isinstance(item, str) for item in self.value):
            raise self.refuse()
        return tuple(str(item) for item in self.value)

    def several(self) -> tuple[str, ...]:
        """What `set` replaces with: the list. What `addItem` and `removeItem` are about: the one text."""
        return self.texts() if self.action == "set" else (self.text(),)


def _shown(value: object) -> str:
    return msgspec.json.encode(value).decode()


class Editor:
    """The use case: `prepare` outside a transaction, what it returns inside of one."""

    def __init__(
        self, directory: Directory, quota: QuotaService, secrets: "secrets.Secrets", domain_names: DomainNames
    ) -> None:
        self._domain_names = domain_names
        self._directory = directory
        self._quota = quota
        self._secrets = secrets

    def prepare(self, changes: tuple[Change, ...]) -> tuple[Change, ...]:
        """The changes with passwords hashed, which is slow."""
        return tuple(self._hashed(change) if change.field == "secrets" else change for change in changes)

    def _hashed(self, change: Change) -> Change:
        made: list[secrets.Change]
        match change.action:
            case "set":
                given = (change.value,) if isinstance(change.value, str) else change.texts()
                made = [secrets.SetAll(tuple(text for text in given if text))]
            case "addItem":
                made = [secrets.Add(change.text())]
            case "removeItem":
                made = [secrets.Remove(change.text())]
        return attrs.evolve(change, commit=self._secrets.prepare(made))

    def apply(self, row: Principal, changes: tuple[Change, ...], caller: Caller, *, tx: Tx) -> Principal:
        """Applies prepared changes in order; returns the principal as it then is."""
        work = _Edit(self._directory, self._quota, self._domain_names, row, caller, tx)
        for change in changes:
            fn = _FIELDS.get(change.field)
            if fn is None:
                raise change.refuse()
            fn(work, change)
        return self._directory.principals.update(work.row, tx=tx)


class _Edit:
    """One principal in the middle of its changes."""

    def __init__(
        self,
        directory: Directory,
        quota: QuotaService,
        domain_names: DomainNames,
        row: Principal,
        caller: Caller,
        tx: Tx,
    ) -> None:
        self.directory = directory
        self.quota = quota
        self.domain_names = domain_names
        self.row = row
        self.caller = caller
        self.tx = tx

    def put(self, **values: Any) -> None:
        self.row = replace(self.row, **values)

    def save(self) -> None:
        """Stores the row so far, for services that read it."""
        self.row = self.directory.principals.update(self.row, tx=self.tx)

    def reload(self) -> None:
        self.row = self.directory.principals.get(self.row.number, tx=self.tx)

    def sees(self, row: Principal) -> bool:
        """Whether whoever changes this knows of another principal; what he doesn't know of stays as it is."""
        return self.directory.within(row, self.caller, tx=self.tx)

    # plain fields

    def name(self, change: Change) -> None:
        if change.action != "set":
            raise change.refuse()
        name, old = check_name(change.text()), self.row.name
        if self.row.kind == "domain":
            self._rename_domain(normal_domain(name), change)
        elif name != old:
            self.put(name=name)
            self.save()
            payload = {"user": self.row.id, "type": self.row.kind, "previous": old, "current": name}
            at = self.directory.clock()
            told = journal.Entry(kind="principal.renamed", account=self.row.number, at=at, payload=payload)
            journal.add(self.tx, told)

    def _rename_domain(self, name: str, change: Change) -> None:
        """With all its addresses; not into a domain that is there."""
        if name == self.row.name:
            return
        if (reason := check_domain(name)) is not None:
            raise Invalid("value.invalid", reason, details="Invalid parameter", reason=f"{change.text()}: {reason}")
        if self.directory.principals.find_name(name, tx=self.tx) is not None:
            raise AlreadyExists("principal.exists", name=name)
        self.save()
        tenant = self.directory.tenant_number(None, self.caller, tx=self.tx)
        self.domain_names.rename(self.row.name, name, tenant=tenant, tx=self.tx)
        self.reload()

    def description(self, change: Change) -> None:
        if change.action != "set":
            raise change.refuse()
        self.put(display=change.text() or None)

    def picture(self, change: Change) -> None:
        if change.action != "set":
            raise change.refuse()
        self.put(picture=change.text() or None)

    def urls(self, change: Change) -> None:
        self.put(urls=_changed(self.row.urls, change, change.several()))

    def external(self, change: Change) -> None:
        """The targets that are addresses; others are WildDuck's and stay."""
        given = tuple(external_of(text) for text in change.several())
        known = self.row.targets
        rest = tuple(target for target in known if kind_of(target) != "mail") if change.action == "set" else ()
        self.put(targets=_changed(known, change, given) + rest)

    def permissions(self, change: Change) -> None:
        check = self.directory.check_permissions
        names = change.several()
        enabling = change.field == "enabledPermissions"
        before = self.row.enabled if enabling else self.row.disabled
        if change.action != "removeItem":
            check(change.field, names, self.caller, must_hold=enabling)
        after = _changed(before, change, names)
        if enabling:
            self.put(enabled=after)
        else:
            # to take a refusal back is to grant
            check(change.field, set(before) - set(after), self.caller, must_hold=True)
            self.put(disabled=after)

    def quota_field(self, change: Change) -> None:
        if change.action != "set" or self.row.kind not in (*ACCOUNT_KINDS, "tenant"):
            raise change.refuse()
        match change.value:
            case "":
                self.put(quota=encode(UNLIMITED), ceilings={})
            case int(amount):
                self.put(quota=encode(Bytes(amount) if amount else UNLIMITED))
            case tuple() as amounts if self.row.kind == "tenant" and len(amounts) <= _QUOTA_ENTRIES:
                numbers = [amount for amount in amounts if isinstance(amount, int)]
                if len(numbers) != len(amounts):
                    raise change.refuse()
                storage = numbers[0] if numbers else 0
                self.put(quota=encode(Bytes(storage) if storage else UNLIMITED), ceilings=ceilings_of(numbers))
            case _:
                raise change.refuse()

    def tenant(self, change: Change) -> None:
        if change.action != "set" or self.row.kind == "tenant":
            raise change.refuse()
        if self.caller.tenant is not None:
            raise Denied("permission.missing", "A tenant's administrators cannot move principals out of it")
        number = self.directory.tenant_number(change.text(), self.caller, tx=self.tx)
        if number == self.row.tenant:
            return
        self.quota.move(self.tx, self.row.number, old=self.row.tenant, new=number)
        self.put(tenant=number)
        self.save()

    # addresses

    def emails(self, change: Change) -> None:
        if self.row.kind == "oauthClient":
            self.put(contacts=_changed(self.row.contacts, change, change.several()))
            return
        directory, tx = self.directory, self.tx
        held = {row.view: row for row in directory.addresses.of(self.row.number, tx=tx)}
        given = [text.lower() for text in change.several()]
        self.save()
        if change.action == "removeItem":
            gone = [held[view] for text in given if (view := _view(text)) in held]
        else:
            wanted = {mailbox.view: mailbox for mailbox in map(email_of, given)}
            gone = [row for view, row in held.items() if view not in wanted] if change.action == "set" else []
            if change.action == "addItem" and wanted.keys() & held.keys():
                raise AlreadyExists("address.exists", address=given[0])
        for row in gone:
            directory.addresses.drop(row.id, tx=tx)
        self.reload()
        if change.action != "removeItem":
            for view, mailbox in wanted.items():
                if view not in held:
                    directory.add_address(mailbox, self.row, self.caller, tx=tx)
                    self.reload()
            first = next((view for view, mailbox in wanted.items() if "*" not in mailbox.local), None)
            if change.action == "set" and first is not None:
                directory.addresses.promote(first, self.row, tx=tx)
        self.reload()

    # memberships

    def members(self, change: Change) -> None:
        members, tx = self.directory.members, self.tx
        held = {row.name: row for row in members.of(self.row.number, tx=tx) if self.sees(row)}
        given = [text.lower() for text in change.several()]
        if change.action == "removeItem":
            self._leave(self.row, [held[name] for name in given if name in held])
            return
        rows = [self.directory.named(name, self.caller, tx=tx) for name in given]
        if self.row.kind == "role":
            self.directory.named(self.row.name, self.caller, ("role",), tx=tx)
        for row in rows:
            reason = refusal_of_member(self.row.kind, row.kind, row.name)
            if reason is not None:
                raise Invalid("value.invalid", reason, details="Invalid members value", reason=reason)
        if change.action == "set":
            self._leave(self.row, [row for name, row in held.items() if name not in given])
        for row in rows:
            members.add(self.row.number, row.number, tx=tx)

    def _leave(self, container: Principal, rows: list[Principal]) -> None:
        for row in rows:
            self.directory.members.remove(container.number, row.number, tx=self.tx)

    def containers(self, change: Change) -> None:
        name: Any = change.field
        where: Field = name
        members, tx = self.directory.members, self.tx
        given = change.several()
        if where == "roles":
            given = self._built_in_roles(change, given)
        known = members.containers(self.row.number, tx=tx)
        held = {row.name: row for row in known if field_of(row.kind) == where and self.sees(row)}
        given = tuple(text.lower() for text in given)
        if change.action == "removeItem":
            rows = [held[text] for text in given if text in held]
            for row in rows:
                members.remove(row.number, self.row.number, tx=tx)
            return
        wanted = [self._container(where, text) for text in given]
        if change.action == "set":
            for text, row in held.items():
                if text not in given:
                    members.remove(row.number, self.row.number, tx=tx)
        for row in wanted:
            members.add(row.number, self.row.number, tx=tx)

    def _container(self, where: Field, name: str) -> Principal:
        row = self.directory.named(name, self.caller, tx=self.tx)
        reason = refusal_of_container(where, self.row.kind, row.kind, row.name)
        if reason is not None:
            raise Invalid("value.invalid", reason, details=f"Invalid {where} value", reason=reason)
        return row

    def _built_in_roles(self, change: Change, names: tuple[str, ...]) -> tuple[str, ...]:
        """Does what concerns built-in roles, which are kept in the row; returns the names of the others."""
        if self.row.kind not in ("individual", "tenant", "role"):
            reason = f'Principal "{names[0] if names else ""}" cannot be added as a member.'
            raise Invalid("value.invalid", reason, details="Invalid roles value", reason=reason)
        built_in = tuple(name for name in names if name in ROLES)
        if change.action != "removeItem":
            self.directory.roles_named(built_in, self.caller, tx=self.tx)
        self.put(roles=_changed(self.row.roles, change, built_in))
        return tuple(name for name in names if name not in ROLES)

    # secrets

    def secrets(self, change: Change) -> None:
        """All or some of what the principal proves itself with; see `accounts/secrets.py`."""
        assert change.commit is not None
        self.save()
        change.commit(self.tx, self.row.number)
        self.reload()


def _view(text: str) -> str:
    try:
        return email_of(text).view
    except Invalid:
        return ""


def _changed(before: tuple[str, ...], change: Change, given: tuple[str, ...]) -> tuple[str, ...]:
    """A list after a change, each item once, in order of arrival."""
    if change.action == "removeItem":
        return tuple(item for item in before if item not in given)
    return tuple(dict.fromkeys(given if change.action == "set" else (*before, *given)))


_FIELDS: Final[Mapping[str, Callable[[_Edit, Change], None]]] = {
    "name": _Edit.name,
    "description": _Edit.description,
    "picture": _Edit.picture,
    "urls": _Edit.urls,
    "externalMembers": _Edit.external,
    "enabledPermissions": _Edit.permissions,
    "disabledPermissions": _Edit.permissions,
    "quota": _Edit.quota_field,
    "tenant": _Edit.tenant,
    "emails": _Edit.emails,
    "members": _Edit.members,
    "memberOf": _Edit.containers,
    "lists": _Edit.containers,
    "roles": _Edit.containers,
    "secrets": _Edit.secrets,
}
