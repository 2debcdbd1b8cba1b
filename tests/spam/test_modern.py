"""Mail of the 2020s: what its forms become, and that the filter copes with kinds it has seen a little of."""

from base64 import b64encode

import pytest
from tests.spam.modern import KINDS, is_spam, message

from mailkit.spam import families as f
from mailkit.spam.features import features_of
from mailkit.spam.message_key import message_key
from mailkit.spam.model import Model
from mailkit.spam.reading import features_of_messages
from mailkit.spam.tokens import Tokens, read
from mailkit.spam.verdict import judge

PAGE = b"Content-Type: text/html; charset=utf-8\n\n"


def family(raw: bytes, number: int) -> set[bytes]:
    return set(read(raw).families[number])


def body(tokens: Tokens) -> list[bytes]:
    return tokens.families[f.BODY][: tokens.body_words]


def test_made_up_mail_is_the_same_every_time_and_no_two_are_the_same() -> None:
    every = [message(kind, number) for kind in KINDS for number in range(12)]
    assert every == [message(kind, number) for kind in KINDS for number in range(12)]
    assert len(set(every)) == len(every) > 400
    assert sum(map(is_spam, KINDS)) * 2 == len(KINDS)


def test_two_messages_of_each_kind_are_enough_to_tell_the_others() -> None:
    model = Model()
    for spam in (True, False):
        made = [message(kind, number) for kind in KINDS if is_spam(kind) is spam for number in range(2)]
        keys = map(message_key, made)
        model.learn_many([(key, one, spam) for key, one in zip(keys, features_of_messages(made), strict=True)])
    model.settle()
    rest = [(kind, number) for kind in KINDS for number in range(2, 8)]
    scores = model.score_many(features_of_messages([message(*one) for one in rest]))
    verdicts = [(kind, judge(model, score).verdict) for (kind, _), score in zip(rest, scores, strict=True)]
    assert not [kind for kind, verdict in verdicts if verdict == "spam" and not is_spam(kind)]
    assert sum(verdict == "ham" and is_spam(kind) for kind, verdict in verdicts) < 5
    assert sum(verdict == ("spam" if is_spam(kind) else "ham") for kind, verdict in verdicts) > 0.85 * len(rest)


# links


def test_a_link_without_a_scheme_is_a_link() -> None:
    raw = PAGE + b"<a href=\"//cdn.evil.example/pay\">x</a><img src='//img.evil.example/a.png'>"
    assert {b"cdn.evil.example", b"/pay", b"img.evil.example"} <= family(raw, f.URL)


def test_what_a_link_says_is_not_where_it_leads() -> None:
    raw = PAGE + b'<a href="https://evil.example/x">https://www.bank.example/account</a>'
    found = family(raw, f.URL)
    assert b"evil.example" in found
    assert b"www.bank.example" not in found


def test_keys_in_links_are_one_and_words_stay() -> None:
    first = b"\nhttps://click.shop.example/f/a/k3Jd8Ksl2kdjfhSS/order?utm_source=news&id=48817265541\n"
    second = first.replace(b"k3Jd8Ksl2kdjfhSS", b"9sKK2mmdkkfhA71x").replace(b"48817265541", b"77162519827")
    assert family(first, f.URL) == family(second, f.URL) >= {b"/key", b"/order", b"/utm"}


@pytest.mark.parametrize("host", ["xn--pypal-4ve.example", "аррlе.example", "www.пример.example"])
def test_a_host_in_another_script_is_told(host: str) -> None:
    assert b"host in another script" in family(f"\nsee https://{host}/login now\n".encode(), f.URL)


def test_words_right_behind_a_link_are_not_its_host() -> None:
    found = family("\n请打开https://www.bank.example查看详情\nhttps://a.example/xy立即\n".encode(), f.URL)
    assert {b"www.bank.example", b"a.example", b"/xy"} <= found
    assert b"host in another script" not in found


@pytest.mark.parametrize(("host", "says"), [("shop.example", "all"), ("evil.test", "none")])
def test_links_that_lead_to_the_senders_own_hosts_are_told(host: str, says: str) -> None:
    raw = f"From: Shop <news@mail.shop.example>\n\nhttps://www.{host}/a https://img.{host}/b\n".encode()
    assert f"links home {says}".encode() in family(raw, f.SHAPE)
    mixed = raw + b"https://other.test/\n"
    assert (b"links home some" in family(mixed, f.SHAPE)) is (says == "all")


