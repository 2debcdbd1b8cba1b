"""Messages on their way into a mailbox, and whether they are encrypted first. A part of the mail store's service.

The law, wherever a message comes into a mailbox (but from the archive: what is restored comes back as it was):

- the transaction that stores it decides, by what account and mailbox say at that moment (`encryption.demand`)
- encrypting is slow and happens before. What was made ready for other keys than the transaction demands, or for none,
  is refused with Conflict `encryption.changed`: whoever prepared it does so again
- so after a commit that switches encryption on, or changes a key, nothing is stored as it was demanded before
"""

from collections.abc import Callable, Iterable, Mapping
from functools import partial

from attrs import define, frozen

from mailkit.encryption.already import already
from mailkit.encryption.demand import AccountKeys, Demand, demand
from mailkit.encryption.keys import Keys
from mailkit.errors import Conflict, NotFound
from mailkit.ids import Id
from mailkit.mailstore import mailboxes
from mailkit.mailstore.append import Stored, append
from mailkit.mailstore.change import STEP, Forms
from mailkit.mailstore.flags import Change, changed
from mailkit.mailstore.fresh import CHANGED, fresh
from mailkit.mailstore.keeping import Keeping
from mailkit.mailstore.prepare import Ready, prepare
from mailkit.mailstore.reading import AccountRef
from mailkit.mailstore.records import Mailbox
from mailkit.mailstore.select import UNBOUND, Found, select
from mailkit.mailstore.selection import LAST, Selection
from mailkit.mime.scan import scan
from mailkit.storage.api import ReadTx, Tx
from mailkit.storage.calls import OWN, reads

__all__ = ["Ahead", "Crossing", "Entering"]

_AT_ONCE = 16 << 20
"""Bytes of messages that are made ready before one transaction."""


@frozen
class Ahead:
    """Messages that were encrypted before the transaction which takes them to another mailbox: by UID, each with its
    id, and None for one that somebody else has encrypted. Drafts aside, all that were asked for up to the UID `through`
    are among them."""

    keys: Keys
    forms: Mapping[int, tuple[Id, Ready | None]]
    through: int


