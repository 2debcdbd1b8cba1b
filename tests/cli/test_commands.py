"""The other subcommands, run as commands."""

import json
from pathlib import Path

import pytest

from mailkit import MailKit
from mailkit.accounts.secrets import Add
from mailkit.mailstore.tables import MAILBOXES
from mailkit.storage import keyspace
from mailkit.storage.api import Tx
from mailkit.storage.blobs.records import content, set_content
from tests.cli.conftest import in_process, mailkit


def test_demo_delivers_and_exits(tmp_path: Path) -> None:
    done = in_process("demo", "--data", str(tmp_path / "d"), "--exit")
    assert "1-dinner.eml" in done.stdout
    assert done.stdout.count("stored, 250 2.1.5") == 4
    assert done.stdout.count("rejected, 550 5.1.1") == 4
    assert done.stdout.count("curl -s") == 4
    assert in_process("check", "--data", str(tmp_path / "d")).stdout == "0 errors, 0 notices\n"
    again = in_process("demo", "--data", str(tmp_path / "d"), "--exit")
    assert "INBOX has 8 messages" in again.stdout


def test_users_are_added_listed_and_given_passwords(tmp_path: Path) -> None:
    folder = str(tmp_path / "d")
    made = mailkit("user", "add", "alice", "--data", folder, "--address", "a@x.org", "--password", "p", "--json")
    alice = json.loads(made.stdout)
    assert alice["address"] == "a@x.org"
    listed = [json.loads(line) for line in mailkit("user", "list", "--data", folder, "--json").stdout.splitlines()]
    assert [(row["id"], row["name"], row["address"], row["used"]) for row in listed] == [
        (alice["id"], "alice", "a@x.org", 0)
    ]
    assert "new password" in mailkit("user", "passwd", "alice", "--data", folder, "--password", "q").stdout
    with MailKit.open(folder) as kit:
        assert kit.callers.of_password("alice", "q").name == "alice"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ("user", "add", "alice", "--address", "a@y.org", "--no-password"),
            "The name alice is taken [principal.exists]",
        ),
        (("user", "add", "bob", "--address", "nonsense", "--no-password"), '"address" must be a valid email'),
        (("user", "add", "bob", "--no-password", "--quota", "lots"), "--quota"),
        (("user", "passwd", "nobody", "--password", "x"), "There is no user 'nobody'"),
        (("token", "create", "--role", "wd/rot"), "Did you mean wd/root?"),
        (("token", "create", "--user", "nobody"), "There is no user 'nobody'"),
        (("token", "create", "--role", "user"), "has to be somebody's"),
        (("usr",), "Did you mean 'user'?"),
    ],
)
def test_mistakes_are_named(data: Path, words: tuple[str, ...], said: str) -> None:
    more = () if words == ("usr",) else ("--data", str(data))
    done = mailkit(*words, *more, check=False)
    assert done.returncode != 0
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_missing_data_folder_is_not_made_by_accident(tmp_path: Path) -> None:
    done = mailkit("user", "list", "--data", str(tmp_path / "typo"), check=False)
    assert done.returncode == 1
    assert "There is no mailkit data" in done.stderr
    assert not (tmp_path / "typo").exists()


def test_token_works_and_is_shown_once(data: Path) -> None:
    token = json.loads(mailkit("token", "create", "--data", str(data), "--role", "root", "--json").stdout)
    assert token["role"] == "wd/root"
    with MailKit.open(data) as kit:
        assert "wd:users:create:any" in kit.callers.of_token(token["token"]).caller.permissions


def test_config_shows_values_and_where_they_come_from(data: Path, tmp_path: Path) -> None:
    file = tmp_path / "m.toml"
    file.write_text('[http]\nlisten = "127.0.0.1:9"\n')
    done = mailkit("config", "get", "http.listen", "--data", str(data), "--config", str(file), "--json")
    shown = json.loads(done.stdout)
    assert (shown["value"], shown["from"], shown["scope"]) == ("127.0.0.1:9", "file", "boot")


# `mailkit check` must see what is planted


def spoil_counter(kit: MailKit, tx: Tx) -> None:
    from msgspec.structs import replace

    alice = kit.principals.by_name("alice", tx=tx)
    box = kit.mailstore.mailbox(alice.id, "INBOX", tx=tx)
    MAILBOXES.put(tx, replace(box, total=box.total + 1), alice.number, box.id)


def spoil_quota(kit: MailKit, tx: Tx) -> None:
    kit.quota.recount(tx, kit.principals.by_name("alice", tx=tx).number, 1)


def spoil_index(kit: MailKit, tx: Tx) -> None:
    tx.delete(keyspace.PRINCIPAL_NAME.key("alice"))


def spoil_address(kit: MailKit, tx: Tx) -> None:
    tx.put(keyspace.ADDRESS_VIEW.key("ghost@example.org"), keyspace.ADDRESS.key(bytes(12)))


