"""Sealing: what opens and what does not, a wrong key, rotation through every crash."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import mailkit
from mailkit import MailKit
from mailkit.backup import backup_folder
from mailkit.clock import FixedClock
from mailkit.credentials.passwords import Cost
from mailkit.credentials.records import Otp, Secrets
from mailkit.credentials.tables import SECRETS
from mailkit.errors import Corrupt, MailKitError, Unavailable
from mailkit.jobs import Jobs, Later, Step
from mailkit.sealing import FileKeys, MemoryKeys, NoKeys, Sealing
from mailkit.sealing.box import Key, open_box, seal_box
from mailkit.sealing.rotate import ROTATE, rotation, schedule_rotation
from mailkit.storage.api import Store, Tx
from mailkit.storage.backends.lmdb import LmdbStore

KEY = Key(b"abcd", bytes(range(32)))
HOUR = 3_600_000


@given(st.binary(max_size=300), st.text(max_size=20), st.binary(min_size=12, max_size=12))
def test_what_is_sealed_opens_for_its_owner_only(plain: bytes, owner: str, nonce: bytes) -> None:
    sealed = seal_box(KEY, plain, owner=owner, nonce=nonce)
    assert open_box(KEY, sealed, owner=owner) == plain
    with pytest.raises(Corrupt):
        open_box(KEY, sealed, owner=owner + "x")


@given(st.data())
def test_one_changed_bit_is_noticed(data: st.DataObject) -> None:
    sealed = bytearray(seal_box(KEY, b"a seed", owner="otp:7", nonce=bytes(12)))
    at = data.draw(st.integers(0, len(sealed) * 8 - 1))
    sealed[at // 8] ^= 1 << at % 8
    with pytest.raises(Corrupt):
        open_box(KEY, bytes(sealed), owner="otp:7")


@pytest.mark.parametrize("sealed", [b"", b"\x01", b"\x02" + bytes(60)])
def test_what_was_never_sealed_is_no_value(sealed: bytes) -> None:
    with pytest.raises(Corrupt):
        open_box(KEY, sealed, owner="")


def test_the_file_is_the_owners_only_and_a_readable_one_is_refused(tmp_path: Path) -> None:
    keys = FileKeys(tmp_path / "secret.key")
    first = keys.first()
    assert (tmp_path / "secret.key").stat().st_mode & 0o777 == 0o600
    assert keys.first() == first == FileKeys(tmp_path / "secret.key").first()
    assert [path.name for path in tmp_path.iterdir()] == ["secret.key"]
    (tmp_path / "secret.key").chmod(0o640)
    with pytest.raises(Unavailable, match="chmod 600"):
        keys.load()


def test_a_damaged_file_is_no_empty_one(tmp_path: Path) -> None:
    keys = FileKeys(tmp_path / "secret.key")
    keys.first()
    (tmp_path / "secret.key").write_bytes(b"nonsense\n")
    with pytest.raises(Unavailable):
        keys.first()


def test_a_store_without_a_folder_says_what_is_missing(store: Store) -> None:
    sealing = Sealing(store, NoKeys())
    sealing.verify()
    with pytest.raises(Unavailable, match=r"sealing\.key_file"):
        store.transact(lambda tx: sealing.seal(tx, b"x", owner="a"))


def test_nothing_starts_with_a_wrong_or_missing_key(tmp_path: Path) -> None:
    where = tmp_path / "data"
    with MailKit.open(where) as kit:
        kit.transact(lambda tx: kit.sealing.named_key(tx, "any"))
    (where / "secret.key").rename(tmp_path / "kept")
    with pytest.raises(Unavailable, match=r"secret\.wrong"):
        MailKit.open(where)
    FileKeys(where / "secret.key").first()
    with pytest.raises(Unavailable, match=r"secret\.wrong"):
        MailKit.open(where)
    (tmp_path / "kept").rename(where / "secret.key")
    MailKit.open(where).close()


def test_a_key_with_the_right_name_and_other_bytes_is_a_wrong_key(store: Store) -> None:
    class Swapped(MemoryKeys):
        def load(self) -> dict[bytes, Key]:
            return {id: Key(id, bytes(32)) for id in super().load()}

    keys = Swapped()
    other = MemoryKeys()
    sealing = Sealing(store, other)
    store.transact(lambda tx: sealing.seal(tx, b"x", owner="a"))
    keys._keys = other._keys
    with pytest.raises(Unavailable, match=r"secret\.wrong"):
        Sealing(store, keys).verify()


def test_named_keys_are_made_once_and_kept_sealed(store: Store) -> None:
    sealing = Sealing(store, MemoryKeys())
    key = store.transact(lambda tx: sealing.named_key(tx, "a"))
    assert store.transact(lambda tx: sealing.named_key(tx, "a")) == key
    assert store.transact(lambda tx: sealing.named_key(tx, "b")) != key
    with store.snapshot() as tx:
        assert all(key not in value for _, value in tx.scan(b"\0", b"\xff"))
        assert sealing.find_named_key(tx, "c") is None


class Held:
    """Sealed values in rows of a test's own, as a package keeps them."""

    def __init__(self, sealing: Sealing, count: int) -> None:
        self.sealing = sealing
        self.rows: dict[bytes, bytes] = {}

        def fill(tx: Tx) -> None:
            for at in range(count):
                tx.put(b"\x7e%04d" % at, sealing.seal(tx, b"plain %d" % at, owner=f"row:{at}"))

        sealing.store.transact(fill)

    def walk(self, tx: Tx, after: bytes) -> tuple[int, bytes | None]:
        rows = list(tx.scan(after + b"\0" if after else b"\x7e", b"\x7f", limit=10))
        for key, value in rows:
            sealed = self.sealing.reseal(tx, value, owner=f"row:{int(key[1:])}")
            if sealed is not None:
                tx.put(key, sealed)
        return len(rows), rows[-1][0] if len(rows) == 10 else None

    def check(self, sealing: Sealing) -> set[bytes]:
        with sealing.store.snapshot() as tx:
            for key, value in tx.scan(b"\x7e", b"\x7f"):
                at = int(key[1:])
                assert sealing.unseal(value, owner=f"row:{at}") == b"plain %d" % at
            return {value[1:5] for _, value in tx.scan(b"\x7e", b"\x7f")}


