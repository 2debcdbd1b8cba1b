"""Password schemes against published vectors, and what they may cost."""

import base64
import hashlib
import json
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mailkit import MailKit
from mailkit.accounts.login import Attempt
from mailkit.accounts.secrets import Add
from mailkit.credentials import schemes
from mailkit.credentials.arrival import App, Clear, Hashed, Otp, arrival, hashed
from mailkit.credentials.passwords import Cost, hash_password, verify_password
from mailkit.credentials.schemes import Scheme, check, identify, normal
from mailkit.credentials.service import Credentials
from mailkit.errors import Invalid
from mailkit.storage.api import Store

VECTORS = json.loads((Path(__file__).parents[1] / "conformance/credentials/hashes.json").read_text())
CHEAP = Cost(memory=8, passes=1)
HASHES = [vector["hash"] for vector in VECTORS]


@pytest.mark.parametrize("vector", VECTORS, ids=[f"{v['source']}: {v['hash'][:14]}" for v in VECTORS])
def test_published_vectors_verify_and_other_passwords_do_not(vector: dict[str, str]) -> None:
    assert check(vector["hash"], vector["password"]) is True
    assert check(vector["hash"], "x" + vector["password"]) is False
    assert check(vector["hash"], "") is False


def test_the_vectors_cover_every_scheme() -> None:
    found = {scheme.name for text in HASHES if (scheme := identify(text))}
    assert found == {scheme.name for scheme in schemes.SCHEMES} - {"sha1-crypt"}


@pytest.mark.parametrize("alg", ["SHA", "SHA256", "SHA512", "MD5"])
def test_salted_and_plain_digests_of_directories(alg: str) -> None:
    name = {"SHA": "sha1"}.get(alg, alg.lower())
    salted = base64.b64encode(hashlib.new(name, b"secretsalt").digest() + b"salt").decode()
    plain = base64.b64encode(hashlib.new(name, b"secret").digest()).decode()
    mark = "SMD5" if alg == "MD5" else f"S{alg}"
    assert check(f"{{{mark}}}{salted}", "secret") is True
    assert check(f"{{{mark.lower()}}}{salted}", "other") is False
    assert check(f"{{{alg}}}{plain}", "secret") is True
    assert check(f"{{{mark}}}{plain}", "secret") is False, "a digest without salt is none of the salted kind"
    assert check(f"{{{alg}}}{salted}", "secret") is False


def test_sha1_crypt_verifies() -> None:
    assert check("$sha1$480$dUynAqpX$" + "x" * 28, "x") is False
    from passlib.hash import sha1_crypt

    assert check(sha1_crypt.using(rounds=480).hash("x"), "x") is True


@pytest.mark.parametrize(
    "costly",
    [
        "$argon2id$v=19$m=4194304,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
        "$argon2id$v=19$m=65536,t=1000,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
        "$2b$31$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
        "$scrypt$ln=24,r=8,p=1$U29kaXVtQ2hsb3JpZGU$cCO9yzr9c0hGHAbNgf046/2o+7qQT44+qbVD9lRdofI",
        "$scrypt$ln=14,r=8,p=900$U29kaXVtQ2hsb3JpZGU$cCO9yzr9c0hGHAbNgf046/2o+7qQT44+qbVD9lRdofI",
        "$pbkdf2-sha256$i=999999999$c2FsdA$VawEblbjCJ/sFpHCJUS2BflBhSFt3gRl5o",
        "$pbkdf2-sha512$i=100000$c2FsdA$" + "A" * 3800,  # many blocks of output, each of them 100,000 iterations
        "$argon2id$v=19$m=262144,t=6,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
        "$6$rounds=999999999$salt$" + "x" * 86,
        "$5$rounds=1000001$salt$" + "x" * 43,
        "$sha1$999999999$salt$" + "x" * 28,
        "_zzzzCCCCXBrJUJV154M",
    ],
)
def test_a_hash_that_would_cost_too_much_is_refused_and_never_computed(costly: str) -> None:
    assert identify(costly) is None
    assert check(costly, "x") is None
    with pytest.raises(Invalid) as refused:
        hashed(costly)
    assert refused.value.code == "secret.scheme"


def test_rounds_over_a_long_password_are_refused_when_it_comes() -> None:
    """Its blocks are hashed in every round, in Python."""
    costly = "$6$rounds=656000$salt$" + "x" * 86
    assert identify(costly, length=100) is not None
    assert identify(costly, length=256) is None
    assert check(costly, "x" * 256) is None, "and at once"