def spoil_reference(kit: MailKit, tx: Tx) -> None:
    (key, _) = next(iter(tx.scan(*keyspace.BLOBS.range())))
    digest = keyspace.BLOBS.parts(key)[0]
    from msgspec.structs import replace

    row = content(tx, digest)
    assert row is not None
    set_content(tx, digest, row, replace(row, count=row.count + 1))


def spoil_bytes(kit: MailKit, tx: Tx) -> None:
    (key, _) = next(iter(tx.scan(*keyspace.BLOB_BYTES.range())))
    tx.delete(key)


def spoil_message(kit: MailKit, tx: Tx) -> None:
    alice = kit.principals.by_name("alice", tx=tx)
    (key, _) = next(iter(tx.scan(*keyspace.STATE.range(alice.number))))
    tx.delete(key)


def spoil_row(kit: MailKit, tx: Tx) -> None:
    alice = kit.principals.by_name("alice", tx=tx)
    (key, _) = next(iter(tx.scan(*keyspace.MESSAGE.range(alice.number))))
    tx.put(key, b"\x01garbage")


def spoil_keyspace(kit: MailKit, tx: Tx) -> None:
    tx.put(b"\x7fwhat is this", b"")


@pytest.mark.parametrize(
    "spoil",
    [
        spoil_counter,
        spoil_quota,
        spoil_index,
        spoil_address,
        spoil_reference,
        spoil_bytes,
        spoil_message,
        spoil_row,
        spoil_keyspace,
    ],
)
def test_check_finds_what_is_wrong(data: Path, spoil: object) -> None:
    with MailKit.open(data) as kit:
        alice = kit.principals.by_name("alice")
        kit.mailstore.append(alice.id, b"Subject: x\r\n\r\n" + b"y" * 2000)
        assert callable(spoil)
        kit.transact(lambda tx: spoil(kit, tx))
    done = mailkit("check", "--data", str(data), check=False)
    assert done.returncode == 1, done.stdout
    assert done.stdout.startswith("error: ")


def test_unreferenced_content_is_a_notice(data: Path) -> None:
    with MailKit.open(data) as kit:
        ready = kit.blobs.prepare(b"z" * (1 << 20))
        kit.transact(lambda tx: kit.blobs.hold(tx, ready))
        kit.transact(lambda tx: kit.blobs.release(tx, ready.digest))
    done = mailkit("check", "--data", str(data))
    assert done.stdout.endswith("0 errors, 1 notices\n")


def test_an_empty_folder_name_is_not_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = mailkit("user", "add", "alice", "--data", "", "--no-password", check=False)
    assert done.returncode == 1
    assert "store is empty" in done.stderr
    assert not list(tmp_path.iterdir())


def test_config_shows_what_counts_though_the_store_is_down_and_no_password() -> None:
    where = "postgresql://alice:geheim@127.0.0.1:1/mail"
    for done in (
        mailkit("config", "get", "store", "--data", where),
        mailkit("config", "get", "store", MAILKIT_STORE=where),
    ):
        assert done.stdout == "postgresql://alice:********@127.0.0.1:1/mail\n"
        assert "the store is not read: PostgreSQL cannot be reached" in done.stderr
        assert "geheim" not in done.stdout + done.stderr


def test_a_backup_does_not_go_into_what_it_copies(data: Path) -> None:
    done = mailkit("backup", str(data), str(data / "blobs" / "copy"), check=False)
    assert done.returncode == 1
    assert "backup.target_within" in done.stderr


def test_the_key_is_rotated_and_seeds_still_open(tmp_path: Path) -> None:
    folder = tmp_path / "d"
    mailkit("user", "add", "alice", "--data", str(folder), "--address", "a@x.org", "--password", "p")
    with MailKit.open(folder) as kit:
        alice = kit.principals.by_name("alice")
        kit.two_factor.setup_totp(alice.id, issuer="x")
        change = kit.secrets.prepare([Add("otpauth://totp/a?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP")])
        kit.transact(lambda tx: change(tx, alice.number))
    old = (folder / "secret.key").read_text().split()[0]
    assert "1 sealed rows lie under the new key" in mailkit("key", "rotate", "--data", str(folder)).stdout
    assert "1 sealed rows" in mailkit("key", "rotate", "--data", str(folder)).stdout
    kept = (folder / "secret.key").read_text().split()[::2]
    assert (kept[0], len(kept)) == (old, 2)
    with MailKit.open(folder) as kit:
        assert kit.secrets.shown(alice.number) == ("otpauth://totp/a",)


def test_a_user_without_an_address_needs_a_domain_to_be_at(data: Path) -> None:
    done = mailkit("user", "add", "bob", "--data", str(data), "--no-password", check=False, MAILKIT_MAIL_DOMAIN="here")
    assert done.returncode == 1
    assert "\"address\" is needed: mail.domain, or this host's name, is 'here', and " in done.stderr