@pytest.fixture
def keys(tmp_path: Path) -> FileKeys:
    return FileKeys(tmp_path / "secret.key")


def test_rotation_brings_everything_under_the_new_key_and_drops_the_old(store: Store, keys: FileKeys) -> None:
    clock = FixedClock()
    sealing = Sealing(store, keys)
    held = Held(sealing, 25)
    named = store.transact(lambda tx: sealing.named_key(tx, "oauth"))
    (old,) = held.check(sealing)
    jobs = Jobs(store, clock=clock)
    jobs.register(ROTATE, rotation(sealing, [("test", held.walk)]))
    assert schedule_rotation(jobs, sealing, now=clock()) == schedule_rotation(jobs, sealing, now=clock())
    jobs.run_due()
    assert held.check(sealing) != {old}
    assert len(held.check(sealing)) == 1
    assert old in keys.load(), "a backup under way may need it"
    clock.advance(ms=HOUR)
    jobs.run_due()
    assert old not in keys.load()
    later = Sealing(store, keys)
    later.verify()
    held.check(later)
    assert store.transact(lambda tx: later.named_key(tx, "oauth")) == named


def test_another_process_seals_under_the_new_key_at_once(store: Store, keys: FileKeys) -> None:
    ours, theirs = Sealing(store, keys), Sealing(store, keys)
    before = store.transact(lambda tx: theirs.seal(tx, b"x", owner="a"))
    key = ours.new_key()
    store.transact(lambda tx: ours.begin(key, tx))
    after = store.transact(lambda tx: theirs.seal(tx, b"x", owner="a"))
    assert before[1:5] != after[1:5] == key.id
    assert ours.unseal(before, owner="a") == ours.unseal(after, owner="a") == b"x"


class Died(Exception):
    pass


@pytest.mark.parametrize("dies_after", range(1, 9))
def test_rotation_goes_on_where_a_process_died(store: Store, keys: FileKeys, dies_after: int) -> None:
    clock = FixedClock()
    held = Held(Sealing(store, keys), 25)
    jobs = Jobs(store, clock=clock)
    schedule_rotation(jobs, held.sealing, now=clock())
    commits = iter(range(1000))

    def dying(step: Step) -> Later | None:
        real = step.transact

        def transact(fn: object) -> object:
            if next(commits) >= dies_after:
                raise Died
            return real(fn)  # type: ignore[arg-type]

        step.transact = transact  # type: ignore[method-assign, assignment]
        return rotation(held.sealing, [("test", held.walk)])(step)

    jobs.register(ROTATE, dying)
    jobs.run_due()
    held.check(Sealing(store, keys))
    again = Jobs(store, clock=clock)
    fresh = Sealing(store, keys)
    held.sealing = fresh
    again.register(ROTATE, rotation(fresh, [("test", held.walk)]))
    for _ in range(4):
        clock.advance(ms=2 * HOUR)
        again.run_due()
    final = Sealing(store, keys)
    final.verify()
    assert len(held.check(final)) == 1
    with store.snapshot() as tx:
        assert final.others(tx) == []


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    return tmp_path / "data"


