"""Logging in for clients, and the login log (W2.12); temporary passwords (W2.1)."""

from urllib.parse import urlsplit

from mailkit.accounts.by import By
from mailkit.accounts.login import Attempt
from mailkit.credentials.factors import MASTER
from mailkit.credentials.records import AuthEvent
from mailkit.errors import Denied, NotFound
from mailkit.http.cursor import Cursor
from mailkit.http.declare import UNSET, UnsetType, answer, request
from mailkit.http.later import OnThread
from mailkit.http.operation import read, slow, write
from mailkit.http.paging import number_page, position
from mailkit.http.wildduck import fields as take
from mailkit.http.wildduck.fields import Logged, Paged
from mailkit.http.wildduck.reach import user_within
from mailkit.http.wildduck.times import iso
from mailkit.ids import Id
from mailkit.kit import MailKit
from mailkit.principals.permits import Caller, hidden
from mailkit.storage.api import ReadTx, Tx

__all__ = ["authenticate", "get_event", "list_events", "log_out", "preauth", "reset_password"]


# ---------------------------------------------------------------- POST /preauth


@request
class Preauth(Logged):
    """Who would log in, and to what."""

    username: str = take.text(255, "User name or address", trim=True, empty="refused")
    scope: str = take.text(255, "`master`, or one service", default=MASTER)


@answer
class Ready:
    """An account that can log in. `require2fa`: its second factors, or false."""

    id: str
    username: str
    address: str | UnsetType = UNSET
    scope: str
    require2fa: tuple[str, ...] | bool


@read
def preauth(kit: MailKit, ask: Preauth, caller: Caller) -> Ready:
    """See whether a user can log in, and with which second factors. No password is looked at."""
    found = kit.login.preauth(ask.username, scope=ask.scope)
    with kit.store.snapshot() as tx:
        _within(kit, found.principal.id, caller, tx)
    return Ready(
        id=str(found.principal.id),
        username=found.principal.name,
        address=found.address or UNSET,
        scope=ask.scope,
        require2fa=found.factors or False,
    )


def _within(kit: MailKit, id: Id, caller: Caller, tx: ReadTx) -> None:
    """To a caller inside a tenant, other tenants' accounts are ones that cannot log in."""
    try:
        user_within(kit, id, caller, tx=tx)
    except NotFound:
        raise Denied("login.failed", "Authentication failed") from None


# ---------------------------------------------------------------- POST /authenticate


@request
class Authenticate(Logged):
    """Who logs in, with what, to what."""

    username: str = take.text(255, "User name or address", trim=True, empty="refused")
    password: str = take.text(256, "Password, or an application password", empty="kept")
    protocol: str = take.text(255, "Named in the log", default="API")
    scope: str = take.text(255, "`master`, or one service: `imap`, `pop3`, `smtp`", default=MASTER)
    appId: str | None = take.text(2048, "The application's URL, named in the log", default=None)
    token: bool = take.flag("Give an access token as well; with the scope `master` only")


@answer
class LoggedIn:
    """A success. A token is given even where a second factor is required: asking for it is the client's part."""

    id: str
    username: str
    address: str | UnsetType = UNSET
    scope: str
    require2fa: tuple[str, ...] | bool
    requirePasswordChange: bool | UnsetType = UNSET
    token: str | UnsetType = UNSET


@slow
def authenticate(kit: MailKit, ask: Authenticate, caller: Caller) -> LoggedIn:
    """Log a user in."""
    if ask.appId is not None and not _is_uri(ask.appId):
        from mailkit.errors import Invalid

        raise Invalid.field("appId", '"appId" must be a valid uri', kind="uri")
    if caller.tenant is not None:
        found = kit.login.preauth(ask.username)
        with kit.store.snapshot() as tx:
            _within(kit, found.principal.id, caller, tx)
    done = kit.login.authenticate(
        Attempt(
            ask.username,
            ask.password,
            scope=ask.scope,
            protocol=ask.protocol,
            ip=ask.ip,
            session=ask.sess,
            app_id=ask.appId,
            token=ask.token and "token" not in hidden(caller, "authentication"),
        )
    )
    by_app = done.source == "asp"
    return LoggedIn(
        id=str(done.principal.id),
        username=done.principal.name,
        address=UNSET if by_app or done.address is None else done.address,
        scope=ask.scope,
        require2fa=done.factors or False,
        requirePasswordChange=UNSET if by_app else done.change,
        token=done.token or UNSET,
    )


def _is_uri(text: str) -> bool:
    try:
        return bool(urlsplit(text).scheme)
    except ValueError:
        return False


# ---------------------------------------------------------------- DELETE /authenticate


@request
class LogOut:
    """Nothing but the token itself."""

    presented: str = take.presented_token()


@answer
class Done:
    """It is so."""


