# ruff: noqa: E501  (made-up mail reads better in whole lines)
"""The kinds of ham."""

import gzip
import io
import zipfile
from collections.abc import Callable
from html import escape

from tests.spam.modern.frame import ME, Pick, attachment, join, machine, page, person, text_part, token
from tests.spam.modern.talk import DAILY

__all__ = ["HAM"]

_SHOPS = (
    "Buchhandlung Lindner",
    "Nordic Outdoor",
    "Green Grocer",
    "Casa Verde",
    "Papeterie Moreau",
    "Tokyo Ceramics",
    "City Bikes",
)
_TOPICS = [
    "gardens in spring",
    "a slow cooker for two",
    "how bridges are tested",
    "the new reading room",
    "our summer timetable",
    "repairing old radios",
    "a walk along the river",
    "winter tyres",
    "bread with little yeast",
    "the history of maps",
    "choosing a first telescope",
    "rain barrels",
]


def _talk(pick: Pick, language: str, most: int = 6) -> str:
    sentences = DAILY[language].split("|")
    return " ".join(pick.sample(sentences, min(pick.randint(2, most), len(sentences))))


def _language(pick: Pick) -> str:
    return pick.choice((*DAILY, "en", "en", "en", "de"))


def _slug(name: str) -> str:
    return name.lower().replace(" ", "-")


def note(number: int) -> bytes:
    """A few lines from somebody, as plain text."""
    pick = Pick("note", number)
    text = _talk(pick, _language(pick)) + "\n"
    return person(pick, text.split(".")[0][:40], text_part(text, coding=pick.choice(("", "base64"))))


def answer(number: int) -> bytes:
    """An answer with a page and a quotation below."""
    pick = Pick("answer", number)
    language = _language(pick)
    text, old = _talk(pick, language), _talk(pick, language)
    quoted = "\n".join("> " + line for line in old.split(". "))
    plain = text_part(f"{text}\n\nOn Mon, Robin wrote:\n{quoted}\n")
    html = text_part(
        f'<div dir="auto">{escape(text)}</div><br><div class="gmail_quote"><blockquote style="margin:0 0 0 .8ex;border-left:1px '
        f'#ccc solid;padding-left:1ex">{escape(old)}</blockquote></div>',
        "html",
    )
    return person(pick, old.split(".")[0][:40], join(pick, "alternative", [plain, html]), reply=True)


def short_link(number: int) -> bytes:
    """One line and a link, between friends."""
    pick = Pick("short_link", number)
    link = pick.choice(
        (
            f"https://www.youtube.com/watch?v={token(pick, 11)}&t={pick.randint(1, 400)}s",
            f"https://maps.app.goo.gl/{token(pick, 17)}",
            f"https://en.wikipedia.org/wiki/{pick.choice(_TOPICS).title().replace(' ', '_')}",
            f"https://docs.google.com/document/d/{token(pick, 44)}/edit?usp=sharing",
        )
    )
    language = _language(pick)
    return person(pick, _talk(pick, language, 2)[:30], text_part(f"{_talk(pick, language, 2)}\n{link}\n"))


def photos(number: int) -> bytes:
    """Pictures from a telephone, hardly a word."""
    pick = Pick("photos", number)
    files = [
        attachment(f"IMG_{pick.randint(1000, 9999)}.HEIC", "image/heic", pick.randbytes(400))
        for _ in range(pick.randint(1, 3))
    ]
    return person(
        pick,
        pick.choice(("", "Fotos", "IMG", "Holiday")),
        join(pick, "mixed", [text_part("Sent from my iPhone\n"), *files]),
    )


