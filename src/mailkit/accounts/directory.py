"""Principals of every kind as Stalwart's API knows them: created, changed and deleted with all that ties them together.

What a caller may grant is decided here too, since it depends on what is in the store: nobody grants what he lacks.
"""

from collections.abc import Callable, Iterable
from itertools import islice

from attrs import field, frozen
from msgspec.structs import replace

from mailkit.accounts.create import NewAccount
from mailkit.accounts.emails import email_of
from mailkit.accounts.service import Accounts
from mailkit.clock import Clock
from mailkit.credentials.passwords import hash_password
from mailkit.credentials.service import Credentials
from mailkit.errors import Denied, Invalid, NotFound
from mailkit.ids import new_id
from mailkit.principals.addresses import Addresses
from mailkit.principals.grants import Grants
from mailkit.principals.members import Members
from mailkit.principals.normalise import Mailbox, check_domain, normal_domain
from mailkit.principals.permits import Caller
from mailkit.principals.records import Principal, Profile
from mailkit.principals.relations import field_of
from mailkit.principals.roles import ALL_PERMISSIONS, ROLES
from mailkit.principals.service import Principals
from mailkit.quota import UNLIMITED, Quota, encode
from mailkit.storage.api import ReadTx, Store, Tx

__all__ = ["ACCOUNT_KINDS", "Directory", "NewPrincipal"]

ACCOUNT_KINDS = ("individual", "group")
"""Kinds that have mailboxes."""


@frozen
class NewPrincipal:
    """What the caller says about a principal to be made; names stand for other principals."""

    kind: str
    name: str
    display: str | None = None
    emails: tuple[str, ...] = ()
    quota: Quota = UNLIMITED
    ceilings: dict[str, int] = field(factory=dict)
    password: str | None = field(default=None, repr=False)
    """In the clear; it is hashed here."""
    hashed: str | None = field(default=None, repr=False)
    member_of: tuple[str, ...] = ()
    members: tuple[str, ...] = ()
    lists: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    tenant: str | None = None
    enabled: tuple[str, ...] = ()
    disabled: tuple[str, ...] = ()
    picture: str | None = None
    urls: tuple[str, ...] = ()
    external: tuple[str, ...] = ()


