"""Application passwords of accounts, as WildDuck has them (W2.10); `secrets` does the same in Stalwart's way."""

import re
import secrets as randomness
from collections.abc import Callable, Sequence

from attrs import field, frozen

from mailkit import journal
from mailkit.accounts.by import By
from mailkit.clock import Clock
from mailkit.credentials.apppasswords import EVERYWHERE, SCOPES, generate, stored_scopes
from mailkit.credentials.appservice import AppPasswords
from mailkit.credentials.authlog import Authlog, Event
from mailkit.credentials.records import AppPassword
from mailkit.errors import Invalid, NotFound
from mailkit.ids import Id, new_id
from mailkit.principals.addresses import Addresses
from mailkit.principals.records import Principal
from mailkit.principals.service import Principals
from mailkit.storage.api import ReadTx, Store, Tx
from mailkit.storage.calls import OWN, reads, writes

__all__ = ["AccountAppPasswords", "Created"]


@frozen
class Created:
    """A new application password, shown this once."""

    row: AppPassword
    password: str = field(repr=False)


class AccountAppPasswords:
    """The use case. `limit(principal)` is how many an account may have."""

    def __init__(
        self,
        store: Store,
        principals: Principals,
        addresses: Addresses,
        apps: AppPasswords,
        authlog: Authlog,
        *,
        clock: Clock,
        limit: Callable[[Principal], int],
    ) -> None:
        self.store = store
        self._principals = principals
        self._addresses = addresses
        self._apps = apps
        self._authlog = authlog
        self._clock = clock
        self._limit = limit

    def create(
        self,
        id: Id,
        description: str,
        *,
        scopes: Sequence[str] = (EVERYWHERE,),
        password: str | None = None,
        ttl: int | None = None,
        by: By = By(),  # noqa: B008  # frozen
        tx: Tx | None = None,
    ) -> Created:
        """A new one, generated unless given (16 lower-case letters); `ttl` (ms) is how long it lives after its last
        use. NotFound `user.not_found`; Denied `asp.too_many` with `allowed`; Invalid names the field."""
        unknown = sorted(set(scopes) - {*SCOPES, EVERYWHERE})
        if unknown:
            raise Invalid.field("scopes", f'"scopes" has the unknown {unknown[0]}')
        if password is not None and not re.fullmatch("[a-z]{16}", password):
            raise Invalid.field("password", '"password" must be 16 lower-case letters', kind="pattern")
        chosen = password or generate(randomness.choice)

        def make(tx: Tx) -> Created:
            now = self._clock()
            row = self._principals.user(id, tx=tx)
            made = self._apps.add(
                row.number,
                AppPassword(
                    id=new_id(now),
                    name=description,
                    created=now,
                    scopes=stored_scopes(scopes),
                    ttl=ttl or None,
                    expires=now + ttl if ttl else None,
                ),
                chosen,
                limit=self._limit(row),
                tx=tx,
            )
            self._note(tx, row, made, "create asp", "asp.created", by, now)
            return Created(made, chosen)

        return self.store.transact(make) if tx is None else make(tx)

    @reads
    def list(self, id: Id, *, tx: ReadTx = OWN) -> tuple[AppPassword, ...]:
        """All of them, oldest first; NotFound `user.not_found`."""
        row = self._principals.user(id, tx=tx)
        return self._apps.list(row.number, now=self._clock(), tx=tx)

    @reads
    def get(self, id: Id, asp: Id, *, tx: ReadTx = OWN) -> AppPassword:
        """NotFound `user.not_found`, `asp.not_found`."""
        row = self._principals.user(id, tx=tx)
        return self._apps.get(row.number, asp, now=self._clock(), tx=tx)

    @writes
    def delete(self, id: Id, asp: Id, *, by: By = By(), tx: Tx = OWN) -> None:  # noqa: B008  # frozen
        """NotFound `user.not_found`, `asp.not_found`."""
        row = self._principals.user(id, tx=tx)
        gone = self._apps.remove(row.number, asp, tx=tx)
        self._principals.update(row, tx=tx)  # ends what was verified with it a moment ago
        self._note(tx, row, gone, "delete asp", "asp.deleted", by, self._clock())

    @reads
    def owns_address(self, id: Id, address: str, *, tx: ReadTx = OWN) -> None:
        """NotFound `address.not_found` unless the account has this address."""
        row = self._principals.user(id, tx=tx)
        found = self._addresses.resolve(address, tx=tx)
        if found is None or found[1].number != row.number:
            raise NotFound("address.not_found", "Invalid or unknown address")

    def _note(self, tx: Tx, row: Principal, asp: AppPassword, action: str, kind: str, by: By, now: int) -> None:
        details = {"asp": str(asp.id), "aname": asp.name} | ({"temporary": "true"} if asp.ttl else {})
        event = Event(action, "success", by.protocol, by.ip, by.session, {**details, "target": str(asp.id)})
        self._authlog.add(row.number, event, now=now, tx=tx)
        payload = {"user": row.id, "asp": asp.id, "description": asp.name}
        journal.add(tx, journal.Entry(kind=kind, account=row.number, at=now, payload=payload))