class Entering(Keeping):
    """`_keys_of(tx, account)` is what an account says of encryption; `_on_stored(tx, account, mailbox, message, flags)`
    is told of every message that comes in."""

    _keys_of: Callable[[ReadTx, int], AccountKeys]
    _on_stored: Callable[[Tx, int, Mailbox, Ready, tuple[str, ...]], None]

    @reads
    def demand(
        self, account: AccountRef, mailbox: Id | str | Mailbox, flags: Iterable[str] = (), *, tx: ReadTx = OWN
    ) -> Demand:
        """For whom a message is to be encrypted that comes into a mailbox with these flags. NotFound
        `mailbox.not_found`."""
        number = self._number(account, tx)
        return self._demand(number, _box(number, mailbox, tx), flags, tx)

    def _demand(self, number: int, box: Mailbox, flags: Iterable[str], tx: ReadTx) -> Demand:
        return demand(self._keys_of(tx, number), mailbox=box.encrypt, draft="\\Draft" in flags)

    def prepare(self, raw: bytes, *, idate: int | None = None, keys: Keys | None = None) -> Ready:
        """Encrypts for the keys that `demand` gave, parses, hashes, compresses and, for large pieces, writes files: all
        that need not happen in a transaction.

        Raises Invalid `message.empty`; Unavailable `encryption.failed` when a key cannot be used any more, NotSupported
        `openpgp.missing`.
        """
        moment = self.clock() if idate is None else max(0, idate)
        return prepare(raw, self.blobs, idate=moment, describe_for=self.follower.describe, keys=keys)

    def append(
        self,
        account: AccountRef,
        raw: bytes | Ready,
        *,
        mailbox: Id | str | Mailbox = "INBOX",
        flags: Iterable[str] = (),
        idate: int | None = None,
        prefix: bytes = b"",
        mail_from: str = "",
        rcpt_to: tuple[str, ...] = (),
        meta: str | None = None,
        tx: Tx | None = None,
    ) -> Stored:
        """Stores a message, encrypted if its mailbox or account asks for it, durably when it returns (with `tx`: when
        that commits).

        `idate` is the internal date in ms, now by default; `mailbox` may be one that was read in `tx`. Raises NotFound
        `mailbox.not_found`, OverQuota, what `prepare` does, and Conflict `encryption.changed` for a message that was
        prepared for others than those for whom it is to be encrypted; then nothing was stored.
        """
        given = tuple(flags)

        def fn(ready: Ready, tx: Tx) -> Stored:
            number = self._number(account, tx)
            box = _box(number, mailbox, tx)
            if ready.keys != self._demand(number, box, given, tx).keys:
                raise Conflict(CHANGED, "What is demanded of encryption has changed; prepare the message again")
            self._on_stored(tx, number, box, ready, given)
            return append(
                number,
                box,
                ready,
                blobs=self.blobs,
                quota=self.quota,
                now=self.clock(),
                prefix=prefix,
                flags=given,
                mail_from=mail_from,
                rcpt_to=rcpt_to,
                meta=meta,
                follower=self.follower,
                tx=tx,
            )

        def prepared() -> Ready:
            assert isinstance(raw, bytes)
            return self.prepare(raw, idate=idate, keys=self.demand(account, mailbox, given).keys)

        if isinstance(raw, Ready):
            return self.store.transact(partial(fn, raw)) if tx is None else fn(raw, tx)
        if tx is not None:
            keys = self.demand(account, mailbox, given, tx=tx).keys
            return fn(self.prepare(raw, idate=idate, keys=keys), tx)
        return fresh(self.store.transact, prepared, fn)

    def ahead(
        self,
        account: AccountRef,
        mailbox: Id | str,
        wanted: Selection,
        target: Id | str,
        change: Change = Change(),  # noqa: B008  # frozen
        *,
        most: int | None = None,
    ) -> Ahead | None:
        """Encrypts what `move` or `copy` would take to a mailbox that asks for it; None when it doesn't. Slow.

        With `most`, only the first messages of so many bytes together, one at least. Raises as `prepare` does; NotFound
        `mailbox.not_found`.
        """
        with self.store.snapshot() as view:
            number = self._number(account, view)
            box = mailboxes.get(number, mailbox, tx=view)
            into = mailboxes.get(number, target, tx=view)
            keys = self.demand_of_moved(number, into, view).keys
            if keys is None:
                return None
            if most is None:
                found = select(number, box.id, wanted, view, limit=LAST, held=UNBOUND)
            else:
                found = select(number, box.id, wanted, view, limit=STEP)
        through, size = found[-1][0] if found and most is not None else LAST, 0
        forms: dict[int, tuple[Id, Ready | None]] = {}
        for uid, row, state in found:
            if changed(state, change).has("\\Draft"):
                continue
            if row.content_type == "multipart/encrypted":  # known without a look at its bytes
                forms[uid] = row.id, None
                continue
            size += row.size
            if most is not None and forms and size > most:
                through = max(forms)
                break
            try:
                source = b"".join(self.stream(row))
            except NotFound:
                continue  # it was removed meanwhile
            known = already(scan(source))
            forms[uid] = row.id, None if known else self.prepare(source, idate=row.idate, keys=keys)
        return Ahead(keys, forms, through)

    def demand_of_moved(self, number: int, into: Mailbox, tx: ReadTx) -> Demand:
        """For whom messages are to be encrypted, drafts aside, that are in the account already."""
        return demand(self._keys_of(tx, number), mailbox=into.encrypt, draft=False, stays=True)


def _box(account: int, mailbox: Id | str | Mailbox, tx: ReadTx) -> Mailbox:
    return mailbox if isinstance(mailbox, Mailbox) else mailboxes.get(account, mailbox, tx=tx)


@define
class Crossing:
    """A move or a copy under way. `ahead` is what was encrypted for its next transaction."""

    mail: Entering
    target: Id | str
    change: Change
    ahead: Ahead | None = None

    def look(self, number: int, mailbox: Id, rest: Selection) -> int:
        """Encrypts some of what is left, if need be; returns the UID up to which one transaction may go."""
        self.ahead = self.mail.ahead(number, mailbox, rest, self.target, self.change, most=_AT_ONCE)
        return LAST if self.ahead is None else self.ahead.through

    def forms(self, number: int, into: Mailbox, found: Iterable[Found], tx: ReadTx) -> Forms:
        """What the messages become, in the transaction that takes them there; Conflict `encryption.changed`."""
        keys = self.mail.demand_of_moved(number, into, tx).keys
        if keys is None:
            return {}
        known = self.ahead.forms if self.ahead is not None and self.ahead.keys == keys else {}
        forms: dict[int, Ready] = {}
        for uid, row, state in found:
            if changed(state, self.change).has("\\Draft"):
                continue
            id, form = known.get(uid, (None, None))
            if id != row.id:
                raise Conflict(CHANGED, "The message is to be encrypted for this mailbox; prepare it before")
            if form is not None:
                forms[uid] = form
        return forms