def newsletter(number: int) -> bytes:
    """A newsletter that was asked for: a long page of tables, tracked links, a way out."""
    pick = Pick("newsletter", number)
    shop = pick.choice(_SHOPS)
    site = f"{_slug(shop)}.example"
    topics = pick.sample(_TOPICS, 5)
    link = f"https://click.{site}/f/a/{token(pick, 22)}~~/{token(pick, 40)}~?utm_source=newsletter&utm_campaign=march"
    blocks = [
        f"<h2>{topic.capitalize()}</h2><p>This month we write about {topic}. {_talk(pick, 'en', 3)}</p>"
        f'<a href="{link}{at}">Read the article</a><img src="https://images.{site}/{token(pick)}.jpg" width="552" alt="{topic}">'
        for at, topic in enumerate(topics)
    ]
    foot = (
        f'You receive this because you subscribed at {site}. <a href="{link}u">Unsubscribe</a> or <a href="{link}p">change what you '
        f"get</a>. {shop}, Market Street 4."
    )
    html = page(pick, blocks, preheader=f"In this issue: {topics[0]} and {topics[1]}", foot=foot)
    html += f'<img src="https://click.{site}/q/{token(pick, 30)}" width="1" height="1" alt="">'
    plain = "\n\n".join(f"{topic.upper()}\n\nThis month we write about {topic}.\n{link}" for topic in topics)
    more = f"List-Unsubscribe: <https://click.{site}/u/{token(pick)}>\nFeedback-ID: {pick.randint(1, 99)}:{token(pick, 5)}:mc\n"
    return machine(
        pick,
        f"{shop} <news@{site}>",
        f"{topics[0].capitalize()}, and more",
        join(pick, "alternative", [text_part(plain), text_part(html, "html")]),
        more=more,
    )


def order(number: int) -> bytes:
    """A shop confirms an order."""
    pick = Pick("order", number)
    shop = pick.choice(_SHOPS)
    site = f"{_slug(shop)}.example"
    key = f"{pick.randint(100, 999)}-{pick.randint(10**6, 10**7)}"
    items = "".join(
        f"<tr><td>{pick.choice(_TOPICS)}</td><td>{pick.randint(1, 3)}</td><td>{pick.randint(5, 90)},{pick.randint(10, 99)} €</td></tr>"
        for _ in range(pick.randint(1, 4))
    )
    words = pick.choice(
        (
            ("Order confirmation", "Thank you for your order", "Your parcel leaves us tomorrow.", "View your order"),
            (
                "Bestellbestätigung",
                "Vielen Dank für Ihre Bestellung",
                "Ihr Paket geht morgen auf die Reise.",
                "Bestellung ansehen",
            ),
            ("Confirmation de commande", "Merci pour votre commande", "Votre colis part demain.", "Voir la commande"),
            ("ご注文の確認", "ご注文ありがとうございます", "商品は明日発送いたします。", "注文を見る"),
        )
    )
    html = page(
        pick,
        [f"<h1>{words[1]}, Robin</h1>", f"{words[2]} ({key})", f"<table>{items}</table>"],
        button=(words[3], f"https://www.{site}/account/orders/{key}"),
        preheader=words[2],
        foot=f"{shop} GmbH",
    )
    return machine(
        pick, f"{shop} <orders@{site}>", f"{words[0]} {key}", text_part(html, "html", pick.choice(("", "base64")))
    )


def code(number: int) -> bytes:
    """A code to log in with."""
    pick = Pick("code", number)
    service = pick.choice(("GitHub", "Dropbox", "Figma", "Notion", "Slack"))
    digits = token(pick, 6, "0123456789")
    words = pick.choice(
        (
            f"Your verification code is {digits}. It expires in 10 minutes. If you did not ask for it, you can ignore this message.",
            f"Ihr Bestätigungscode lautet {digits}. Er gilt 10 Minuten. Haben Sie ihn nicht angefordert, ignorieren Sie diese Nachricht.",
            f"Votre code de vérification est {digits}. Il expire dans 10 minutes.",
            f"您的验证码是 {digits},10 分钟内有效。如非本人操作,请忽略本邮件。",
        )
    )
    html = page(
        pick, [f"<p>{words}</p>", f'<p style="font-size:32px;letter-spacing:4px">{digits}</p>'], preheader=words[:60]
    )
    site = f"{service.lower()}.com"
    return machine(
        pick,
        f"{service} <noreply@{site}>",
        f"{digits} is your {service} code",
        join(pick, "alternative", [text_part(words), text_part(html, "html")]),
    )


