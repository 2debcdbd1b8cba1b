"""Users and domains on the command line."""

import json
from pathlib import Path

from tests.cli.conftest import mailkit

CSV = """\
username,password,address,name,quota,language,tags
jane,secret,jane@example.org,"Doe, Jane",10MiB,de,b a
bob,,,,,,
jane,x,other@example.org,,,,
eve,,not an address,,,,
kim,,,,lots,,
short,line
"""


def test_users_are_imported_and_each_failure_told(tmp_path: Path) -> None:
    folder, file = str(tmp_path / "d"), tmp_path / "users.csv"
    file.write_text(CSV)
    more = {"MAILKIT_MAIL_DOMAIN": "example.org"}
    done = mailkit("user", "import", str(file), "--data", folder, "--json", check=False, **more)
    assert done.returncode == 1
    assert json.loads(done.stdout) == {"made": 2, "present": 0, "failed": 4, "interrupted": False}
    told = [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]
    assert [(row["line"], row["code"]) for row in told] == [
        (4, "principal.exists"),
        (5, "invalid"),
        (6, "import.line"),
        (7, "import.line"),
    ]
    listed = [json.loads(line) for line in mailkit("user", "list", "--data", folder, "--json").stdout.splitlines()]
    assert [(row["name"], row["address"]) for row in listed] == [
        ("jane", "jane@example.org"),
        ("bob", "bob@example.org"),
    ]
    file.write_text("login,address\nx,y\n")
    assert "there is no username" not in mailkit("user", "list", "--data", folder).stderr
    assert "must name columns" in mailkit("user", "import", str(file), "--data", folder, check=False).stderr
    assert mailkit("check", "--data", folder).stdout == "0 errors, 0 notices\n"


def test_users_are_deleted_and_restored(tmp_path: Path) -> None:
    folder = ("--data", str(tmp_path / "d"), "--json")
    mailkit("user", "add", "alice", "--address", "a@x.org", "--no-password", *folder)
    gone = json.loads(mailkit("user", "delete", "alice", "--after-days", "2", "--yes", *folder).stdout)
    assert (gone["name"], gone["addresses"]) == ("alice", ["a@x.org"])
    assert mailkit("user", "list", *folder).stdout == ""
    back = json.loads(mailkit("user", "restore", gone["id"], *folder).stdout)
    assert back == {"id": gone["id"], "name": "alice", "addresses": ["a@x.org"], "main": "a@x.org"}
    named = json.loads(mailkit("user", "passwd", "alice", "--password", "secret", *folder).stdout)
    assert named == {"id": gone["id"], "name": "alice"}
    limits = [json.loads(line) for line in mailkit("user", "limits", "alice", *folder).stdout.splitlines()]
    assert limits[0] == {
        "limit": "recipients",
        "allowed": 2000,
        "used": 0,
        "ttl": None,
        "own": False,
        "reason": "0 of 2000 used (the setting limits.recipients_per_day)",
    }
    assert len(limits) == 6
    assert json.loads(mailkit("user", "recount", "alice", *folder).stdout) == {"name": "alice", "before": 0, "after": 0}


def test_domains_and_aliases(tmp_path: Path) -> None:
    folder = ("--data", str(tmp_path / "d"), "--json")
    mailkit("user", "add", "alice", "--address", "a@x.org", "--no-password", *folder)
    mailkit("domain", "add", "y.org", *folder)
    mailkit("domain", "alias", "z.org", "X.org", *folder)
    listed = [json.loads(line) for line in mailkit("domain", "list", *folder).stdout.splitlines()]
    keys = ("name", "address_count", "adopted", "aliases")
    assert [tuple(shown[key] for key in keys) for shown in listed] == [
        ("x.org", 1, False, ["z.org"]),
        ("y.org", 0, True, []),
    ]
    done = json.loads(mailkit("domain", "rename", "x.org", "new.org", *folder).stdout)
    assert done == {"addresses": 1, "users": 1, "aliases": 1, "job": None}
    assert "has addresses" in mailkit("domain", "delete", "new.org", "--yes", *folder[:2], check=False).stderr
    assert "y.org is deleted" in mailkit("domain", "delete", "y.org", "--yes", *folder[:2]).stdout
    assert "stands for nothing" in mailkit("domain", "unalias", "z.org", *folder[:2]).stdout
    assert mailkit("check", *folder[:2]).stdout == "0 errors, 0 notices\n"


def test_deleted_mail_is_listed_explained_held_and_restored(tmp_path: Path) -> None:
    from mailkit.mailstore.selection import Selection
    from mailkit.testing.platform import platform

    where = str(tmp_path / "d")
    with platform(where) as kit:
        alice = kit.accounts.create("alice", address="a@x.org").number
        for subject in (b"one", b"two"):
            kit.mailstore.append(
                alice, b"From: bob@y.org\r\nSubject: " + subject + b"\r\n\r\ntext\r\n", mailbox="Trash"
            )
        kit.mailstore.remove(alice, "Trash", Selection.of([1]))
    folder = ("--data", where, "--json")

    kept = json.loads(mailkit("mail", "why", "alice", "Trash", "2", *folder).stdout)
    assert [reason["word"] for reason in kept["reasons"]] == ["mailbox.retention"]
    assert kept["gone"] - kept["until"] == 25 * 86_400_000
    (row,) = map(json.loads, mailkit("mail", "deleted", "alice", "--from", "bob", *folder).stdout.splitlines())
    assert (row["mailbox"], row["from"], row["subject"], row["cause"]) == ("Trash", "bob@y.org", "one", "removed")
    assert mailkit("mail", "deleted", "alice", "--subject", "two", *folder).stdout == ""

    placed = json.loads(mailkit("mail", "hold", "alice", "--reason", "inquiry 7", "--by", "legal", *folder).stdout)
    kept = json.loads(mailkit("mail", "why", "alice", row["id"], *folder).stdout)
    assert (kept["gone"], [reason["word"] for reason in kept["reasons"]]) == (None, ["archive", "hold"])
    (held,) = map(json.loads, mailkit("mail", "holds", *folder).stdout.splitlines())
    assert (held["id"], held["user"], held["reason"], held["by"]) == (placed["id"], "alice", "inquiry 7", "legal")
    mailkit("mail", "release", "alice", placed["id"], "--data", where)
    assert mailkit("mail", "holds", "alice", *folder).stdout == ""
    assert "no such hold" in mailkit("mail", "release", "alice", placed["id"], "--data", where, check=False).stderr

    plan = json.loads(mailkit("mail", "restore", "alice", "--since", "2026-01-01", "--dry-run", *folder).stdout)
    assert (plan["messages"], plan["refused"], plan["mailboxes"]) == (1, 0, [])
    back = json.loads(mailkit("mail", "restore", "alice", row["id"], *folder).stdout)
    assert back == {"id": row["id"], "mailbox": "Trash", "uid": 3}
    assert "either ids or a time" in mailkit("mail", "restore", "alice", "--data", where, check=False).stderr
    assert "no time" in mailkit("mail", "restore", "alice", "--since", "soon", "--data", where, check=False).stderr
    assert "There is no user" in mailkit("mail", "purge", "nobody", "--data", where, check=False).stderr
    mailkit("mail", "purge", "alice", "--data", where)
    mailkit("mail", "purge", "--data", where)
    assert mailkit("check", "--data", where).stdout == "0 errors, 0 notices\n"
