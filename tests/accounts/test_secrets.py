"""Stalwart's list of secrets: what goes in, what may be read back, what each change ends."""

from collections.abc import Callable

import pytest

from mailkit import MailKit
from mailkit.accounts.secrets import Add, Change, PasswordChange, Remove, SetAll
from mailkit.clock import FixedClock
from mailkit.credentials.passwords import Cost, hash_password
from mailkit.credentials.totp import code_at, parse
from mailkit.errors import MailKitError
from mailkit.principals.records import Principal

URL = "otpauth://totp/alice?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=x"
HASH = hash_password("phone secret", Cost(16, 1))


@pytest.fixture
def change(kit: MailKit, alice: Principal) -> Callable[..., None]:
    def run(*changes: Change) -> None:
        fn = kit.secrets.prepare(changes)
        kit.transact(lambda tx: fn(tx, alice.number))

    return run


def works(kit: MailKit, password: str) -> bool:
    kit.callers._verified._kept.clear()
    try:
        kit.callers.of_password("alice", password)
    except MailKitError:
        return False
    return True


def test_clear_and_hashed_passwords_work_and_neither_is_shown(kit: MailKit, change: Callable[..., None]) -> None:
    change(SetAll(("first", "{PLAIN}second", HASH)))
    assert [works(kit, each) for each in ("first", "second", "phone secret", "correct horse")] == [True] * 3 + [False]
    alice = kit.principals.by_name("alice")
    assert kit.secrets.shown(alice.number) == ()
    with kit.store.snapshot() as tx:
        everything = b"".join(value for _, value in tx.scan(b"\0", b"\xff"))
    assert b"second" not in everything


def test_an_application_password_bypasses_the_code_and_is_kept_by_keyed_hash_after_its_first_use(
    kit: MailKit, alice: Principal, change: Callable[..., None], clock: FixedClock
) -> None:
    change(Add(URL), Add(f"$app$phone${HASH}"))
    assert kit.secrets.shown(alice.number) == ("otpauth://totp/alice", "$app$phone$")
    assert (kit.secrets.otp_enabled(alice.number), kit.secrets.app_names(alice.number)) == (True, ("phone",))
    assert not works(kit, "correct horse")
    assert works(kit, "correct horse$" + code_at(parse(URL), clock() // 30_000))
    assert works(kit, "phone secret")
    (row,) = kit.app_passwords.list(alice.id)
    assert row.hash is None
    assert row.lookup is not None
    assert works(kit, "phone secret")


def test_masked_names_stand_for_what_they_name(
    kit: MailKit, alice: Principal, change: Callable[..., None], clock: FixedClock
) -> None:
    change(Add(URL), Add(f"$app$phone${HASH}"), Add("$app$tablet$clear one"))
    change(SetAll(("new", "$app$phone$", "otpauth://totp/alice")))
    assert kit.secrets.shown(alice.number) == ("otpauth://totp/alice", "$app$phone$")
    assert works(kit, "phone secret")
    assert not works(kit, "clear one")
    assert works(kit, "new$" + code_at(parse(URL), clock() // 30_000))
    change(SetAll(("new",)))
    assert kit.secrets.shown(alice.number) == ()
    with pytest.raises(MailKitError, match=r"secret\.not_found"):
        change(Add("$app$nothing$"))


def test_removal_goes_by_prefix(kit: MailKit, alice: Principal, change: Callable[..., None]) -> None:
    change(*(Add(f"$app${name}${HASH}") for name in ("a", "ab", "b")), Add(URL))
    change(Remove("$app$a$"))
    assert kit.secrets.app_names(alice.number) == ("ab", "b")
    change(Remove("$app$a"))
    assert kit.secrets.app_names(alice.number) == ("b",)
    change(Remove("$app$"))
    assert kit.secrets.app_names(alice.number) == ()
    change(Remove(URL))
    assert not kit.secrets.otp_enabled(alice.number)
    assert works(kit, "correct horse")
    change(Remove(""))
    assert not works(kit, "correct horse")


def test_a_new_password_replaces_all_plain_ones_and_ends_sessions(
    kit: MailKit, alice: Principal, change: Callable[..., None]
) -> None:
    token = kit.credentials.issue_token("wd/user", now=kit.clock(), owner=alice.number, auth_version=1)
    change(Add("second"), Add(f"$app$phone${HASH}"))
    assert kit.principals.get(alice.number).auth_version == 2
    change(PasswordChange("third"))
    assert [works(kit, each) for each in ("correct horse", "second", "third", "phone secret")] == [
        False,
        False,
        True,
        True,
    ]
    with pytest.raises(MailKitError, match=r"token\.invalid"):
        kit.callers.of_token(token)


def test_an_application_password_ends_no_session(kit: MailKit, alice: Principal, change: Callable[..., None]) -> None:
    change(Add(f"$app$phone${HASH}"))
    row = kit.principals.get(alice.number)
    assert row.auth_version == alice.auth_version
    assert row.revision > alice.revision


@pytest.mark.parametrize(
    "bad",
    [
        Add("$6$rounds=999999999$salt$" + "x" * 86),
        Add("$app$$x"),
        Add("otpauth://totp/x?secret=1"),
        PasswordChange("$app$x$y"),
        PasswordChange(URL),
        PasswordChange(""),
        Add("x" * 300),
    ],
)
def test_what_cannot_be_used_changes_nothing(
    kit: MailKit, alice: Principal, change: Callable[..., None], bad: Change
) -> None:
    with pytest.raises(MailKitError):
        change(PasswordChange("new"), bad)
    assert works(kit, "correct horse")
    assert not works(kit, "new")
    assert kit.principals.get(alice.number) == alice


def test_ten_hashed_application_passwords_are_enough(
    kit: MailKit, alice: Principal, change: Callable[..., None]
) -> None:
    change(*(Add(f"$app$n{number}${HASH}") for number in range(10)))
    with pytest.raises(MailKitError) as refused:
        change(Add(f"$app$one more${HASH}"))
    assert refused.value.fields["allowed"] == 10


def test_an_api_key_is_a_principal_of_that_kind(kit: MailKit, change: Callable[..., None]) -> None:
    import base64

    from mailkit.ids import new_id

    def make(kind: str, name: str) -> str:
        row = Principal(number=0, id=new_id(), kind=kind, name=name, created=0, enabled=("authenticate",))
        number = kit.principals.create(row).number
        fn = kit.secrets.prepare([Add("key secret")])
        kit.transact(lambda tx: fn(tx, number))
        return base64.b64encode(f"{name}:key secret".encode()).decode()

    key, other = make("apiKey", "robot"), make("group", "group")
    assert kit.callers.of_api_key("api_" + key).name == "robot"
    for bad in ("api_" + other, "api_!!", "api_" + base64.b64encode(b"robot").decode(), "api_" + key[:-8]):
        with pytest.raises(MailKitError, match=r"login\.failed"):
            kit.callers.of_api_key(bad)


def test_a_changed_password_is_in_the_login_log_and_nothing_else_is(
    kit: MailKit, alice: Principal, change: Callable[..., None], clock: FixedClock
) -> None:
    change(Add(f"$app$phone${HASH}"))
    (made,) = kit.authlog.list(alice.number, now=clock(), limit=10).items
    assert made.action == "account created"
    change(PasswordChange("new"))
    line, _ = kit.authlog.list(alice.number, now=clock(), limit=10).items
    assert (line.action, line.result) == ("password change", "success")