# text


def test_a_picture_inside_the_page_leaves_room_for_its_text() -> None:
    picture = b64encode(b"\x89PNG" + bytes(90_000))
    raw = PAGE + b'<img src="data:image/png;base64,' + picture + b'"><p>verify your wallet</p>'
    assert body(read(raw)) == [b"verify", b"your", b"wallet"]
    assert b"data:image" in family(raw, f.HTML)


def test_the_end_of_a_long_text_is_read_too() -> None:
    words = [b"word%d" % n for n in range(9000)]
    for head in (b"Subject: x\n\n", PAGE):
        found = body(read(head + b" ".join(words)))
        assert found[0] == b"word0"
        assert found[-1] == b"word8999"
        assert len(found) <= 2_500


def test_the_page_is_read_before_what_stands_beside_it() -> None:
    raw = (
        b"Content-Type: multipart/alternative; boundary=b\n\n--b\nContent-Type: text/plain\n\n"
        + b"harmless " * 5_000
        + b"\n--b\nContent-Type: text/html\n\n<p>buy pills</p>\n--b--\n"
    )
    assert body(read(raw))[:3] == [b"buy", b"pills", b"harmless"]


def beside(page: bytes, *others: bytes) -> bytes:
    parts = b"".join(b"--b\n" + part + b"\n" for part in (*others, page))
    return b'Content-Type: multipart/alternative; boundary="b"\n\n' + parts + b"--b--\n"


def test_an_attached_page_hides_nothing() -> None:
    page = b"Content-Type: text/html\nContent-Disposition: attachment\n\n<p>invoice</p>"
    assert len(body(read(beside(page, b"\n" + b"buy pills " * 400)))) == 800


def test_an_invitation_beside_a_page_is_read_like_it() -> None:
    event = b"BEGIN:VCALENDAR\nX-LONG:" + b"x" * 4_000 + b"\nSUMMARY:you won\nEND:VCALENDAR"
    raw = beside(b"Content-Type: text/html\n\n<p>see below</p>", b"Content-Type: text/calendar\n\n" + event)
    assert set(body(read(raw))) == {b"see", b"below", b"you", b"won"}


def test_links_beside_a_page_are_not_those_of_the_message() -> None:
    raw = beside(b'Content-Type: text/html\n\n<a href="https://evil.example/x">x</a>', b"\nhttps://good.example/y")
    assert {b"evil.example"} <= family(raw, f.URL)
    assert b"good.example" not in family(raw, f.URL)


@pytest.mark.parametrize(
    "style",
    [
        "display:none",
        "DISPLAY : none",
        "visibility:hidden",
        "font-size:0px",
        "font-size: 1px",
        "opacity:0",
        "mso-hide:all",
    ],
)
def test_hidden_text_comes_last_and_is_told(style: str) -> None:
    raw = PAGE + f'<div style="{style};x:y">minutes <div>of the</div> meeting</div><p>buy pills</p>'.encode()
    assert body(read(raw)) == [b"buy", b"pills", b"minutes", b"of", b"the", b"meeting"]
    assert any(mark.endswith(b" hides") for mark in family(raw, f.HTML))


@pytest.mark.parametrize(
    "style", ["font-size:0.9em", "font-size:10px", "opacity:0.8", "max-height:0.5em", "display:block"]
)
def test_small_and_faint_text_is_not_hidden(style: str) -> None:
    raw = PAGE + f'<p style="{style}">first</p><p>second</p>'.encode()
    assert body(read(raw)) == [b"first", b"second"]
    assert not any(mark.endswith(b" hides") for mark in family(raw, f.HTML))


def test_a_hidden_element_that_never_ends_hides_nothing() -> None:
    assert body(read(PAGE + b'<div style="display:none"><p>buy pills</p>')) == [b"buy", b"pills"]


