"""The one place where everything is wired together, long for that reason alone. It decides nothing."""

import os
import socket
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import cache, cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar

from mailkit import housekeeping
from mailkit.accounts.access import Access
from mailkit.accounts.acquaint import acquaintances
from mailkit.accounts.addressing import Addressing
from mailkit.accounts.bulk import BULK_DELETE, bulk_delete_handler
from mailkit.accounts.directory import Directory
from mailkit.accounts.edit import Editor
from mailkit.accounts.known_passwords import KnownPasswords
from mailkit.accounts.limits import AccountLimits
from mailkit.accounts.purge import PURGE, purge_handler
from mailkit.accounts.rename import RENAME, DomainNames
from mailkit.accounts.service import Accounts
from mailkit.accounts.settings import PASSWORD_RANGES
from mailkit.accounts.users import RECOUNT, Users
from mailkit.clock import Clock, now_ms
from mailkit.credentials import settings as access_keys
from mailkit.credentials.authlog import Event
from mailkit.credentials.passwords import Cost
from mailkit.credentials.schemes import Scheme
from mailkit.credentials.service import Credentials
from mailkit.delivery.service import Delivery
from mailkit.delivery.steps import Workshop
from mailkit.encryption.demand import AccountKeys
from mailkit.errors import NotFound
from mailkit.files.service import Files
from mailkit.files.settings import MOST as MOST_FILE_BYTES
from mailkit.idempotency import Idempotency
from mailkit.ids import Id
from mailkit.jobs import Jobs, Runner, Step, install_housekeeping, schedule_housekeeping
from mailkit.jobs import settings as job_keys
from mailkit.journal import Retention
from mailkit.known_settings import registry
from mailkit.limits import Limits
from mailkit.limits.settings import ENFORCE_RECEIVED
from mailkit.limits.settings import MAILBOXES as MOST_MAILBOXES
from mailkit.mailstore.prepare import Ready
from mailkit.mailstore.records import Mailbox
from mailkit.mailstore.service import MailStore
from mailkit.mailstore.settings import MOST_VANISHED
from mailkit.mailstore.work import handlers
from mailkit.principals.addresses import Addresses
from mailkit.principals.domainaliases import DomainAliases
from mailkit.principals.grants import Grants
from mailkit.principals.mail_keys import mail_keys
from mailkit.principals.members import Members
from mailkit.principals.records import Principal
from mailkit.principals.register import Register
from mailkit.principals.service import Principals
from mailkit.quota import Bytes, Holder, QuotaService, Unlimited, decode
from mailkit.quota.settings import DEFAULT as QUOTA_DEFAULT
from mailkit.sealing import FileKeys, Keys, MemoryKeys, NoKeys, Sealing
from mailkit.sealing import settings as sealing_keys
from mailkit.sealing.rotate import ROTATE, rotation
from mailkit.search.apply import APPLY, apply_handler
from mailkit.search.jobs import MERGE, REBUILD, merge_handler, rebuild_handler
from mailkit.search.service import Search
from mailkit.search.store import StoreIndex
from mailkit.search.upkeep import Upkeep
from mailkit.settings import Settings
from mailkit.settings import kernel as keys
from mailkit.settings.plugins import load, unknown
from mailkit.storage.api import BlobStore, ReadTx, Store, Tx
from mailkit.storage.blobs import Blobs
from mailkit.storage.migrate import migrate
from mailkit.storage.open import folder_of, open_blobs, open_store

if TYPE_CHECKING:
    from mailkit.mailauth.lookup import Resolver
    from mailkit.spam.service import Scope, Spam

__all__ = ["MailKit"]

T = TypeVar("T")


@cache
def _host_name() -> str:
    """The machine's full name; finding it out may ask the DNS."""
    return socket.getfqdn()