def test_costly_hashes_never_keep_the_others_out(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of the turns stay for hashes of our own, however many of the others wait."""
    credentials = Credentials(store, CHEAP, at_once=4)
    begun, go_on = threading.Semaphore(0), threading.Event()

    def slow(stored: str, password: str, known: object) -> bool:
        begun.release()
        return not go_on.wait(20)

    monkeypatch.setattr("mailkit.credentials.schemes.check", slow)
    costly = "$6$rounds=1000000$salt$" + "x" * 86
    with ThreadPoolExecutor(8) as pool:
        waiting = [pool.submit(credentials.verify, costly, "x") for _ in range(8)]
        begun.acquire()
        begun.acquire()
        assert credentials.verify(credentials.hash("right"), "right").right
        assert not begun.acquire(blocking=False), "no third"
        go_on.set()
        assert not any(each.result().right for each in waiting)


@pytest.mark.parametrize("text", ["", "$", "$9$x$y", "{SSHA}", "{NOPE}eHh4eHh4", "$2b$12$short", "not a hash", "$6$$"])
def test_what_is_no_hash_matches_nothing(text: str) -> None:
    assert check(text, "x") is None


def test_zero_bytes_do_not_end_a_password_early() -> None:
    for text in HASHES:
        assert check(text, "password\0and more") in (False, None), text


def test_wrappers_of_directories_are_taken_off() -> None:
    inner = "$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"
    assert normal("{BLF-CRYPT}" + inner) == normal("{crypt}" + inner) == inner
    assert check("{BLF-CRYPT}" + inner, "U*U")


@pytest.mark.parametrize("vector", VECTORS, ids=HASHES)
def test_every_scheme_is_upgraded_on_the_first_success(vector: dict[str, str]) -> None:
    verdict = verify_password(vector["hash"], vector["password"], CHEAP)
    assert (verdict.right, verdict.outdated) == (True, True)
    new = hash_password(vector["password"], CHEAP)
    assert (again := verify_password(new, vector["password"], CHEAP)).right
    assert not again.outdated


def test_own_hash_at_another_cost_is_outdated() -> None:
    stored = hash_password("x", Cost(memory=16, passes=1))
    assert verify_password(stored, "x", CHEAP).outdated


# what a secret given as text is


@pytest.mark.parametrize("text", ["hunter2", "{PLAIN}hunter2", "{clear}hunter2"])
def test_text_without_a_scheme_is_a_password(text: str) -> None:
    assert arrival(text) == Clear("hunter2")


@pytest.mark.parametrize(
    "text", ["$ecret", "abcdefghijklm", "{x}", "_12345678901234567890", "$5 bill", "passw0rdpassw"]
)
def test_passwords_that_look_a_little_like_hashes_are_passwords(text: str) -> None:
    assert arrival(text) == Clear(text)


@pytest.mark.parametrize("text", HASHES)
def test_hashes_are_known_when_they_arrive(text: str) -> None:
    assert arrival(text) == Hashed(text)


def test_a_traditional_hash_is_one_where_it_says_so() -> None:
    assert arrival("{CRYPT}xxj31ZMTZzkVA") == Hashed("{CRYPT}xxj31ZMTZzkVA")
    assert hashed("xxj31ZMTZzkVA") == "{CRYPT}xxj31ZMTZzkVA"


@pytest.mark.parametrize(
    "text", ["$7$rounds=5$saltsaltsalt$hashhashhash", "{MD4}q83vEjRWeJA=", "", "x" * 5000, "x" * 257]
)
def test_what_nobody_could_log_in_with_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        arrival(text)


def test_application_passwords_and_seeds_are_told_apart() -> None:
    assert arrival("$app$phone$hunter2") == App("phone", Clear("hunter2"))
    assert arrival("$app$phone$") == App("phone", None)
    assert arrival("otpauth://totp/x?secret=JBSWY3DPEHPK3PXP") == Otp(
        "otpauth://totp/x?secret=JBSWY3DPEHPK3PXP", known=False
    )
    assert arrival("otpauth://totp/x") == Otp("otpauth://totp/x", known=True)
    for bad in ("$app$", "$app$$hash", "$app$phone"):
        with pytest.raises(Invalid):
            arrival(bad)


# schemes of plugins

REVERSED = Scheme(
    name="reversed",
    form=re.compile(r"\{REVERSED\}(?P<text>.*)", re.DOTALL),
    affordable=lambda found, length: len(found["text"]) < 100,
    check=lambda found, password: found["text"] == password.decode()[::-1],
)


def test_a_scheme_of_ones_own_is_checked_upgraded_and_bounded(tmp_path: Path) -> None:
    with MailKit.open("memory:", password_schemes=[REVERSED], password_cost=CHEAP) as kit:
        alice = kit.accounts.create("alice", address="alice@example.org", hashed="{REVERSED}terces")
        kit.transact(lambda tx: kit.secrets.prepare([Add("{REVERSED}2")])(tx, alice.number))
        assert kit.login.authenticate(Attempt("alice", "2")).source == "master"
        assert kit.login.authenticate(Attempt("alice", "secret")).source == "master"
        assert (kit.credentials.password_hash(alice.number) or "").startswith("$argon2id$")
        with pytest.raises(Invalid) as refused:
            kit.secrets.prepare([Add("{REVERSED}" + "x" * 100)])
        assert refused.value.code == "secret.scheme"
    assert identify("{REVERSED}terces") is None, "nowhere else"


def test_a_scheme_is_found_by_its_entry_point_and_used_when_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "old_forum.py").write_text(
        "import re\n"
        "from mailkit.credentials.schemes import Scheme\n"
        "SCHEME = Scheme('forum', re.compile('forum:(.*)'), lambda found, length: True,\n"
        "                lambda found, password: found[1].encode() == password)\n"
    )
    (tmp_path / "old_forum-1.dist-info").mkdir()
    (tmp_path / "old_forum-1.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: old-forum\nVersion: 1\n")
    (tmp_path / "old_forum-1.dist-info" / "entry_points.txt").write_text(
        "[mailkit.password_schemes]\nforum = old_forum:SCHEME\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    for plugins, right in ((["forum"], True), ([], False)):
        with MailKit.open("memory:", settings={"plugins": plugins}, password_cost=CHEAP) as kit:
            assert kit.credentials.verify("forum:secret", "secret").right is right
    with pytest.raises(Invalid) as refused:
        MailKit.open("memory:", settings={"plugins": ["fourm"]})
    assert refused.value.code == "plugins.unknown"