def test_of_an_event_what_a_person_reads_is_text() -> None:
    event = (
        "BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nDTSTART:20250320T100000Z\r\nUID:a1b2c3@x\r\n"
        "SUMMARY;LANGUAGE=en:You won\r\nDESCRIPTION:Claim your\r\n  prize\r\nLOCATION:Room 4\r\nEND:VEVENT\r\n"
    )
    for coded, head in ((event.encode(), b""), (b64encode(event.encode()), b"Content-Transfer-Encoding: base64\n")):
        raw = b"Content-Type: text/calendar; charset=utf-8; method=REQUEST\n" + head + b"\n" + coded
        assert body(read(raw)) == [b"you", b"won", b"claim", b"your", b"prize", b"room", b"4"]
        assert b"calendar request" in family(raw, f.CONTENT_TYPE)
        assert not family(raw, f.CAPITALS)


@pytest.mark.parametrize(
    ("text", "word"), [("jetzt 500€ sichern", "500€"), ("£250 off", "£250"), ("₿2 free", "₿2"), ("￥99", "¥99")]
)
def test_signs_of_currencies_stay_with_their_numbers(text: str, word: str) -> None:
    assert word.encode() in body(read(f"\n{text}\n".encode()))


@pytest.mark.parametrize("word", ["ВUY", "viаgrа", "оffеr", "Тrust", "Ροker"])
def test_words_mixed_of_scripts_are_read_as_what_they_look_like(word: str) -> None:
    found = body(read(f"\n{word}\n".encode()))
    assert found[0].isascii()
    assert found[1] == b"*look-alike*"


# headers and parts


@pytest.mark.parametrize("number", range(3))
def test_random_identifiers_have_one_pattern(number: int) -> None:
    def pattern(of: int) -> set[bytes]:
        return {mark for mark in family(message("order", of), f.MESSAGE_ID) if mark.startswith(b"pattern")}

    assert pattern(number) == pattern(number + 7)


def test_a_message_id_that_the_receiver_wrote_is_none() -> None:
    for given in (
        "63e8eea5.a70a0220.SMTPIN_ADDED_MISSING@mx.google.com",
        "0bcd@BN1.eop-nam02.prod.protection.outlook.com",
    ):
        raw = f"From: a@b.example\nMessage-ID: <{given}>\n\nx\n".encode()
        assert b"no message-id" in family(raw, f.SHAPE)
        assert not family(raw, f.MESSAGE_ID)


@pytest.mark.parametrize(
    "field",
    [
        "X-MS-Exchange-Organization-SCL",
        "X-MS-PublicTrafficType",
        "X-IncomingTopHeaderMarker",
        "X-EOPTenantAttributedMessage",
        *("X-SID-Result", "X-Message-Info", "X-Microsoft-Antispam", "X-Sender-IP", "X-Spam-Score", "X-GMX-Antispam"),
    ],
)
def test_what_large_providers_add_on_receipt_is_left_out(field: str) -> None:
    raw = message("answer", 3)
    assert features_of(read(field.encode() + b": PASS 7\n" + raw)).pack() == features_of(read(raw)).pack()


@pytest.mark.parametrize("prefix", ["Re", "AW", "RV", "回复", "答复", "Odp", "TR"])
def test_answers_are_answers_in_every_language(prefix: str) -> None:
    marks = family(f"Subject: {prefix}: lunch\n\nx\n".encode(), f.SHAPE)
    assert f"subject {prefix.lower()}:".encode() in marks


@pytest.mark.parametrize("name", ["invoice.pdf.exe", "scan.jpg.lnk", "=?utf-8?b?bW9uZXkuZG9jeC5pc28=?="])
def test_a_file_with_two_endings_is_told(name: str) -> None:
    raw = f'Content-Type: application/octet-stream; name="{name}"\n\nx\n'.encode()
    assert b"file with two endings" in family(raw, f.CONTENT_TYPE)
    assert (
        b"file with two endings"
        not in family(raw.replace(b".pdf.exe", b".exe").replace(b".jpg.", b"."), f.CONTENT_TYPE)
        or "=?" in name
    )


# what no template should ever do


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_read_whole(kind: str) -> None:
    for number in range(4):
        tokens = read(message(kind, number))
        assert tokens.families[f.FROM]
        assert tokens.body_words or kind in ("dmarc_report", "picture")
        assert all(token for family in tokens.families for token in family)