def test_seeds_of_accounts_survive_a_rotation(folder: Path) -> None:
    clock = FixedClock()
    with MailKit.open(folder, clock=clock, password_cost=Cost(memory=8, passes=1)) as kit:
        alice = kit.accounts.create("alice", address="alice@example.org", password="x")
        seed = kit.two_factor.setup_totp(alice.id, issuer="test")
        from mailkit.accounts.by import By
        from mailkit.credentials.totp import code_at

        kit.two_factor.enable_totp(alice.id, code_at(seed, clock() // 30_000), by=By())
        schedule_rotation(kit.jobs, kit.sealing, now=clock())
        for _ in range(3):
            kit.run_due()
            clock.advance(ms=2 * HOUR)
        assert kit.secrets.shown(alice.number) == ("otpauth://totp/alice",)
    with MailKit.open(folder, clock=clock) as kit:
        kit.two_factor.check_totp(alice.id, code_at(seed, clock() // 30_000), by=By())
        with pytest.raises(MailKitError):
            kit.two_factor.check_totp(alice.id, code_at(seed, clock() // 30_000), by=By())


# real processes, really killed

KILLED = """
import os, signal, sys
from mailkit.jobs import Step

commits, real, wanted = [], Step.transact, int(sys.argv[2])

def transact(self, fn):
    if len(commits) == wanted:
        os.kill(os.getpid(), signal.SIGKILL)
    commits.append(1)
    return real(self, fn)

Step.transact = transact
from mailkit.cli import main as command
sys.argv = ["mailkit", "key", "rotate", "--data", sys.argv[1]]
command()
"""


def plant_seeds(kit: MailKit, count: int) -> None:
    def plant(tx: Tx) -> None:
        for number in range(1000, 1000 + count):
            sealed = kit.sealing.seal(tx, b"otpauth://totp/x?secret=AAAAAAAAAAAAAAAA", owner=f"otp:{number}")
            SECRETS.put(tx, Secrets(otp=(Otp(id=b"1234", label="x", sealed=sealed),)), number)

    kit.transact(plant)


def lie_under(kit: MailKit) -> set[bytes]:
    """The keys that seeds lie under; all of them open."""
    with kit.store.snapshot() as tx:
        rows = [(parts[0], row) for parts, row in SECRETS.scan(tx)]
    for number, row in rows:
        kit.access.unseal(number, row)
    return {row.otp[0].sealed[1:5] for _, row in rows}


@pytest.mark.parametrize("commits", range(5))
def test_a_killed_rotation_starts_everywhere_and_is_resumed(folder: Path, commits: int) -> None:
    """SIGKILL before the new key is named by the store, and between the steps that bring seeds under it."""
    with MailKit.open(folder) as kit:
        plant_seeds(kit, 1200)
        (old,) = lie_under(kit)
        start = kit.clock()
    source = str(Path(mailkit.__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(folder), str(commits)],
        env={**os.environ, "PYTHONPATH": source},
        capture_output=True,
    )
    assert done.returncode == -signal.SIGKILL, done
    clock = FixedClock(start)
    with MailKit.open(folder, clock=clock) as kit:
        assert lie_under(kit), "every seed opens at every moment"
        assert len(lie_under(kit)) == (2 if commits in (2, 3) else 1)
        for _ in range(4):
            clock.advance(ms=2 * HOUR)
            kit.run_due()
        (new,) = lie_under(kit)
        with kit.store.snapshot() as tx:
            assert kit.sealing.others(tx) == []
        assert new != old
        assert old not in FileKeys(folder / "secret.key").load()
    with MailKit.open(folder) as kit:
        assert lie_under(kit) == {new}


@pytest.mark.parametrize("moment", ["before the store is copied", "after"])
def test_a_backup_opens_whatever_a_rotation_does_meanwhile(
    folder: Path, tmp_path: Path, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = FixedClock()
    with MailKit.open(folder, clock=clock) as kit:
        plant_seeds(kit, 10)

        def rotate() -> None:
            schedule_rotation(kit.jobs, kit.sealing, now=clock())
            for _ in range(3):  # to its end: the old key is gone from the file
                kit.run_due()
                clock.advance(ms=2 * HOUR)

        real = LmdbStore.copy_to

        def copy_to(store: LmdbStore, target: Path) -> None:
            if moment != "after":
                rotate()
            real(store, target)
            if moment == "after":
                rotate()

        monkeypatch.setattr(LmdbStore, "copy_to", copy_to)
        backup_folder(kit, folder, tmp_path / "copy")
    with MailKit.open(tmp_path / "copy") as kit:
        assert len(lie_under(kit)) == 1


def test_a_backup_that_would_not_open_is_none(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with MailKit.open(folder) as kit:
        plant_seeds(kit, 1)
        FileKeys(folder / "secret.key").put({b"abcd": KEY})
        with pytest.raises(Unavailable) as refused:
            backup_folder(kit, folder, tmp_path / "copy")
    assert refused.value.code == "secret.wrong"
