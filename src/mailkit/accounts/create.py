"""What a new account is made of. Pure but for hashing the password, which is why it happens before the transaction."""

from collections.abc import Mapping, Sequence

from attrs import evolve, field, frozen

from mailkit.credentials.passwords import Cost, hash_password
from mailkit.errors import Invalid
from mailkit.ids import Id
from mailkit.mailstore.folders import Folder, folders_for
from mailkit.principals.normalise import Mailbox, ascii_domain, check_domain, parse_address
from mailkit.principals.records import Principal, Profile
from mailkit.principals.service import check_name
from mailkit.quota import INHERIT, Quota, encode

__all__ = ["NewAccount", "Plan", "plan"]


@frozen
class NewAccount:
    """What the caller says about an account to be made."""

    name: str
    """The login, unique over all principals, dots aside among people."""
    address: str | None = None
    """The main address. None: the name, where it is an address itself, else the name at the configured domain."""
    no_address: bool = False
    """True makes an account without any address."""
    password: str | None = field(default=None, repr=False)
    """In the clear; it is hashed here. None: nobody can log in with a password."""
    hashed: str | None = field(default=None, repr=False)
    """A ready hash instead of `password`."""
    display: str | None = None
    """The person's or group's name."""
    kind: str = "individual"
    quota: Quota = INHERIT
    roles: tuple[str, ...] = ("user",)
    tenant: int | None = None
    profile: Profile = field(factory=Profile)
    address_tags: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    """Where mail is forwarded to."""
    folders: Mapping[str, str] = field(factory=dict)
    """Special use -> path, instead of the language's name for it."""


@frozen
class Plan:
    """Everything that the transaction writes, decided beforehand."""

    principal: Principal
    folders: Sequence[Folder]
    address: Mailbox | None
    address_tags: tuple[str, ...]
    hashed: str | None = field(repr=False)


def plan(new: NewAccount, *, domain: str, cost: Cost) -> Plan:
    """Decides and hashes; Invalid names the field. `domain` is where accounts live that name no address."""
    if new.kind not in ("individual", "group"):
        raise Invalid.field("type", '"type" of an account must be individual or group')
    if new.password is not None and new.hashed is not None:
        raise Invalid.field("password", '"password" is given twice: in the clear and hashed')
    name = check_name(new.name)
    principal = Principal(
        number=0,
        id=Id(bytes(12)),
        kind=new.kind,
        name=name,
        created=0,
        display=new.display or None,
        quota=encode(new.quota),
        tenant=new.tenant,
        roles=new.roles,
        profile=new.profile,
        targets=new.targets,
    )
    return Plan(
        principal=principal,
        folders=renamed(folders_for(new.profile.language, new.profile.retention), new.folders),
        address=None if new.no_address else main_address(new, name, domain),
        address_tags=new.address_tags,
        hashed=hash_password(new.password, cost) if new.password is not None else new.hashed,
    )


def renamed(folders: Sequence[Folder], names: Mapping[str, str]) -> tuple[Folder, ...]:
    """Folders with other paths for some special uses; Invalid on `mailboxes` for what cannot be a path, or is one
    twice."""
    if not names:
        return tuple(folders)
    found = tuple(evolve(one, path=names.get(one.special_use or "", one.path)) for one in folders)
    for path in names.values():
        if "//" in path or path.startswith("/") or path.endswith("/"):
            raise Invalid.field("mailboxes", f'"mailboxes" has the path {path!r}, which has an empty part')
    paths = ["INBOX" if one.path.upper() == "INBOX" else one.path for one in found]
    if len(set(paths)) < len(paths):
        raise Invalid.field("mailboxes", '"mailboxes" names one path twice')
    return found


def main_address(new: NewAccount, name: str, domain: str) -> Mailbox:
    """The main address of an account, without its label (W2.1)."""
    if new.address is not None:
        if "*" in new.address:
            raise Invalid.field("address", '"address" must not contain *')
        return parse_address(new.address).without_label
    local, at, _ = name.partition("@")
    if at:
        try:
            return parse_address(name).without_label
        except Invalid:
            pass  # a login with an @ that is no address: its first part, at the configured domain
    if (reason := check_domain(ascii_domain(domain))) is not None:  # no fault of the name's
        at = f"mail.domain, or this host's name, is {domain!r}"
        raise Invalid.field("address", f'"address" is needed: {at}, and {reason}')
    return parse_address(f"{local}@{ascii_domain(domain)}", "username").without_label
