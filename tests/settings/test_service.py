"""Settings of running processes."""

from pathlib import Path

import pytest

from mailkit import journal
from mailkit.errors import Denied, Invalid, NotFound, NotSupported, Unavailable
from mailkit.settings import Key, Registry, Settings, stored
from mailkit.settings.kinds import TEXT, whole
from mailkit.storage.api import Store

LIVE = Key("a.live", whole(0, 100), 1, "A number.")
OTHER = Key("a.other", whole(0, 100), 1, "A number.")
RELOAD = Key("a.reload", whole(0, 100), 1, "A number.", scope="reload")
BOOT = Key("a.boot", whole(0, 100), 1, "A number.", scope="boot")
SECRET = Key("a.secret", TEXT, None, "A word.", secret=True)
REGISTRY = Registry(LIVE, OTHER, RELOAD, BOOT, SECRET)
NOW = 1_700_000_000_000


def process(store: Store, **layers) -> Settings:
    settings = Settings(REGISTRY, **layers)
    settings.attach(store)
    return settings


def test_a_mistake_stops_the_start_and_names_itself(tmp_path: Path) -> None:
    file = tmp_path / "mailkit.toml"
    file.write_text("[a]\nlife = 3\nboot = 200\n")
    with pytest.raises(Invalid) as caught:
        Settings(REGISTRY, file=file)
    assert "did you mean a.live?" in caught.value.message
    assert [error.dotted for error in caught.value.errors] == ["a.life", "a.boot"]
    file.write_text("[a\n")
    with pytest.raises(Invalid, match=r"mailkit\.toml"):
        Settings(REGISTRY, file=file)


def test_a_change_is_in_effect_at_once_here_and_elsewhere_at_the_next_look(store: Store) -> None:
    here, there = process(store), process(store)
    before = there.current
    here.change({"a.live": 5, "a.other": "6"}, now=NOW)
    assert (here.get(LIVE), here.get(OTHER), there.get(LIVE)) == (5, 6, 1)
    assert there.refresh()
    assert (there.get(LIVE), there.get(OTHER)) == (5, 6)
    assert there.current.number == before.number + 1
    assert before.get(LIVE) == 1
    assert not there.refresh()
    here.change({"a.live": None}, now=NOW)
    there.refresh()
    assert (there.get(LIVE), there.current.layer(LIVE)) == (1, "default")


def test_reload_settings_wait_for_a_reload_which_reaches_every_process(store: Store) -> None:
    here, there = process(store), process(store)
    here.change({"a.reload": 5}, now=NOW)
    there.refresh()
    assert here.get(RELOAD) == there.get(RELOAD) == 1
    assert not here.reload().errors
    there.refresh()
    assert here.get(RELOAD) == there.get(RELOAD) == 5
    assert not here.refresh()
    assert not there.refresh()


def test_a_dry_run_reports_and_changes_nothing(store: Store, tmp_path: Path) -> None:
    file = tmp_path / "mailkit.toml"
    file.write_text("[a]\nlive = 3\nboot = 3\n")
    settings = process(store, file=file)
    file.write_text("[a]\nlive = 4\nboot = 4\n")
    number = settings.current.number
    assert settings.reload(dry_run=True).restart == ("a.boot",)
    assert (settings.get(LIVE), settings.current.number) == (3, number)
    assert settings.reload().restart == ("a.boot",)
    assert (settings.get(LIVE), settings.get(BOOT), settings.current.number) == (4, 3, number + 1)


def test_a_reload_with_an_error_keeps_the_last_good_state(store: Store, tmp_path: Path) -> None:
    file = tmp_path / "mailkit.toml"
    file.write_text("[a]\nlive = 3\n")
    settings = process(store, file=file)
    for text in ("[a]\nlive = 4\nother = 999\n", "[a", "[b]\nlive = 1\n"):
        file.write_text(text)
        assert settings.reload().errors
        assert settings.get(LIVE) == 3
    file.unlink()
    assert settings.reload().errors
    assert settings.get(LIVE) == 3