def invitation(number: int) -> bytes:
    """An invitation to a meeting."""
    pick = Pick("invitation", number)
    title = pick.choice(
        ("Weekly sync", "Planung Q2", "1:1 Robin / Lena", "Design review", "Comité de pilotage", "定例会議")
    )
    start = f"202503{pick.randint(10, 28)}T{pick.randint(8, 16):02}0000Z"
    ics = (
        f"BEGIN:VCALENDAR\r\nPRODID:-//Google Inc//Google Calendar 70.9054//EN\r\nVERSION:2.0\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\n"
        f"DTSTART:{start}\r\nDTEND:{start}\r\nORGANIZER;CN=lena@studio.example:mailto:lena@studio.example\r\nUID:{token(pick, 26)}@google.com\r\n"
        f"ATTENDEE;CUTYPE=INDIVIDUAL;ROLE=REQ-PARTICIPANT;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:{ME}\r\n"
        f"DESCRIPTION:{_talk(pick, 'en', 2)}\\n\\nJoin: https://meet.google.com/{token(pick, 3).lower()}-{token(pick, 4).lower()}-abc\r\n"
        f"SUMMARY:{title}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )
    html = page(
        pick, [f"<h2>{title}</h2>", "Lena Schmidt invites you", "Reply for robin@home.example: Yes / No / Maybe"]
    )
    calendar = text_part(ics, "calendar", pick.choice(("", "base64"))).replace(
        b"text/calendar;", b"text/calendar; method=REQUEST;"
    )
    parts = [text_part(f"{title}\nLena Schmidt invites you.\n"), text_part(html, "html"), calendar]
    more = "Sender: Google Calendar <calendar-notification@google.com>\n"
    subject = f"Invitation: {title} @ Thu Mar 20, 2025 (robin@home.example)"
    return machine(
        pick,
        "Lena Schmidt <lena@studio.example>",
        subject,
        join(pick, "alternative", parts),
        more=more,
        signed="google.com",
    )


def listed(number: int) -> bytes:
    """A developers' mailing list."""
    pick = Pick("listed", number)
    thing = pick.choice(("parser", "scheduler", "allocator", "docs build", "TLS handshake", "test runner"))
    text = (
        f"On 3/{pick.randint(1, 28)}/25, Priya Nair wrote:\n> I see a regression in the {thing} since v{pick.randint(2, 6)}.{pick.randint(0, 9)}.\n> "
        f"Bisecting points at {token(pick, 10, '0123456789abcdef')}.\n\nReproduced here. The patch below restores the old order.\n\n"
        f"diff --git a/src/{thing.split()[0]}.c b/src/{thing.split()[0]}.c\n@@ -{pick.randint(10, 400)},7 +{pick.randint(10, 400)},9 @@\n-\treturn 0;\n"
        f"+\tif (!ctx)\n+\t\treturn -EINVAL;\n+\treturn 0;\n\n{_talk(pick, 'en', 3)}\n_______________________________________________\n"
        f"devel mailing list -- devel@lists.project.example\nTo unsubscribe send an email to devel-leave@lists.project.example\n"
    )
    body = text_part(text)
    return person(pick, f"[PATCH] {thing}: check the context first", body, reply=True, to="devel@lists.project.example")


def forge(number: int) -> bytes:
    """A forge tells of a comment."""
    pick = Pick("forge", number)
    issue = pick.randint(100, 9000)
    repo = pick.choice(("acme/parser", "studio/site", "uni/thesis", "tools/cli"))
    comment = _talk(pick, "en", 4)
    url = f"https://github.com/{repo}/pull/{issue}#issuecomment-{pick.randint(10**9, 2 * 10**9)}"
    plain = f"{comment}\n\n-- \nReply to this email directly or view it on GitHub:\n{url}\nYou are receiving this because you commented.\n"
    html = f'<p dir="auto">{comment}</p><p style="font-size:small;color:#666">Reply to this email directly, <a href="{url}">view it on GitHub</a>, or unsubscribe.</p>'
    more = f"X-GitHub-Sender: priya\nX-GitHub-Reason: comment\nList-ID: {repo} <{repo}.github.com>\n"
    return machine(
        pick,
        "Priya Nair <notifications@github.com>",
        f"Re: [{repo}] Check the context first (PR #{issue})",
        join(pick, "alternative", [text_part(plain), text_part(html, "html")]),
        more=more,
    )


def dmarc_report(number: int) -> bytes:
    """A DMARC aggregate report."""
    pick = Pick("dmarc_report", number)
    who = pick.choice(("google.com", "yahoo.example", "gmx.example", "mail.ru", "enterprise.protection.outlook.com"))
    xml = f"<feedback><report_metadata><org_name>{who}</org_name></report_metadata><record><row><count>{pick.randint(1, 99)}</count></row></record></feedback>"
    name = f"{who}!home.example!{pick.randint(1740000000, 1742000000)}!1742000000"
    if pick.random() < 0.5:
        file = attachment(f"{name}.xml.gz", "application/gzip", gzip.compress(xml.encode(), mtime=0))
    else:
        made = io.BytesIO()
        with zipfile.ZipFile(made, "w") as archive:
            archive.writestr(zipfile.ZipInfo(f"{name}.xml"), xml)
        file = attachment(f"{name}.zip", "application/zip", made.getvalue())
    subject = f"Report domain: home.example Submitter: {who} Report-ID: {token(pick, 20, '0123456789')}"
    text = text_part(f"This is a DMARC aggregate report for home.example generated by {who}.\n")
    body = pick.choice((file, join(pick, "mixed", [text, file])))
    return machine(pick, f"{who} <noreply-dmarc-support@{who}>", subject, body, to="dmarc@home.example")


def bounce(number: int) -> bytes:
    """A message could not be delivered."""
    pick = Pick("bounce", number)
    gone = f"{token(pick, 6).lower()}@{pick.choice(('web.de', 'uni.example', 'gmail.com'))}"
    text = (
        f"This is the mail system at host mx.home.example.\n\nI'm sorry to have to inform you that your message could not\nbe delivered to one or "
        f"more recipients. It's attached below.\n\n<{gone}>: host mx.{gone.partition('@')[2]}[192.0.2.7] said: 550 5.1.1 User unknown\n"
    )
    status = (
        f"Content-Type: message/delivery-status\n\nReporting-MTA: dns; mx.home.example\n\nFinal-Recipient: rfc822; {gone}\nAction: failed\n"
        f"Status: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 User unknown\n"
    )
    back = f"Content-Type: text/rfc822-headers\n\nFrom: Robin <{ME}>\nTo: {gone}\nSubject: {pick.choice(_TOPICS)}\n"
    body = join(pick, "report; report-type=delivery-status", [text_part(text), status.encode(), back.encode()])
    more = "Auto-Submitted: auto-replied\n"
    sender = "Mail Delivery System <MAILER-DAEMON@mx.home.example>"
    return machine(pick, sender, "Undelivered Mail Returned to Sender", body, signed=None, more=more)


def away(number: int) -> bytes:
    """An automatic answer."""
    pick = Pick("away", number)
    text = pick.choice(
        (
            "I am out of the office until 24 March with limited access to email. In urgent cases write to team@studio.example.",
            "Ich bin bis zum 24. März nicht im Büro. In dringenden Fällen wenden Sie sich bitte an team@studio.example.",
            "Je suis absente jusqu'au 24 mars. En cas d'urgence, écrivez à team@studio.example.",
            "Меня не будет в офисе до 24 марта. По срочным вопросам пишите на team@studio.example.",
        )
    )
    return person(
        pick,
        f"{pick.choice(('Automatic reply', 'Automatische Antwort'))}: {pick.choice(_TOPICS)}",
        text_part(text + "\n"),
    )


def forwarded(number: int) -> bytes:
    """A message passed on as an attachment."""
    pick = Pick("forwarded", number)
    inner = note(number + 5000)
    part = b"Content-Type: message/rfc822\nContent-Disposition: attachment\n\n" + inner
    return person(
        pick,
        f"Fwd: {pick.choice(_TOPICS)}",
        join(pick, "mixed", [text_part(_talk(pick, _language(pick), 3) + "\n"), part]),
    )


def invoice(number: int) -> bytes:
    """A supplier's invoice as PDF."""
    pick = Pick("invoice", number)
    key = f"RE-2025-{pick.randint(1000, 9999)}"
    text = pick.choice(
        (
            f"Sehr geehrte Damen und Herren,\n\nanbei erhalten Sie die Rechnung {key} für den Monat Februar.\n\nMit freundlichen Grüßen\n",
            f"Dear Robin,\n\nplease find attached invoice {key} for February as agreed. Payment is due within 30 days.\n\nKind regards\n",
            f"Bonjour,\n\nveuillez trouver ci-joint la facture {key} du mois de février.\n\nCordialement\n",
        )
    )
    pdf = attachment(f"{key}.pdf", "application/pdf", b"%PDF-1.7\n" + pick.randbytes(900))
    return person(
        pick, f"{pick.choice(('Rechnung', 'Invoice', 'Facture'))} {key}", join(pick, "mixed", [text_part(text), pdf])
    )


def alert(number: int) -> bytes:
    """A machine tells its owner something."""
    pick = Pick("alert", number)
    host = f"{pick.choice(('db', 'web', 'nas'))}{pick.randint(1, 9)}"
    text = f"[{host}] {pick.choice(('Disk usage', 'Load', 'Backup', 'Certificate'))} {pick.choice(('OK', 'WARNING', 'RECOVERED'))}\n\nvalue: {pick.randint(1, 99)}\nchecked: 2025-03-1{pick.randint(0, 9)}T04:00:00Z\n"
    return machine(pick, f"Monitoring <root@{host}.home.example>", text.splitlines()[0], text_part(text), signed=None)


def bank(number: int) -> bytes:
    """A bank that really is one: no link but its own, little said."""
    pick = Pick("bank", number)
    name, site = pick.choice(
        (
            ("Sparkasse Musterstadt", "sparkasse-musterstadt.example"),
            ("Harbour Bank", "harbourbank.example"),
            ("Banque du Lac", "banquedulac.example"),
        )
    )
    words = pick.choice(
        (
            "Your statement for February is ready. You find it in your mailbox in online banking. We never ask for passwords by email.",
            "Ihr Kontoauszug für Februar liegt in Ihrem elektronischen Postfach. Wir fragen niemals per E-Mail nach Ihrer PIN.",
            "Votre relevé de février est disponible dans votre espace client. Nous ne demandons jamais vos codes par courriel.",
        )
    )
    html = page(pick, [f"<p>{words}</p>"], preheader=words[:50], foot=f"{name} · {site}")
    return machine(pick, f"{name} <service@{site}>", words[:34], text_part(html, "html"))


def social(number: int) -> bytes:
    """A network sums up the week."""
    pick = Pick("social", number)
    link = f"https://www.linkedin.com/comm/feed/update/{token(pick, 19, '0123456789')}?midToken={token(pick, 20)}&trk=eml-{token(pick, 12)}"
    posts = [
        f'<img src="https://media.licdn.com/{token(pick)}.jpg" width="48"> <b>{name}</b> posted: {_talk(pick, "en", 2)} <a href="{link}">See post</a>'
        for name in ("Priya Nair", "Tom Baker")
    ]
    html = page(
        pick,
        posts,
        preheader="See what you missed",
        button=("See all", link),
        foot="You are receiving notification emails. Unsubscribe · Help",
    )
    return machine(
        pick, "LinkedIn <messages-noreply@linkedin.com>", "Priya Nair and others shared posts", text_part(html, "html")
    )


def school(number: int) -> bytes:
    """A circular to many, with a PDF."""
    pick = Pick("school", number)
    text = pick.choice(
        (
            "Dear parents,\n\nthe trip to the planetarium is on 27 March. Please sign the attached form and return it by Friday.\n",
            "Liebe Eltern,\n\nder Ausflug ins Planetarium findet am 27. März statt. Bitte geben Sie den Zettel bis Freitag zurück.\n",
            "Chers parents,\n\nla sortie au planétarium aura lieu le 27 mars. Merci de rendre le formulaire avant vendredi.\n",
        )
    )
    pdf = attachment("form.pdf", "application/pdf", b"%PDF-1.4\n" + pick.randbytes(300))
    return person(
        pick,
        "Class 4b: trip",
        join(pick, "mixed", [text_part(text, "plain", "base64"), pdf]),
        to=f"{ME}, kim@home.example, lee@home.example",
    )


HAM: dict[str, Callable[[int], bytes]] = {
    make.__name__: make
    for make in (
        *(note, answer, short_link, photos, newsletter, order, code, invitation, listed, forge, dmarc_report, bounce),
        *(away, forwarded, invoice, alert, bank, social, school),
    )
}