@write
def log_out(kit: MailKit, ask: LogOut, caller: Caller, tx: Tx) -> Done:
    """End the access token that this request came with, if it is a user's."""
    if caller.principal is not None and ask.presented:
        kit.credentials.revoke(ask.presented, tx=tx)
    return Done()


# ---------------------------------------------------------------- GET /users/{user}/authlog


@request
class ListEvents(Paged):
    """Whose log, and which lines of it."""

    user: Id = take.id24("The user, or `me`")
    action: str | None = take.text(100, "This action only", trim=True, lower=True, default=None)
    filterip: str | None = take.ip_address("This address only", default=None)


@answer
class EventRow:
    """A line: `events` of one kind happened between `created` and `last`."""

    id: str
    action: str
    result: str | UnsetType = UNSET
    protocol: str | UnsetType = UNSET
    ip: str | UnsetType = UNSET
    sess: str | UnsetType = UNSET
    source: str | UnsetType = UNSET
    asp: str | UnsetType = UNSET
    aname: str | UnsetType = UNSET
    temporary: bool | UnsetType = UNSET
    requiredScope: str | UnsetType = UNSET
    require2fa: str | UnsetType = UNSET
    appId: str | UnsetType = UNSET
    target: str | UnsetType = UNSET
    filter: str | UnsetType = UNSET
    credential: str | UnsetType = UNSET
    key: str
    created: str
    last: str
    events: int
    expires: str


@answer
class Events:
    """A page of a login log, newest first."""

    action: str | UnsetType = UNSET
    total: int
    page: int
    previousCursor: str | bool
    nextCursor: str | bool
    results: tuple[EventRow, ...]


_LISTING = "getAuthlog"
_WORDS = ("source", "asp", "aname", "requiredScope", "require2fa", "appId", "target", "filter", "credential")


@read
def list_events(kit: MailKit, ask: ListEvents, caller: Caller) -> Events | OnThread[Events]:
    """A user's login log, newest first."""

    def find() -> Events:
        with kit.store.snapshot() as tx:
            owner = user_within(kit, ask.user, caller, tx=tx)
            found = kit.authlog.list(
                owner.number,
                now=kit.clock(),
                limit=ask.limit,
                after=at.id(),
                reverse=at.backwards,
                action=ask.action,
                ip=ask.filterip,
                tx=tx,
            )
        rows = found.items
        numbers = number_page(
            _LISTING,
            at,
            ask.page,
            before=found.before,
            after=found.after,
            first=Cursor(None, str(rows[0].id)) if rows else None,
            last=Cursor(None, str(rows[-1].id)) if rows else None,
        )
        return Events(
            action=ask.action or UNSET,
            total=found.total,
            page=numbers.page,
            previousCursor=numbers.previous,
            nextCursor=numbers.next,
            results=tuple(map(_row, rows)),
        )

    at = position(_LISTING, next=ask.next, previous=ask.previous, page=ask.page)
    return find() if ask.action is None and ask.filterip is None else OnThread(find)


def _row(row: AuthEvent) -> EventRow:
    import base64

    details = {name: row.details[name] for name in _WORDS if name in row.details}
    if "asp" in details or "credential" in details:
        details.pop("target", None)  # kept to tell events of two passwords or authenticators apart
    return EventRow(
        id=str(row.id),
        action=row.action,
        result=row.result or UNSET,
        protocol=row.protocol or UNSET,
        ip=row.ip or UNSET,
        sess=row.session or UNSET,
        temporary=True if "temporary" in row.details else UNSET,
        key=base64.b64encode(row.key).decode(),
        created=iso(row.created),
        last=iso(row.last),
        events=row.events,
        expires=iso(row.expires),
        **details,
    )


@request
class GetEvent(Logged):
    """Which line."""

    user: Id = take.id24("The user, or `me`")
    event: Id = take.id24("The line")


@read
def get_event(kit: MailKit, ask: GetEvent, caller: Caller) -> EventRow:
    """One line of a user's login log."""
    with kit.store.snapshot() as tx:
        owner = user_within(kit, ask.user, caller, tx=tx)
        return _row(kit.authlog.get(owner.number, ask.event, now=kit.clock(), tx=tx))


# ---------------------------------------------------------------- POST /users/{user}/password/reset


@request
class ResetPassword(Logged):
    """Whose password, and from when on the temporary one is good."""

    user: Id = take.id24("The user")
    validAfter: int | None = take.date("Not before", default=None)


@answer
class TemporaryPassword:
    """A password for a day, shown this once. The permanent one keeps working."""

    password: str
    validAfter: str


@write
def reset_password(kit: MailKit, ask: ResetPassword, caller: Caller, tx: Tx) -> TemporaryPassword:
    """Make a temporary password."""
    row = user_within(kit, ask.user, caller, tx=tx)
    made = kit.users.reset_password(row, valid_after=ask.validAfter or 0, by=By(ask.ip, ask.sess), tx=tx)
    return TemporaryPassword(password=made, validAfter=iso(ask.validAfter or kit.clock()))
