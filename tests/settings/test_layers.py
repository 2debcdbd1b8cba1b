"""Which value counts, and what is said about mistakes."""

import itertools

import pytest

from mailkit.settings import KERNEL_KEYS, Key, Registry
from mailkit.settings.kinds import TEXT, whole
from mailkit.settings.layers import flatten, resolve

LIVE = Key("mail.word", TEXT, "default", "A word.")
BOOT = Key("mail.boot", TEXT, "default", "A word.", scope="boot")
SECRET = Key("mail.secret", whole(), 0, "A number.", secret=True)
REGISTRY = Registry(LIVE, BOOT, SECRET)


def layers(*used: str) -> dict:
    forms = {
        "arguments": {"mail.word": "argument"},
        "environment": {"MAILKIT_MAIL_WORD": "environment"},
        "file": {"mail": {"word": "file"}},
        "stored": {"mail.word": "store"},
    }
    return {name: forms[name] for name in used}


ORDER = ["arguments", "environment", "file", "stored"]


@pytest.mark.parametrize("used", [c for n in range(5) for c in itertools.combinations(ORDER, n)])
def test_the_highest_layer_counts(used) -> None:
    resolved = resolve(REGISTRY, **layers(*used))
    expected = {"arguments": "argument", "stored": "store"}.get(used[0], used[0]) if used else "default"
    assert resolved.values[LIVE] == (expected, expected)
    assert not resolved.errors


def test_tables_are_dots() -> None:
    assert dict(flatten({"a": {"b": {"c": 1}}, "d": [2]})) == {"a.b.c": 1, "d": [2]}


@pytest.mark.parametrize(
    ("layer", "given", "meant"),
    [
        ("file", {"http": {"lisen": "x"}}, "http.listen"),
        ("file", {"htp": {"listen": "x"}}, "http.listen"),
        ("file", {"limits": {"mesage_size": 1}}, "limits.message_size"),
        ("environment", {"MAILKIT_HTTP_LISTEM": "x"}, "MAILKIT_HTTP_LISTEN"),
        ("environment", {"MAILKIT_LOG_LEVEL": "x"}, "MAILKIT_TELEMETRY_LOG_LEVEL"),
        ("arguments", {"lmtp.lsten": "x"}, "lmtp.listen"),
    ],
)
def test_a_typo_is_an_error_that_suggests_the_right_key(layer, given, meant) -> None:
    (problem,) = resolve(Registry(*KERNEL_KEYS), **{layer: given}).errors
    assert (problem.kind, problem.message.endswith(f"did you mean {meant}?")) == ("unknown", True)


def test_what_resembles_nothing_is_an_error_without_a_suggestion() -> None:
    (problem,) = resolve(REGISTRY, file={"qqqqqqqqqqq": 1}).errors
    assert problem.message == "qqqqqqqqqqq is not a setting"


def test_variables_of_others_and_the_path_of_the_file_are_left_alone() -> None:
    assert not resolve(REGISTRY, environment={"PATH": "/", "MAILKIT_CONFIG": "x.toml"}).errors


def test_every_mistake_is_named_at_once() -> None:
    resolved = resolve(Registry(*KERNEL_KEYS), file={"http": {"workers": 0, "x": 1}}, environment={"MAILKIT_STOER": ""})
    assert [p.name for p in resolved.errors] == ["http.workers", "http.x", "MAILKIT_STOER"]
    assert resolved.errors[0].message == "http.workers is 0, below 1"


def test_the_store_sets_no_boot_settings_and_no_secrets_and_may_hold_strangers() -> None:
    resolved = resolve(REGISTRY, stored={"mail.boot": "x", "mail.secret": "1", "lookup.my-list.0": "y"})
    assert not resolved.errors
    assert [(p.name, p.kind) for p in resolved.warnings] == [
        ("mail.boot", "boot"),
        ("mail.secret", "boot"),
        ("lookup.my-list.0", "unknown"),
    ]
    assert resolved.values[BOOT] == ("default", "default")


def test_a_mistaken_secret_is_not_quoted() -> None:
    (problem,) = resolve(REGISTRY, environment={"MAILKIT_MAIL_SECRET": "hunter2"}).errors
    assert "hunter2" not in problem.message


def test_names_must_not_collide() -> None:
    with pytest.raises(ValueError, match="share"):
        Registry(Key("a.b_c", TEXT, "", "."), Key("a.b.c", TEXT, "", "."))
    with pytest.raises(ValueError, match="share"):
        Registry(LIVE, Key("mail.word", TEXT, "", "."))
    with pytest.raises(ValueError, match="group"):
        Registry(Key("a", TEXT, "", "."), Key("a.b", TEXT, "", "."))
    with pytest.raises(ValueError, match="name"):
        Key("Http.Listen", TEXT, "", ".")