class MailKit:
    """A mail platform: its services as attributes, over one store.

    `MailKit.open` is the usual way in. Embedded, nothing runs by itself: call `run_due` now and then, or use
    `with kit.background():`.
    """

    def __init__(
        self,
        store: Store,
        blob_store: BlobStore,
        settings: Settings,
        *,
        clock: Clock = now_ms,
        secret_keys: Keys | None = None,
        password_cost: Cost | None = None,
        password_schemes: Sequence[Scheme] = (),
    ) -> None:
        plugins = settings.get(keys.PLUGINS)
        unknown(plugins)
        migrate(store)
        self.store = store
        self.settings = settings
        self.clock = clock
        settings.attach(store)

        self.jobs = Jobs(store, clock=clock)
        self.blobs = Blobs(store, blob_store, clock=clock)
        self.limits = Limits()
        self.idempotency = Idempotency()
        self.principals = Principals(store)
        self.addresses = Addresses(store, self.principals)
        self.members = Members(store, self.principals)
        self.register = Register(store)
        self.domain_aliases = DomainAliases(store)
        self.grants = Grants(store, self.principals, self.members)
        self.sealing = Sealing(store, secret_keys or NoKeys())
        self.sealing.verify()
        self.credentials = Credentials(
            store,
            password_cost or self._password_cost(),
            sealing=self.sealing,
            schemes=(*password_schemes, *load("mailkit.password_schemes", plugins)),
        )
        self.quota = QuotaService(self._holder, self._default_quota)
        index = StoreIndex(self._merge_soon)
        self.mailstore = MailStore(
            store,
            self.blobs,
            self.quota,
            self.jobs,
            clock=clock,
            number_of=self._number_of,
            follower=index,
            most_mailboxes=lambda: settings.get(MOST_MAILBOXES),
            most_vanished=lambda: settings.get(MOST_VANISHED),
            on_stored=self._note_people,
            archive_keep=lambda: settings.get(keys.ARCHIVE_KEEP),
            fate=self._fate,
            keys_of=self._mail_keys,
        )
        self.files = Files(store, self.blobs, clock=clock, most=lambda: settings.get(MOST_FILE_BYTES))
        upkeep = Upkeep(store, self.mailstore, index, clock=clock)
        self.search = Search(store, self.mailstore, index, ready=upkeep.ready, rebuild=self._rebuild_index)
        self.accounts = Accounts(
            store,
            self.principals,
            self.addresses,
            self.members,
            self.credentials,
            clock=clock,
            domain=self.domain,
            log=self._log,
            purge=self._schedule_purge,
            cancel=self._cancel_purge,
            held=lambda tx, number: self.mailstore.holds.stops_purge(number, tx=tx),
        )
        self.directory = Directory(
            store,
            self.principals,
            self.addresses,
            self.members,
            self.grants,
            self.credentials,
            self.accounts,
            clock=clock,
            on_domain=self._name_reports,
        )
        self.addressing = Addressing(store, self.principals, self.addresses, self.members, clock=clock)
        self.domain_names = DomainNames(
            store, self.principals, self.members, self.credentials, clock=clock, schedule=self._schedule_rename
        )
        self.known_password: Callable[[str], bool] = KnownPasswords(lambda: settings.get(PASSWORD_RANGES))
        self.account_limits = AccountLimits(store, self.limits, clock=clock, setting=settings.get)
        self.users = Users(
            store,
            self.principals,
            self.credentials,
            self.quota,
            self.account_limits,
            clock=clock,
            log=self._log,
            schedule=lambda tx, now: self.jobs.schedule(tx, RECOUNT, due=now),
        )
        self.access = Access(
            store, self.principals, self.addresses, self.grants, self.credentials, settings, clock=clock
        )
        self.authlog, self.login, self.callers = self.access.authlog, self.access.login, self.access.callers
        self.two_factor, self.oauth = self.access.two_factor, self.access.oauth
        self.app_passwords, self.secrets = self.access.app_passwords, self.access.secrets
        self.editor = Editor(self.directory, self.quota, self.secrets, self.domain_names)
        shop = Workshop(
            self.addresses, self.mailstore, lambda: settings.get(keys.LIMITS_MESSAGE_SIZE), self._count_received
        )
        self.delivery = Delivery(store, shop, clock=clock, hostname=self.hostname)
        self._register_jobs(upkeep)

    @classmethod
    def open(
        cls,
        where: str | os.PathLike[str] = "mail-data",
        *,
        settings: Mapping[str, object] | None = None,
        config: Path | None = None,
        environment: Mapping[str, str] | None = None,
        clock: Clock = now_ms,
        password_cost: Cost | None = None,
        password_schemes: Sequence[Scheme] = (),
    ) -> Self:
        """Opens the platform kept in a data folder (made if need be) or at a URL: `memory:`, `postgresql://...`.

        `settings` are values by dotted name (they win), `config` a TOML file, `environment` the variables to look at
        (none unless given). `password_schemes` are understood besides those that are built in. Invalid names every
        setting that is wrong.
        """
        arguments = {keys.STORE.name: os.fspath(where), **(settings or {})}
        loaded = Settings(registry(), arguments=arguments, environment=environment, file=config)
        return cls.with_settings(loaded, clock=clock, password_cost=password_cost, password_schemes=password_schemes)

    @classmethod
    def with_settings(
        cls,
        settings: Settings,
        *,
        clock: Clock = now_ms,
        password_cost: Cost | None = None,
        password_schemes: Sequence[Scheme] = (),
    ) -> Self:
        """Opens the platform that the setting `store` names."""
        where = settings.get(keys.STORE)
        store = open_store(where)
        try:
            return cls(
                store,
                open_blobs(where, store),
                settings,
                clock=clock,
                secret_keys=_secret_keys(where, settings.get(sealing_keys.KEY_FILE)),
                password_cost=password_cost,
                password_schemes=password_schemes,
            )
        except BaseException:
            store.close()
            raise

    # transactions over several services

    def transact(self, fn: Callable[[Tx], T]) -> T:
        """Several services, one commit: `fn(tx)` passes `tx=tx` on. Run again on conflict."""
        return self.store.transact(fn)

    def transaction(self) -> AbstractContextManager[Tx]:
        """An open transaction, never retried: raises Conflict when it lost."""
        return self.store.transaction()

    # the world outside

    @cached_property
    def resolver(self) -> "Resolver":
        """Answers DNS questions: from the zone file of the setting `dns.zone`, else from the DNS."""
        zone = self.settings.get(keys.DNS_ZONE)
        if zone is not None:
            from mailkit.mailauth.resolvers.zone import load_zone

            return load_zone(zone)
        from mailkit.mailauth.resolvers.live import DnsResolver

        return DnsResolver()

    @cached_property
    def spam(self) -> "Spam":
        """The spam engine: classify, learn, explain, over models for all, for a tenant, for an account."""
        from mailkit.spam.service import Spam

        return Spam(self.store, clock=self.clock, scopes_of=self._spam_scopes, fold_later=self._fold_later)

    # work that waits

    def schedule_bulk_delete(self, tx: Tx, kind: str, needle: str, tenant: int | None) -> Id:
        """Deletes the principals of a kind that match (see `accounts.bulk`), by a job whose id is returned."""
        args = {"kind": kind, "needle": needle, "tenant": tenant}
        return self.jobs.schedule(tx, BULK_DELETE, args, due=self.clock())

    def run_due(self, now: int | None = None, *, limit: int = 100) -> int:
        """Runs the jobs that are due, at most `limit`; returns how many ran."""
        return self.jobs.run_due(self.clock() if now is None else now, limit=limit)

    def background(self) -> AbstractContextManager[Runner]:
        """Runs due jobs on threads for as long as the block lasts, and makes those that come back by themselves."""

        def schedule(tx: Tx) -> None:
            schedule_housekeeping(self.jobs, tx, now=self.clock())
            housekeeping.schedule(self.jobs, now=self.clock(), tx=tx)

        self.store.transact(schedule)
        get = self.settings.get
        return Runner(self.jobs, threads=get(job_keys.THREADS), poll=get(job_keys.POLL) / 1000)

    def rebuild_indexes(self, tx: Tx, tenant: int | None = None) -> Id:
        """Has the search index of every account made anew in the background; of one tenant's, by its number."""
        return self.jobs.schedule(tx, "search.rebuild_all", {"tenant": tenant}, due=self.clock(), key=str(tenant))

    def used(self, account: int) -> int:
        """Bytes of mail that an account or tenant keeps."""
        with self.store.snapshot() as tx:
            return self.quota.used(tx, account)

    # names of this host

    def hostname(self) -> str:
        """What this host calls itself in greetings and trace fields."""
        return self.settings.get(keys.MAIL_HOSTNAME) or _host_name()

    def domain(self) -> str:
        """The domain of addresses that are given without one."""
        return self.settings.get(keys.MAIL_DOMAIN) or self.hostname()

    def close(self) -> None:
        """Closes the store. Closing twice is harmless."""
        self.store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    # what packages need of one another, without knowing one another

    def _register_jobs(self, upkeep: Upkeep) -> None:
        get = self.settings.get
        install_housekeeping(
            self.jobs, retention=lambda: Retention(get(keys.JOURNAL_KEEP), get(keys.JOURNAL_KEEP_MOST))
        )
        self.jobs.register(
            PURGE, purge_handler(self.principals, self.credentials, self.authlog, self.mailstore, self.files)
        )
        self.jobs.register(RECOUNT, self.users.handler)
        self.jobs.register(RENAME, self.domain_names.handler)
        self.jobs.register(BULK_DELETE, bulk_delete_handler(self.directory))
        self.jobs.register("spam.fold", self._fold)
        for kind, handler in handlers(self.mailstore).items():
            self.jobs.register(kind, handler)
        self.jobs.register(MERGE, merge_handler(upkeep))
        self.jobs.register(APPLY, apply_handler(self.search, self.mailstore))
        self.jobs.register(REBUILD, rebuild_handler(upkeep))
        self.jobs.register("search.rebuild_all", housekeeping.rebuild_all(self.principals, self.search))
        self.jobs.register("blobs.purge", housekeeping.blob_purge(self.blobs))
        self.jobs.register("blobs.sweep", housekeeping.blob_sweep(self.blobs))
        self.jobs.register("access.expire", housekeeping.access_expiry(self.access))
        self.jobs.register(ROTATE, rotation(self.sealing, self.access.sealed()))
        self.jobs.register(housekeeping.FORGET, housekeeping.forget_keys(self.limits, self.oauth))
        self.jobs.register("idempotency.forget", housekeeping.idempotency_expiry(self.idempotency))
        self.jobs.register("limits.cleanup", housekeeping.limits_cleanup(self.limits))
        self.jobs.register("receipts.expire", housekeeping.receipt_expiry(self.delivery))

    def _password_cost(self) -> Cost:
        get = self.settings.get
        return Cost(get(access_keys.PASSWORD_MEMORY), get(access_keys.PASSWORD_PASSES))

    def _spam_scopes(self, tx: ReadTx, id: Id) -> "list[Scope]":
        from mailkit.spam.service import Scope

        row = self.principals.by_id(id, tx=tx)
        tenant = [] if row.tenant is None else [Scope("tenant", row.tenant)]
        return [*tenant, Scope("account", row.number)]

    def _fold_later(self, tx: Tx, number: int) -> None:
        self.jobs.schedule(tx, "spam.fold", {"model": number}, due=self.clock(), key=str(number))

    def _fold(self, step: Step) -> None:
        self.spam.fold(step.args["model"])

    def _holder(self, tx: ReadTx, number: int) -> Holder:
        row = self.principals.find_any(number, tx=tx)
        if row is None:
            raise NotFound("principal.not_found", number=number)
        return Holder(decode(row.quota), row.tenant)

    def _fate(self, tx: ReadTx, number: int) -> tuple[int, int | None]:
        row = self.principals.find_any(number, tx=tx)
        retention = row.profile.retention if row is not None and row.profile is not None else 0
        job = self.jobs.find(tx, PURGE, str(number))
        if job is None or self.principals.find(number, tx=tx) is not None:
            return retention, None
        return retention, job.due + (0 if "closed" in job.progress else job.args.get("linger", 0))

    def _default_quota(self) -> Bytes | Unlimited:
        return self.settings.get(QUOTA_DEFAULT)

    def _mail_keys(self, tx: ReadTx, number: int) -> AccountKeys:
        row = self.principals.find(number, tx=tx)
        return AccountKeys() if row is None else mail_keys(row.profile)

    def _number_of(self, tx: ReadTx, id: Id) -> int:
        return self.principals.user(id, tx=tx).number

    def _note_people(self, tx: Tx, account: int, box: Mailbox, ready: Ready, flags: tuple[str, ...]) -> None:
        draft = "\\Draft" in flags
        people = acquaintances(box.special_use, ready.fields, automatic=ready.automatic, draft=draft)
        self.register.note(account, people, now=self.clock(), tx=tx)

    def _name_reports(self, tx: Tx, domain: str) -> None:
        """The first domain is the one that reports come from, unless somebody has said otherwise (S3.3)."""
        name = keys.REPORT_DOMAIN.name
        if not self.settings.get(keys.REPORT_DOMAIN) and name not in dict(self.settings.rows(tx, name)):
            self.settings.write({name: domain}, now=self.clock(), tx=tx)

    def _count_received(self, tx: Tx, account: Principal) -> str | None:
        return self.account_limits.receive(account, enforced=self.settings.get(ENFORCE_RECEIVED), tx=tx)

    def _log(self, owner: int, event: Event, *, now: int, tx: Tx) -> object:
        return self.authlog.add(owner, event, now=now, tx=tx)

    def _merge_soon(self, tx: Tx, account: int) -> None:
        self.jobs.schedule(tx, MERGE, {"account": account}, due=self.clock(), key=str(account))

    def _rebuild_index(self, tx: Tx, account: int) -> Id:
        return self.jobs.schedule(tx, REBUILD, {"account": account}, due=self.clock(), key=str(account))

    def _schedule_purge(self, tx: Tx, number: int, due: int, linger: int) -> Id:
        args = {"account": number, "linger": linger}
        return self.jobs.schedule(tx, PURGE, args, due=due, key=str(number))

    def _schedule_rename(self, tx: Tx, old: str, now: int) -> Id:
        return self.jobs.schedule(tx, RENAME, {"old": old}, due=now, key=old)

    def _cancel_purge(self, tx: Tx, job: Id, now: int) -> bool:
        if self.jobs.get(tx, job).state != "waiting":
            return False
        self.jobs.cancel(tx, job, now=now)
        return True


def _secret_keys(where: str, named: str | None) -> Keys:
    """Where the keys are that seeds and private keys are sealed with."""
    folder = folder_of(where)
    if named is not None:
        return FileKeys(Path(named))
    if folder is not None:
        return FileKeys(folder / "secret.key")
    return MemoryKeys() if where.startswith("memory:") else NoKeys()