def test_a_file_being_edited_does_not_disturb_live_changes(store: Store, tmp_path: Path) -> None:
    file = tmp_path / "mailkit.toml"
    file.write_text("[a]\nlive = 3\n")
    settings = process(store, file=file)
    file.write_text("[a")
    settings.change({"a.other": 7}, now=NOW)
    assert (settings.get(LIVE), settings.get(OTHER)) == (3, 7)


def test_higher_layers_win_over_the_store(store: Store) -> None:
    settings = process(store, environment={"MAILKIT_A_LIVE": "9"})
    settings.change({"a.live": 5}, now=NOW)
    assert (settings.get(LIVE), settings.current.layer(LIVE)) == (9, "environment")


def test_what_an_api_may_not_set(store: Store) -> None:
    settings = process(store)
    with pytest.raises(Denied) as caught:
        settings.change({"a.boot": 5}, now=NOW)
    assert caught.value.code == "settings.boot"
    with pytest.raises(Denied):
        store.transact(lambda tx: settings.write({"a.boot": "5"}, now=NOW, tx=tx))
    with pytest.raises(NotSupported):
        settings.change({"a.secret": "x"}, now=NOW)
    with pytest.raises(NotFound) as missing:
        settings.change({"a.lve": 5}, now=NOW)
    assert missing.value.fields["nearest"] == "a.live"
    with pytest.raises(Invalid, match="above 100"):
        settings.change({"a.live": 500, "a.other": 2}, now=NOW)
    assert not settings.refresh()


def test_without_a_store_nothing_can_be_changed() -> None:
    settings = Settings(REGISTRY, arguments={"a.live": 4})
    assert settings.get(LIVE) == 4
    assert not settings.refresh()
    assert not settings.reload().errors
    with pytest.raises(Unavailable):
        settings.change({"a.live": 5}, now=NOW)


def test_rows_that_cannot_be_understood_change_nothing_while_running_and_fall_to_the_default_at_a_start(
    store: Store,
) -> None:
    settings = process(store)
    settings.change({"a.live": 5}, now=NOW)
    store.transact(lambda tx: settings.write({"a.live": "many", "a.other": "7", "x.y": "z"}, now=NOW, tx=tx))
    assert settings.refresh()
    assert (settings.get(LIVE), settings.get(OTHER)) == (5, 7)
    report = settings.reload()
    assert [p.name for p in report.errors] == ["a.live"]
    assert [p.name for p in report.warnings] == ["x.y"]
    started = Settings(REGISTRY)
    assert [p.name for p in started.attach(store).errors] == ["a.live"]
    assert (started.get(LIVE), started.get(OTHER)) == (1, 7)


def test_a_change_leaves_a_journal_entry_without_the_values(store: Store) -> None:
    process(store).change({"a.live": 5}, now=NOW)
    with store.snapshot() as tx:
        ((_, entry),) = journal.read(tx)
    assert (entry.kind, entry.payload) == ("settings.changed", {"names": ["a.live"]})


def test_secrets_are_masked_wherever_settings_are_shown(store: Store) -> None:
    settings = process(store, environment={"MAILKIT_A_SECRET": "hunter2"})
    assert settings.get(SECRET) == "hunter2"
    assert "hunter2" not in repr(settings.current) + str(list(settings.current.shown())) + repr(settings)
    shown = {each.name: each.value for each in settings.current.shown()}
    assert shown["a.secret"] == "********"
    assert shown["a.live"] == "1"


@pytest.mark.parametrize("prefix", ["a.b", "a.b.", "", "x" * 85, "x" * 130, "é"])
def test_rows_are_found_by_literal_prefix(store: Store, prefix: str) -> None:
    names = ["a.b.1", "a.b.2", "a.bc", "a.c", "b", "x" * 85 + "1", "x" * 140, "é.1"]
    store.transact(lambda tx: stored.write(tx, dict.fromkeys(names, "v")))
    with store.snapshot() as tx:
        assert [name for name, _ in stored.scan(tx, prefix)] == [name for name in names if name.startswith(prefix)]
