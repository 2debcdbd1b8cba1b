"""The login log: what happened to an account's access, line by line, newest first."""

from collections.abc import Callable, Iterator

from attrs import field, frozen

from mailkit.credentials.attempts import KNOWN_FOR, exact
from mailkit.credentials.authlog_merge import merge, merge_key
from mailkit.credentials.records import AuthEvent, Known, LastLogin
from mailkit.credentials.tables import AUTHLOG, AUTHLOG_COUNT, KNOWN, LAST_LOGIN
from mailkit.errors import NotFound
from mailkit.ids import Id, new_id
from mailkit.storage import keyspace
from mailkit.storage.api import ReadTx, Store, Tx
from mailkit.storage.calls import OWN, reads, writes
from mailkit.types import Page

__all__ = ["Authlog", "Event"]

_DAY = 86_400_000
_MOST_KNOWN = 32


@frozen
class Event:
    """What is to be logged. `details` are further words by name: source, asp, aname, appId, requiredScope, target."""

    action: str
    result: str | None = None
    protocol: str | None = None
    ip: str | None = None
    session: str | None = None
    details: dict[str, str] = field(factory=dict)


class Authlog:
    """The service. `keep()` is how long a line lives in ms; 0 logs nothing."""

    def __init__(self, store: Store, keep: Callable[[], int] = lambda: 30 * _DAY) -> None:
        self.store = store
        self._keep = keep

    @writes
    def add(self, owner: int, event: Event, *, now: int, tx: Tx = OWN) -> Id | None:
        """Logs it; the id of the line it is in, None when nothing is logged."""
        keep = self._keep()
        if keep <= 0:
            return None
        key = merge_key(
            protocol=event.protocol,
            ip=event.ip,
            action=event.action,
            result=event.result,
            target=event.details.get("target"),
        )
        new = AuthEvent(
            id=new_id(now),
            account=owner,
            action=event.action,
            key=key,
            created=now,
            last=now,
            expires=now + keep,
            result=event.result,
            protocol=event.protocol,
            ip=event.ip,
            session=event.session,
            details=event.details,
        )
        latest = tx.get(keyspace.AUTHLOG_KEY.key(owner, key))
        known = None if latest is None else AUTHLOG.find(tx, owner, Id(latest))
        row = merge(known, new)
        AUTHLOG.put(tx, row, owner, row.id)
        if row.id == new.id:
            tx.put(keyspace.AUTHLOG_KEY.key(owner, key), row.id)
            tx.put(keyspace.AUTHLOG_END.key(row.expires, owner, row.id), b"")
            AUTHLOG_COUNT.add(tx, 1, owner)
        return row.id

    @reads
    def get(self, owner: int, id: Id, *, now: int, tx: ReadTx = OWN) -> AuthEvent:
        """NotFound `event.not_found`."""
        row = AUTHLOG.find(tx, owner, id)
        if row is None or row.expires <= now:
            raise NotFound("event.not_found", "Event was not found", id=str(id))
        return row

    @reads
    def list(
        self,
        owner: int,
        *,
        now: int,
        limit: int,
        after: Id | None = None,
        reverse: bool = False,
        action: str | None = None,
        ip: str | None = None,
        tx: ReadTx = OWN,
    ) -> Page[AuthEvent]:
        """Newest first: those beyond `after`, or with `reverse` those before it. Without a filter flat, else a scan."""
        edge = None if after is None else (owner, after)
        rows = self._matching(tx, owner, edge, reverse, action, ip, now)
        found: list[AuthEvent] = []
        for row in rows:
            found.append(row)
            if len(found) > limit:
                break
        more = len(found) > limit
        found = found[:limit]
        if action is None and ip is None:
            total = AUTHLOG_COUNT.get(tx, owner)
        else:
            total = sum(1 for _ in self._matching(tx, owner, None, False, action, ip, now))
        before, beyond = (more, edge is not None) if reverse else (edge is not None, more)
        return Page(tuple(reversed(found) if reverse else found), total, before, beyond)

    def _matching(
        self,
        tx: ReadTx,
        owner: int,
        edge: tuple[int, Id] | None,
        reverse: bool,
        action: str | None,
        ip: str | None,
        now: int,
    ) -> Iterator[AuthEvent]:
        for _, row in AUTHLOG.scan(tx, owner, after=edge, reverse=not reverse):
            wanted = (action is None or row.action == action) and (ip is None or row.ip == ip)
            if wanted and row.expires > now:
                yield row

    @writes
    def expire(self, *, now: int, limit: int = 500, tx: Tx = OWN) -> bool:
        """Removes lines whose time is up; True when there may be more."""
        start, _ = keyspace.AUTHLOG_END.range()
        _, stop = keyspace.AUTHLOG_END.range(now)
        old = [key for key, _ in tx.scan(start, stop, limit=limit)]
        for key in old:
            _, owner, raw = keyspace.AUTHLOG_END.parts(key)
            tx.delete(key)
            row = AUTHLOG.delete(tx, owner, raw)
            if row is None:
                continue  # purged with its account
            AUTHLOG_COUNT.add(tx, -1, owner)
            latest = keyspace.AUTHLOG_KEY.key(owner, row.key)
            if tx.get(latest) == row.id:
                tx.delete(latest)
        return len(old) == limit

    @writes
    def erase_some(self, owner: int, *, limit: int = 500, tx: Tx = OWN) -> bool:
        """Removes lines of an account that is purged, whatever their time; True when there may be more."""
        rows = [row for _, row in AUTHLOG.scan(tx, owner, limit=limit)]
        for row in rows:
            tx.delete(keyspace.AUTHLOG_END.key(row.expires, owner, row.id))
            tx.delete(keyspace.AUTHLOG_KEY.key(owner, row.key))
            AUTHLOG.delete(tx, owner, row.id)
        AUTHLOG_COUNT.set(tx, max(0, AUTHLOG_COUNT.get(tx, owner) - len(rows)), owner)  # nothing may hold up a purge
        return len(rows) == limit

    # successes

    @writes
    def logged_in(self, owner: int, *, event: Id | None, ip: str | None, now: int, tx: Tx = OWN) -> None:
        """Notes a success: for "last login", and so that failures of others do not lock this address out."""
        LAST_LOGIN.put(tx, LastLogin(time=now, event=event, ip=ip), owner)
        if ip is None:
            return
        place = exact(ip)
        known = KNOWN.find(tx, owner, place)
        if known is None or now - known.last >= _DAY:
            KNOWN.put(tx, Known(last=now), owner, place)
        if known is None:
            others = sorted((row.last, parts[1]) for parts, row in KNOWN.scan(tx, owner))
            for last, text in others[:-_MOST_KNOWN] + [each for each in others if now - each[0] >= KNOWN_FOR]:
                if (last, text) != (now, place):
                    KNOWN.delete(tx, owner, text)

    @reads
    def knows(self, owner: int, ip: str | None, *, now: int, tx: ReadTx = OWN) -> bool:
        """Whether this address has logged in lately."""
        known = None if ip is None else KNOWN.find(tx, owner, exact(ip))
        return known is not None and now - known.last < KNOWN_FOR

    @reads
    def last_login(self, owner: int, *, tx: ReadTx = OWN) -> LastLogin | None:
        """The last success."""
        return LAST_LOGIN.find(tx, owner)