class Directory:
    """The use case. Services are public here: `edit.py` works with them. `on_domain(tx, name)` is told of a domain that
    an administrator of the server makes or adopts."""

    def __init__(
        self,
        store: Store,
        principals: Principals,
        addresses: Addresses,
        members: Members,
        grants: Grants,
        credentials: Credentials,
        accounts: Accounts,
        *,
        clock: Clock,
        on_domain: Callable[[Tx, str], None] = lambda tx, name: None,
    ) -> None:
        self.store = store
        self.principals = principals
        self.addresses = addresses
        self.members = members
        self.grants = grants
        self.credentials = credentials
        self.accounts = accounts
        self.clock = clock
        self._on_domain = on_domain

    def prepare(self, new: NewPrincipal, caller: Caller) -> Callable[[Tx], Principal]:
        """Checks and hashes; returns what is left to do in a transaction.

        That raises, in this order (Stalwart 3.3): Denied `role.not_grantable`, AlreadyExists `principal.exists`,
        NotFound for the first name that stands for nothing fitting, Invalid for a permission, AlreadyExists
        `address.exists`; and OverQuota `tenant.full`.
        """
        mailboxes = [] if new.kind == "oauthClient" else [email_of(text) for text in new.emails]
        with self.store.snapshot() as tx:
            tenant = self.tenant_number(new.tenant, caller, tx=tx)
        if new.kind in ACCOUNT_KINDS:
            make = self._account(new, mailboxes, tenant, caller)
        else:
            make = self._other(new, tenant, caller)

        def commit(tx: Tx) -> Principal:
            self._check_grantable(new.roles, caller, tx)
            if new.kind != "domain":  # there may be one that is to be adopted
                self.principals.check_new(new.kind, new.name, tenant, tx=tx)
            built_in, roles = self.roles_named(new.roles, caller, tx=tx)
            containers = [
                *(self.named(name, caller, ("group",), tx=tx) for name in new.member_of),
                *(self.named(name, caller, ("list",), tx=tx) for name in new.lists),
                *roles,
            ]
            members = [self.named(name, caller, tx=tx) for name in new.members]
            self.check_permissions("enabledPermissions", new.enabled, caller, must_hold=True)
            self.check_permissions("disabledPermissions", new.disabled, caller)
            row = make(tx)
            self._add_addresses(mailboxes, row, caller, tx)
            row = self.principals.get(row.number, tx=tx)
            row = self.principals.update(replace(row, roles=built_in), tx=tx) if row.roles != built_in else row
            for container in containers:
                self.members.add(container.number, row.number, tx=tx)
            for member in members:
                self.members.add(row.number, member.number, tx=tx)
            return self.principals.get(row.number, tx=tx)

        return commit

    def _account(
        self, new: NewPrincipal, mailboxes: list[Mailbox], tenant: int | None, caller: Caller
    ) -> Callable[[Tx], Principal]:
        main = mailboxes[0] if mailboxes and "*" not in mailboxes[0].local else None
        account = NewAccount(
            new.name,
            address=None if main is None else main.normal,
            no_address=main is None,
            password=new.password,
            hashed=new.hashed,
            display=new.display,
            kind=new.kind,
            quota=new.quota,
            roles=(),
            tenant=tenant,
            profile=Profile(),
        )
        commit = self.accounts.prepare(account, may_create_domain="domain-create" in caller.permissions)

        def make(tx: Tx) -> Principal:
            row = commit(tx)
            whole = self._with_fields(row, new)
            return row if whole == row else self.principals.update(whole, tx=tx)

        return make

    def _other(self, new: NewPrincipal, tenant: int | None, caller: Caller) -> Callable[[Tx], Principal]:
        hashed = new.hashed
        if new.password is not None:
            hashed = hash_password(new.password, self.credentials.cost)
        name = new.name
        if new.kind == "domain" and name.strip():
            name = normal_domain(name)
            if (reason := check_domain(name)) is not None:
                raise Invalid("value.invalid", reason, details="Invalid principal name", reason=reason)

        def make(tx: Tx) -> Principal:
            now = self.clock()
            known = self.principals.find_domain(name, tx=tx) if new.kind == "domain" else None
            if new.kind == "domain" and caller.tenant is None:
                self._on_domain(tx, name)
            if known is not None and known.implicit and known.tenant == tenant:
                # It came into being through an address; now it is adopted.
                row = self._with_fields(replace(known, implicit=False, display=new.display or None), new)
                return self.principals.update(row, tx=tx)
            fresh = Principal(
                number=0,
                id=new_id(now),
                kind=new.kind,
                name=name,
                created=now,
                display=new.display or None,
                quota=encode(new.quota),
                tenant=None if new.kind == "tenant" else tenant,
            )
            row = self.principals.create(self._with_fields(fresh, new), tx=tx)
            if hashed is not None:
                self.credentials.set_password(row.number, hashed, now=now, tx=tx)
            return row

        return make

    @staticmethod
    def _with_fields(row: Principal, new: NewPrincipal) -> Principal:
        return replace(
            row,
            enabled=tuple(dict.fromkeys(new.enabled)),
            disabled=tuple(dict.fromkeys(new.disabled)),
            picture=new.picture or None,
            urls=new.urls,
            targets=new.external,
            contacts=new.emails if new.kind == "oauthClient" else (),
            ceilings=new.ceilings,
        )

    def _add_addresses(self, mailboxes: Iterable[Mailbox], row: Principal, caller: Caller, tx: Tx) -> None:
        main = self.addresses.main_of(row, tx=tx)
        for mailbox in mailboxes:
            if main is not None and main.view == mailbox.view:
                main = None  # the one that came with the account; given twice, it is taken
                continue
            self.add_address(mailbox, row, caller, tx=tx)

    def add_address(self, mailbox: Mailbox, row: Principal, caller: Caller, *, tx: Tx) -> None:
        """An address for a principal, in a domain that may come into being when the caller may create one."""
        may_create = "domain-create" in caller.permissions
        self.addresses.add(mailbox, row, now=self.clock(), may_create_domain=may_create, name=row.display, tx=tx)

    def delete(self, row: Principal, *, tx: Tx) -> None:
        """Removes a principal with its memberships and addresses; an account's mail goes by a job, at once.

        Denied `tenant.has_members` and `domain.has_members`: what others are in is not removed.
        """
        if row.kind in ACCOUNT_KINDS:
            self.accounts.delete(row.id, tx=tx)
            return
        if row.kind == "tenant":
            inside = [member.name for member in islice(self.principals.of_tenant(row.number, tx=tx), 20)]
            if inside:
                raise Denied("tenant.has_members", "The tenant has members", reason=", ".join(inside))
        if row.kind == "domain":
            self._check_empty(row, tx)
        self.addresses.remove_all(row.number, tx=tx)
        self.members.forget(row.number, tx=tx)
        self.credentials.forget(row.number, tx=tx)
        self.principals.delete(row.number, tx=tx)

    def _check_empty(self, domain: Principal, tx: Tx) -> None:
        """A domain stays as long as there are addresses in it, or names of its tenant's principals."""
        count = self.addresses.domain_size(domain.number, tx=tx)
        if count:
            raise Denied("domain.has_members", "The domain has addresses", reason=f"{count} addresses are in it")
        if domain.tenant is not None:
            for member in self.principals.of_tenant(domain.tenant, tx=tx):
                if member.name.endswith(f"@{domain.name}"):
                    raise Denied("domain.has_members", "The domain has members", reason=f"{member.name} is in it")

    # what names stand for, and what a caller may do with them

    def tenant_number(self, name: str | None, caller: Caller, *, tx: ReadTx) -> int | None:
        """The tenant of what a caller makes: its own, else the one named; NotFound when there is none."""
        if caller.tenant is not None:
            return self.principals.by_id(caller.tenant, tx=tx).number
        if not name:
            return None
        row = self.principals.find_name(name.lower(), tx=tx)
        if row is None or row.kind != "tenant":
            raise NotFound("principal.not_found", f"There is no tenant {name} here", name=name)
        return row.number

    def within(self, row: Principal, caller: Caller, *, tx: ReadTx) -> bool:
        """True when a caller inside a tenant sees this principal; others see all."""
        return caller.tenant is None or (
            row.tenant is not None and row.tenant == self.principals.by_id(caller.tenant, tx=tx).number
        )

    def named(self, name: str, caller: Caller, kinds: tuple[str, ...] = (), *, tx: ReadTx) -> Principal:
        """The principal with a name, of one of `kinds`, that the caller sees; NotFound `principal.not_found`."""
        row = self.principals.find_name(name.lower(), tx=tx)
        if row is None or (kinds and row.kind not in kinds) or not self.within(row, caller, tx=tx):
            raise NotFound("principal.not_found", f"There is no {name} here", name=name)
        if field_of(row.kind) == "roles":
            self._check_role(name, self.grants.of_role(row.name, tx=tx), caller)
        return row

    def roles_named(
        self, names: Iterable[str], caller: Caller, *, tx: ReadTx
    ) -> tuple[tuple[str, ...], list[Principal]]:
        """Built-in roles by name, and stored ones; NotFound `role.unknown`, Denied `role.not_grantable`."""
        built_in: dict[str, None] = {}
        stored: list[Principal] = []
        for name in names:
            if name in ROLES:
                self._check_role(name, self.grants.of_role(name, tx=tx), caller)
                built_in[name] = None
            else:
                stored.append(self.named(name, caller, ("role",), tx=tx))
        return tuple(built_in), stored

    def _check_grantable(self, names: Iterable[str], caller: Caller, tx: ReadTx) -> None:
        """Denied `role.not_grantable` for a role with more than the caller has; of those it knows of."""
        for name in names:
            row = None if name in ROLES else self.principals.find_name(name.lower(), tx=tx)
            if name in ROLES or (row is not None and row.kind == "role" and self.within(row, caller, tx=tx)):
                self._check_role(name, self.grants.of_role(name if row is None else row.name, tx=tx), caller)

    @staticmethod
    def _check_role(name: str, gives: frozenset[str] | None, caller: Caller) -> None:
        if gives is None or not gives <= caller.permissions:
            raise Denied("role.not_grantable", reason=f'Your account cannot grant the "{name}" role')

    @staticmethod
    def check_permissions(field: str, names: Iterable[str], caller: Caller, *, must_hold: bool = False) -> None:
        """Invalid for a name that is no permission or, with `must_hold`, one that the caller lacks (S3.3, step 10)."""
        for name in names:
            if name not in ALL_PERMISSIONS:
                reason = f'Permission "{name}" is invalid'
                raise Invalid("value.invalid", reason, details=f"Invalid {field} value", reason=reason)
            if must_hold and name not in caller.permissions:
                reason = f'Your account cannot grant the "{name}" permission'
                raise Invalid("value.invalid", reason, details="Invalid permission", reason=reason)
