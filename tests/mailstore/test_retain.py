"""The decisions about what is kept, each a pure function."""

from hypothesis import given
from hypothesis import strategies as st

from mailkit.ids import Id
from mailkit.mailstore.archive_match import Wanted, matches_facts, matches_text
from mailkit.mailstore.content_hash import content_hash
from mailkit.mailstore.dispose import Archive, Destroy, dispose, most_bytes
from mailkit.mailstore.held import covering, ended
from mailkit.mailstore.records import Archived, BlobRef, Correspondent, Hold, Message
from mailkit.mailstore.restore_plan import Tally
from mailkit.mailstore.retain import Kept, retain_archived, retain_live

A, B = Id(b"a" * 12), Id(b"b" * 12)
DAY = 86_400_000


def hold(until: int | None = None, mailbox: Id | None = None) -> Hold:
    return Hold(id=A, account=1, mailbox=mailbox, reason="inquiry", by="legal", at=0, until=until)


def live(
    expires: int = 0,
    *,
    chosen: bool = False,
    draft: bool = False,
    mailbox: int = 0,
    account: int = 0,
    holds: tuple[Hold, ...] = (),
    ends: int | None = None,
) -> Kept:
    return retain_live(
        expires=expires,
        chosen=chosen,
        draft=draft,
        mailbox_retention=mailbox,
        account_retention=account,
        keep=25 * DAY,
        holds=holds,
        account_ends=ends,
    )


def test_a_message_that_nothing_ends_is_kept_for_ever() -> None:
    assert live() == Kept(None, None, ())


def test_the_reason_says_who_set_the_end() -> None:
    for kept, word in (
        (live(9 * DAY, chosen=True, mailbox=30 * DAY), "message.expiry"),
        (live(9 * DAY, mailbox=30 * DAY), "mailbox.retention"),
        (live(9 * DAY, mailbox=30 * DAY, account=30 * DAY), "account.retention"),
    ):
        assert [reason.word for reason in kept.reasons] == [word]
        assert (kept.until, kept.gone) == (9 * DAY, 34 * DAY)
    assert live(9 * DAY, draft=True).gone == 9 * DAY


def test_a_deleted_account_ends_its_mail_and_its_archive() -> None:
    assert (live(ends=5).until, live(ends=5).gone) == (5, 5)
    assert (live(9, ends=20 * DAY).until, live(9, ends=20 * DAY).gone) == (9, 20 * DAY)
    assert retain_archived(until=9, holds=(), account_ends=5).gone == 5


def test_a_hold_puts_everything_off() -> None:
    assert live(9, holds=(hold(),), ends=5).until is None
    assert live(9, holds=(hold(),), ends=5).gone is None
    assert live(9, holds=(hold(50),)).until == 50
    assert retain_archived(until=9, holds=(hold(50), hold(40)), account_ends=5).gone == 50
    assert retain_archived(until=90, holds=(hold(50),), account_ends=None).gone == 90


TIMES = st.one_of(st.none(), st.integers(1, 100 * DAY))
HOLDS = st.lists(TIMES.map(hold), max_size=3).map(tuple)


@given(expires=st.integers(0, 100 * DAY), ends=TIMES, holds=HOLDS, draft=st.booleans())
def test_no_message_goes_before_a_hold_ends_nor_later_than_the_archive_allows(
    expires: int, ends: int | None, holds: tuple[Hold, ...], draft: bool
) -> None:
    kept = live(expires, draft=draft, holds=holds, ends=ends)
    for one in holds:
        assert kept.until is None or (one.until is not None and kept.until >= one.until)
    assert len(kept.reasons) == bool(expires) + (ends is not None) + len(holds)
    if kept.until is None:
        assert kept.gone is None
        assert any(one.until is None for one in holds) or (not expires and ends is None)
    else:
        assert kept.gone is not None
        assert kept.until <= kept.gone <= kept.until + 25 * DAY


def test_what_goes_to_the_archive_and_what_for_good() -> None:
    plain = {"draft": False, "skip": False, "keep": 25, "held": False, "now": 100}
    assert isinstance(dispose(**plain), Archive)  # type: ignore[arg-type]
    for change in ({"draft": True}, {"skip": True}, {"keep": 0}):
        assert isinstance(dispose(**{**plain, **change}), Destroy)  # type: ignore[arg-type]
        kept = dispose(**{**plain, **change, "held": True})  # type: ignore[arg-type]
        assert isinstance(kept, Archive)


def test_an_archive_may_have_as_much_as_the_quota_and_a_gibibyte_in_any_case() -> None:
    assert most_bytes(None) is None
    assert most_bytes(0) == 1 << 30
    assert most_bytes(5 << 30) == 5 << 30


def test_a_hold_covers_its_mailbox_or_the_account_until_it_ends() -> None:
    everything, one, over = hold(), hold(mailbox=A), hold(until=10)
    assert covering((everything, one, over), A, 10) == (everything, one)
    assert covering((everything, one, over), B, 9) == (everything, over)
    assert covering((one,), None, 9) == ()
    assert ended(over, 10)
    assert not ended(over, 9)
    assert not ended(everything, 1 << 60)


@given(sizes=st.lists(st.integers(0, 50), max_size=20), room=st.one_of(st.none(), st.integers(0, 300)))
def test_a_plan_takes_each_message_that_fits_and_loses_none(sizes: list[int], room: int | None) -> None:
    tally, left = Tally(), room
    for size in sizes:
        fits = tally.fits(size, room)
        assert fits == (left is None or size <= left)
        if fits and left is not None:
            left -= size
        tally = tally.with_one(size, fits=fits)
    assert tally.messages + tally.refused == len(sizes)
    assert tally.bytes + tally.refused_bytes == sum(sizes)
    assert room is None or tally.bytes <= room


def message(*segments: bytes | BlobRef, subject: str = "") -> Message:
    people = (Correspondent("Bob Straße", "bob@example.net"),)
    return Message(id=A, size=1, idate=0, segments=segments, thread=A, subject=subject, from_=people)


def test_the_content_hash_is_of_all_bytes_and_where_they_lie() -> None:
    blob = BlobRef(b"d" * 32, 3)
    assert content_hash(message(b"ab", blob)) == content_hash(message(b"ab", blob, subject="other"))
    others = [message(b"ab"), message(b"a", b"b"), message(b"ab", blob), message(blob, b"ab"), message()]
    assert len({content_hash(row) for row in others}) == len(others)


def test_a_search_in_the_archive_wants_all_that_is_given() -> None:
    row = message(subject="The Plan")
    old = Archived(
        account=1, id=A, mailbox=A, path="Work", uid=1, size=1, deleted=50, until=90, cause="removed", hash=b""
    )
    for wanted in (
        Wanted(),
        Wanted(sender="STRASSE", subject="plan"),
        Wanted(sender="bob@"),
        Wanted(mailbox=A, since=50, before=51),
        Wanted(mailbox="Work"),
    ):
        assert matches_facts(old, row, wanted), wanted
    for wanted in (
        Wanted(sender="carol", subject="plan"),
        Wanted(subject="plans"),
        Wanted(mailbox=B),
        Wanted(mailbox="work"),
        Wanted(since=51),
        Wanted(before=50),
    ):
        assert not matches_facts(old, row, wanted), wanted
    assert matches_text(row, "see BELOW", Wanted(text="below"))
    assert matches_text(row, "", Wanted(text="plan"))
    assert matches_text(row, "", Wanted(text="straße"))
    assert not matches_text(row, "see", Wanted(text="below"))
