"""Who asks: a token, or a name and a password, becomes a `Caller` that permissions are decided on."""

from attrs import frozen

from mailkit.clock import Clock
from mailkit.credentials.service import Credentials
from mailkit.errors import Denied
from mailkit.principals.grants import Grants
from mailkit.principals.permits import Caller, TokenKind
from mailkit.principals.records import Principal
from mailkit.principals.service import Principals
from mailkit.storage.api import ReadTx, Store
from mailkit.storage.calls import OWN, reads

__all__ = ["Callers", "Checked"]


@frozen
class Checked:
    """A caller, and the key of the token that should be renewed once the request is served, if any."""

    caller: Caller
    renew: bytes | None = None


class Callers:
    """The use case."""

    def __init__(
        self, store: Store, principals: Principals, grants: Grants, credentials: Credentials, *, clock: Clock
    ) -> None:
        self.store = store
        self._principals = principals
        self._grants = grants
        self._credentials = credentials
        self._clock = clock

    @reads
    def of_token(self, token: str, *, tx: ReadTx = OWN) -> Checked:
        """The caller behind an access token; Denied `token.invalid`.

        A token of an account dies with the account, when it is switched off, and when its auth version moves on.
        """
        checked = self._credentials.check_token(token, now=self._clock(), tx=tx)
        row = checked.row
        renew = checked.key if checked.renew else None
        if row.owner is None:
            caller = Caller(
                name=row.role,
                roles=(row.role,),
                permissions=self._grants.of_role(row.role, tx=tx) or frozenset(),
                kind=TokenKind.TOKEN,
            )
            return Checked(caller, renew)
        owner = self._principals.find(row.owner, tx=tx)
        if owner is None or owner.auth_version > row.auth_version or owner.suspended or not owner.active:
            raise Denied("token.invalid", "Invalid access token")
        roles = (row.role,) if row.role.startswith("wd/") else (*owner.roles, row.role)
        return Checked(self._caller(owner, roles, TokenKind.TOKEN, tx), renew)

    def of_password(self, name: str, password: str) -> Caller:
        """The caller who logs in with a name and a password; Denied `login.failed`, at equal cost for every reason.

        The slow comparison happens between two snapshots, in none of them.
        """
        with self.store.snapshot() as tx:
            row = self._principals.find_name(name.strip().lower(), tx=tx)
            stored = self._credentials.password_hash(row.number if row else None, tx=tx)
        if not self._credentials.verify(stored, password) or row is None:
            raise Denied("login.failed", "Wrong name or password")
        with self.store.snapshot() as tx:
            now = self._principals.find(row.number, tx=tx)
            if now is None or now.revision != row.revision or not now.active or now.suspended:
                raise Denied("login.failed", "Wrong name or password")
            caller = self._caller(now, now.roles, TokenKind.BASIC, tx)
        if "authenticate" not in caller.permissions:
            raise Denied("permission.missing", permission="authenticate")
        return caller

    def _caller(self, row: Principal, roles: tuple[str, ...], kind: TokenKind, tx: ReadTx) -> Caller:
        tenant = None if row.tenant is None else self._principals.find(row.tenant, tx=tx)
        return Caller(
            principal=row.id,
            number=row.number,
            name=row.name,
            roles=roles,
            permissions=self._grants.of(row, roles=roles, tx=tx),
            kind=kind,
            tenant=tenant.id if tenant else None,
        )
