"""What the commands about principals do beyond what commands.txt has: lists of things, secrets that work, many at
once."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailkit.accounts.login import Attempt
from mailkit.cli.fields import MEMBER, new_list
from mailkit.errors import Denied
from mailkit.mailstore.tables import MAILBOXES
from mailkit.storage.api import Tx
from mailkit.testing.platform import platform
from tests.cli.conftest import in_process
from tests.cli.shell import Shell

JANE = ("user", "add", "jane", "--address", "jane@example.org")


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """A folder with jane, whose password is `a long secret`."""
    found = Shell(tmp_path / "data")
    found.run(*JANE, stdin="a long secret\n")
    return found


# lists as options

NAMES = st.lists(st.sampled_from("abcd"), max_size=4, unique=True)


@given(NAMES, NAMES, NAMES, NAMES)
def test_a_list_is_replaced_then_lessened_then_grown(
    before: list[str], chosen: list[str], less: list[str], more: list[str]
) -> None:
    found = new_list(MEMBER, {"member": chosen, "remove_member": less, "add_member": more}, before)
    if not (chosen or less or more):
        assert found is None
    else:
        assert found is not None
        assert len(set(found)) == len(found)
        assert set(found) == (set(chosen or before) - set(less)) | set(more)
    assert new_list(MEMBER, {"member": ("",)}, before) == ()


def test_editing_replaces_adds_and_removes(shell: Shell) -> None:
    for name in ("ann", "bob", "eve"):
        shell.run("user", "add", name, "--no-password", "--address", f"{name}@example.org")
    shell.run("group", "add", "crew", "--member", "ann", "--member", "bob")

    def members(*words: str) -> list[str]:
        found: list[str] = shell.json("group", "edit", "crew", *words)["members"]
        return sorted(found)

    assert members("--add-member", "eve", "--remove-member", "ann") == ["bob", "eve"]
    assert members("--member", "jane", "--member", "ann") == ["ann", "jane"]
    assert members("--member", "") == []
    assert shell.say("group", "edit", "crew", "--remove-member", "ann") == "crew is what it was\n"


def test_addresses_of_a_user_are_set_in_order(shell: Shell) -> None:
    words = ("--address", "a@example.org", "--address", "b@example.org", "--address", "jane@example.org")
    shown = shell.json("user", "edit", "jane", *words)
    assert (shown["address"], shown["addresses"][0], len(shown["addresses"])) == ("a@example.org", "a@example.org", 3)
    assert shell.json("user", "edit", "jane", "--remove-address", "a@example.org")["address"] == "jane@example.org"


def test_a_user_is_found_by_login_address_and_id(shell: Shell) -> None:
    id = shell.json("user", "show", "jane")["id"]
    for text in ("JANE", "j.ane", "jane@example.org", "J.ane+label@Example.org", id, id.upper()):
        assert shell.json("user", "show", text)["id"] == id
    shell.run("address", "add", "*@example.org", "jane")
    shell.refuse("user", "show", "who@example.org", code="user.not_found")  # a wildcard names nobody


def test_every_field_of_a_user_can_be_set_and_is_shown(shell: Shell) -> None:
    wanted = {
        "display": "Jane", "quota": 1 << 20, "language": "de", "retention": 30 * 86_400_000, "spam_level": 40,
        "targets": ["x@y.org", "smtp://relay.example"], "tags": ["a", "B"], "senders": ["*@example.org"],
        "disabled_scopes": ["pop3"], "keep_sent": True, "flags": {"indexing": True}, "meta": {"a": [1]},
        "internal": {"b": "ü"}, "limits": {"recipients": 5, "filters": 6}, "picture": "https://example.org/jane.png",
        "permissions": ["undelete"], "denied": ["imap-append"],
    }  # fmt: skip
    words = (
        "--display", "Jane", "--quota", "1MiB", "--language", "de", "--retention", "30d", "--spam-level", "40",
        "--target", "X@y.org", "--target", "smtp://relay.example", "--tag", "B", "--tag", "a", "--tag", "A",
        "--sender", "*@Example.org", "--disabled-scope", "pop3", "--keep-sent", "--index", "--meta", '{"a": [1]}',
        "--internal", '{"b": "ü"}', "--limit", "recipients=5", "--limit", "filters=6",
        "--picture", "https://example.org/jane.png", "--permission", "undelete", "--denied", "imap-append",
    )  # fmt: skip
    edited = shell.json("user", "edit", "jane", *words)
    made = shell.json("user", "add", "twin", "--no-password", "--address", "t@example.org", *words)
    for shown in (edited, made):
        assert {name: shown[name] for name in wanted} == wanted
    assert shell.say("user", "edit", "jane", *words) == "jane is what it was\n"
    assert shell.json("user", "edit", "jane", "--limit", "filters=0", "--quota", "default")["quota"] == 1 << 30


def test_folders_get_the_names_that_were_given(tmp_path: Path) -> None:
    shell = Shell(tmp_path / "data")
    shell.run(*JANE, "--no-password", "--language", "de", "--folder", "sent=Raus", "--folder", "junk=Müll/Spam")
    with platform(str(shell.folder)) as kit:
        number = kit.principals.by_name("jane").number
        with kit.store.snapshot() as tx:
            paths = {row.path for _, row in MAILBOXES.scan(tx, number)}
    assert {"Raus", "Müll/Spam"} <= paths
    assert "Sent" not in paths


# tenants


def test_quota_and_ceilings_of_a_tenant_are_changed_apart(tmp_path: Path) -> None:
    shell = Shell(tmp_path / "data")
    shell.run("tenant", "add", "acme", "--quota", "1GiB", "--most", "individual=1")
    shown = shell.json("tenant", "edit", "acme", "--most", "group=2")
    assert (shown["quota"], shown["most"]) == (1 << 30, {"individual": 1, "group": 2})
    shown = shell.json("tenant", "edit", "acme", "--quota", "unlimited")
    assert (shown["quota"], shown["most"]) == (None, {"individual": 1, "group": 2})
    shown = shell.json("tenant", "edit", "acme", "--most", "individual=0", "--quota", "2GiB")
    assert (shown["quota"], shown["most"]) == (2 << 30, {"group": 2})


def test_users_of_a_tenant_are_bounded_by_it(tmp_path: Path) -> None:
    shell = Shell(tmp_path / "data")
    shell.run("tenant", "add", "acme", "--most", "individual=1", "--role", "user")
    shell.run("domain", "add", "acme.example", "--tenant", "acme")
    words = ("--no-password", "--tenant", "acme")
    shell.refuse("user", "add", "jane", *words, "--address", "jane@acme.example", code="value.invalid")
    shell.run("user", "add", "jane@acme.example", *words, "--role", "admin")
    shell.refuse("user", "add", "bob@acme.example", *words, code="tenant.full")
    assert [row["name"] for row in shell.lines("user", "list", "--tenant", "acme")] == ["jane@acme.example"]
    given = [row["permission"] for row in shell.lines("principal", "permissions", "jane@acme.example")]
    assert "authenticate" in given
    assert "tenant-create" not in given  # an administrator, and yet no more than the tenant


# secrets


def test_an_api_key_works_until_it_is_rotated(shell: Shell) -> None:
    key = shell.say("api-key", "add", "ci", "--role", "admin").strip()
    with platform(str(shell.folder)) as kit:
        assert kit.callers.of_api_key(key).name == "ci"
    new = shell.json("api-key", "rotate", "ci")["key"]
    with platform(str(shell.folder)) as kit:
        assert kit.callers.of_api_key(new).name == "ci"
        with pytest.raises(Denied):
            kit.callers.of_api_key(key)
    shell.run("api-key", "edit", "ci", "--denied", "authenticate")
    with platform(str(shell.folder)) as kit, pytest.raises(Denied):
        kit.callers.of_api_key(new)


def test_an_app_password_works_until_it_is_deleted(shell: Shell) -> None:
    made = shell.json("app-password", "add", "jane", "Phone", "--scope", "imap")
    attempt = Attempt("jane", made["password"], scope="imap")
    with platform(str(shell.folder)) as kit:
        assert kit.login.authenticate(attempt).source == "asp"
    assert "password" not in shell.lines("app-password", "list", "jane")[0]
    shell.run("app-password", "delete", "jane", made["id"], "--yes")
    with platform(str(shell.folder)) as kit, pytest.raises(Denied):
        kit.login.authenticate(attempt)


def test_passwords_come_from_standard_input(shell: Shell) -> None:
    def right(password: str) -> bool:
        with platform(str(shell.folder)) as kit:
            stored = kit.credentials.password_hash(kit.principals.by_name("jane").number)
            return kit.credentials.verify(stored, password).right

    assert right("a long secret")
    shell.run("user", "passwd", "jane", stdin=" with blanks \r\n")
    assert right(" with blanks ")
    with platform(str(shell.folder)) as kit:
        ready = kit.credentials.hash("hashed elsewhere")
    shell.run("user", "passwd", "jane", "--hashed", stdin=ready)
    assert right("hashed elsewhere")
    shell.refuse("user", "passwd", "jane", "--refuse-known", stdin="password\n", code="password.insecure")
    assert "standard input is empty" in shell.refuse("user", "passwd", "jane")
    shell.run("user", "passwd", "jane", "--none")
    assert not right("hashed elsewhere")
    assert shell.json("user", "show", "jane")["password"] is False


def test_temporary_passwords_log_in(tmp_path: Path) -> None:
    shell = Shell(tmp_path / "data")
    shell.run(*JANE, "--temporary", stdin="for a day\n")
    made = shell.json("user", "reset-password", "jane", "--valid-after", "2100-01-01")
    assert made["valid_after"] == "2100-01-01T00:00:00Z"
    with platform(str(shell.folder)) as kit, pytest.raises(Denied):
        kit.login.authenticate(Attempt("jane", made["password"]))
    made = shell.json("user", "reset-password", "jane")
    with platform(str(shell.folder)) as kit:
        assert kit.login.authenticate(Attempt("jane", made["password"])).change


def test_tokens_end_with_the_password_and_by_command(shell: Shell) -> None:
    tokens = [shell.say("token", "create", "--role", "user", "--user", "jane").strip() for _ in range(2)]
    operators = shell.say("token", "create", "--role", "root").strip()
    assert {row["user"] for row in shell.lines("token", "list")} == {"jane", None}
    assert not any(token in shell.say("token", "list") for token in (*tokens, operators))
    shell.run("user", "passwd", "jane", stdin="new\n")
    assert {row["state"] for row in shell.lines("token", "list", "jane")} == {"void"}
    assert shell.json("token", "revoke", "--user", "jane", "--yes") == {"revoked": 2}
    shell.run("token", "revoke", stdin=operators)
    assert shell.lines("token", "list") == []


def test_the_login_log_tells_what_was_done_here(shell: Shell) -> None:
    shell.run("user", "passwd", "jane", stdin="new\n")
    shell.run("user", "suspend", "jane")
    log = shell.lines("user", "log", "jane")
    assert [(row["action"], row["protocol"]) for row in log] == [("password change", "CLI"), ("account created", "CLI")]
    assert len(shell.lines("user", "log", "jane", "--limit", "1")) == 1
    assert [row["action"] for row in shell.lines("user", "log", "jane", "--action", "account created")] == [
        "account created"
    ]


# many


def test_counting_everybody_lists_those_who_were_wrong(shell: Shell) -> None:
    shell.run("user", "add", "bob", "--no-password", "--address", "bob@example.org")

    def spoil(tx: Tx) -> None:
        kit.quota.recount(tx, kit.principals.by_name("bob", tx=tx).number, 77)

    with platform(str(shell.folder)) as kit:
        kit.transact(spoil)
    found = shell.lines("user", "recount", "--all")
    assert found == [
        {"name": "bob", "before": 77, "after": 0},
        {"accounts": 2, "changed": 1, "difference": -77},
    ]
    done = shell.run("user", "recount", "--all")
    assert (done.stdout, done.stderr) == ("", "0 of 2 accounts were wrong, by +0 bytes in all\n")


def test_a_job_that_was_left_to_the_server_is_shown_with_its_progress(shell: Shell) -> None:
    job = shell.json("user", "recount", "--all", "--job")["job"]
    assert shell.json("job", "show", job)["state"] == "waiting"
    with platform(str(shell.folder)) as kit:
        kit.run_due()
    shown = shell.json("job", "show", job)
    assert (shown["state"], shown["progress"]["accounts"], shown["error"]) == ("done", 1, None)
    assert shell.lines("job", "list", "--state", "failed") == []


def test_deleting_many_leaves_what_has_somebody_in_it(shell: Shell) -> None:
    shell.run("domain", "add", "empty.example")
    assert [row["name"] for row in shell.lines("principal", "delete-all", "--type", "domain", "--dry-run")] == [
        "example.org",
        "empty.example",
    ]
    done = shell.run("principal", "delete-all", "--type", "domain", "--yes", expect=1)
    assert done.stdout == "1 deleted, 1 stay\n"
    assert "example.org stays: The domain has addresses: 1 addresses are in it" in done.stderr
    assert shell.json("principal", "delete-all", "--type", "role", "--yes") == {"deleted": 0, "stayed": []}
    later = shell.json("principal", "delete-all", "--type", "individual", "--job", "--yes")
    assert later["matching"] == 1
    with platform(str(shell.folder)) as kit:
        kit.run_due()
    assert shell.lines("user", "list") == []


def test_a_group_is_restored_like_a_user(shell: Shell) -> None:
    shell.run("group", "add", "crew", "--address", "crew@example.org", "--member", "jane")
    shell.run("group", "delete", "crew", "--after-days", "3", "--yes")
    (gone,) = shell.lines("user", "deleted")
    assert (gone["name"], gone["type"]) == ("crew", "group")
    shell.run("user", "restore", gone["id"])
    assert shell.json("group", "show", "crew")["members"] == ["jane"]


def test_a_large_domain_is_renamed_by_a_job(shell: Shell) -> None:
    rows = "username,address\n" + "".join(f"u{n},u{n}@example.org\n" for n in range(600))
    shell.run("user", "import", "-", stdin=rows)
    done = shell.json("domain", "rename", "example.org", "new.example")
    assert done["addresses"] == 601
    assert shell.json("job", "show", done["job"])["kind"] == "domain.rename"


# a process of its own


def test_the_same_in_a_process_of_its_own(tmp_path: Path) -> None:
    folder = ("--data", str(tmp_path / "d"))
    assert in_process("tenant", "add", "acme", *folder).stdout == "acme is a tenant here\n"
    refused = in_process("group", "show", "nobody", "--json", *folder, check=False)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr == '{"error": "There is no group \'nobody\'.", "code": "principal.not_found"}\n'
    assert in_process("group", "show", *folder, check=False).returncode == 2
    gone = in_process("tenant", "remove", "acme", *folder, check=False)
    assert "There is no command 'remove'. Did you mean 'delete'?" in gone.stderr
