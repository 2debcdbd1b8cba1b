"""`mailkit config` changes what running processes go by, and says what is wrong with what is stored."""

from pathlib import Path

import pytest

from mailkit import MailKit
from mailkit.quota.settings import DEFAULT
from mailkit.testing.platform import platform
from tests.cli.conftest import in_process, mailkit
from tests.cli.shell import Shell


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """An empty platform's folder."""
    with platform(str(tmp_path / "data")):
        pass
    return Shell(tmp_path / "data")


def test_a_running_process_goes_by_what_another_one_set(shell: Shell) -> None:
    with MailKit.open(shell.folder) as kit:
        in_process("config", "set", "quota.default", "3GiB", "--data", str(shell.folder))
        assert kit.settings.refresh()
        assert kit.settings.get(DEFAULT).n == 3 << 30  # type: ignore[union-attr]
        in_process("config", "unset", "quota.default", "--data", str(shell.folder))
        assert kit.settings.refresh()
        assert kit.settings.get(DEFAULT).n == 1 << 30  # type: ignore[union-attr]


def test_what_counts_and_why_it_does_not_is_said(shell: Shell, tmp_path: Path) -> None:
    assert shell.say("config", "set", "limits.filters", "5") == "limits.filters = 5\n"
    assert "counts after 'mailkit config reload'" in shell.say(
        "config", "set", "http.cors_origins", "https://a.example"
    )
    file = tmp_path / "mailkit.toml"
    file.write_text("[limits]\nfilters = 7\n")
    told = shell.json("config", "set", "limits.filters", "6", "--config", str(file))
    assert told == {"name": "limits.filters", "value": "6", "counts": "file"}
    assert shell.json("config", "get", "limits.filters", "--config", str(file))["value"] == "7"
    assert shell.json("config", "get", "limits.filters")["value"] == "6"
    changed = {row["name"] for row in shell.lines("config", "list", "--changed")}
    assert {"limits.filters", "http.cors_origins"} <= changed
    assert "quota.default" not in changed


def test_a_reload_says_what_is_wrong_and_loads_nothing_of_it(shell: Shell) -> None:
    with platform(str(shell.folder)) as kit:  # as an API may store it, unchecked
        rows = {"quota.default": "lots", "limits.filters": "5", "elses": "thing"}
        kit.transact(lambda tx: kit.settings.write(rows, now=kit.clock(), tx=tx))
    for words in (("--dry-run",), ()):
        done = shell.run("config", "reload", *words, expect=1)
        assert done.stdout == "1 errors: nothing is loaded\n"
        assert "error: quota.default is 'lots', not a size" in done.stderr
        assert "warning: elses is not a setting" in done.stderr
        told = shell.run("config", "reload", "--json", *words, expect=1)
        assert '"loaded": false' in told.stdout
    assert shell.run("config", "get", "quota.default").stdout == "1 GiB\n"
    assert "in the store: quota.default is 'lots'" in shell.run("config", "get", "quota.default").stderr
    shell.run("config", "unset", "quota.default")
    told = shell.json("config", "reload", "--dry-run")
    assert (told["errors"], told["loaded"]) == ([], False)
    assert [each["name"] for each in told["warnings"]] == ["elses"]


def test_settings_below_a_prefix_are_set_together_or_not_at_all(shell: Shell) -> None:
    words = ("config", "set", "--any", "--prefix", "server.a.", "--if-unset", "host=x", "port=1")
    assert [row["name"] for row in shell.lines(*words)] == ["server.a.host", "server.a.port"]
    assert "server.a.host is set already" in shell.refuse(*words[:-2], "other=1")
    (group,) = shell.lines("config", "groups", "server", "port")
    assert group == {"id": "a", "fields": {"host": "x", "port": "1"}}
    assert shell.lines("config", "groups", "server", "port", "--field", "host")[0]["fields"] == {"host": "x"}
    shell.run("config", "set", "--any", "serverless", "1")
    gone = shell.json("config", "unset", "--prefix", "server", "--filter", "X", "--yes")
    assert gone == {"unset": ["server.a.host"]}
    assert shell.json("config", "unset", "--prefix", "server", "--yes") == {"unset": ["server.a.port"]}
    assert shell.json("config", "unset", "--prefix", "server", "--yes") == {"unset": []}
    assert [row["name"] for row in shell.lines("config", "list", "--stored")] == ["serverless"]
    assert shell.say("config", "get", "serverless") == "1\n"


def test_secrets_are_not_kept_in_the_store_nor_shown(shell: Shell) -> None:
    from mailkit.known_settings import registry

    secrets = [key.name for key in registry() if key.secret]
    for name in secrets:
        shell.refuse("config", "set", name, "geheim", code="settings.secret")
    url = mailkit("config", "get", "store", "--data", "postgresql://alice:geheim@127.0.0.1:1/mail")
    assert "geheim" not in url.stdout + url.stderr
