# ruff: noqa: E501  (made-up mail reads better in whole lines)
"""The kinds of spam."""

import base64
from collections.abc import Callable
from html import escape

from tests.spam.modern.frame import ME, Pick, attachment, join, machine, page, program, text_part, token
from tests.spam.modern.talk import DAILY

__all__ = ["SPAM"]

_BRANDS = (
    "PayPal",
    "Microsoft 365",
    "DHL",
    "Netflix",
    "Amazon",
    "Apple",
    "Commerzbank",
    "La Poste",
    "Sberbank",
    "Rakuten",
    "McAfee",
)
_URGENT = {
    "en": (
        "Action required: your account is limited",
        "We noticed unusual activity and suspended your account. Verify your identity within 24 hours or lose access.",
        "Verify now",
    ),
    "de": (
        "Dringend: Ihr Konto wurde eingeschränkt",
        "Wir haben ungewöhnliche Aktivitäten festgestellt und Ihr Konto vorübergehend gesperrt. Bestätigen Sie Ihre Daten innerhalb von 24 Stunden.",
        "Jetzt bestätigen",
    ),
    "fr": (
        "Urgent : votre compte est suspendu",
        "Nous avons détecté une activité inhabituelle et suspendu votre compte. Confirmez vos informations sous 24 heures.",
        "Confirmer maintenant",
    ),
    "es": (
        "Urgente: su cuenta ha sido suspendida",
        "Hemos detectado actividad inusual y suspendido su cuenta. Verifique sus datos en 24 horas para evitar el cierre.",
        "Verificar ahora",
    ),
    "pt": (
        "Aviso: pendência no seu CPF",
        "Identificamos uma pendência e sua conta será bloqueada. Regularize seus dados em 24 horas para evitar o bloqueio.",
        "Regularizar agora",
    ),
    "ru": (
        "Срочно: ваш счёт заблокирован",
        "Мы обнаружили подозрительную активность и заблокировали ваш счёт. Подтвердите данные в течение 24 часов.",
        "Подтвердить",
    ),
    "zh": (
        "紧急通知:您的账户已被限制",
        "我们检测到异常活动,您的账户已被暂停。请在24小时内验证您的身份,否则账户将被永久关闭。",
        "立即验证",
    ),
    "ja": (
        "【重要】お客様のアカウントは制限されています",
        "不審なアクセスが確認されたため、アカウントを一時停止しました。24時間以内にお客様情報をご確認ください。",
        "今すぐ確認する",
    ),
    "th": (
        "ด่วน บัญชีของคุณถูกระงับ",
        "เราตรวจพบกิจกรรมที่ผิดปกติและระงับบัญชีของคุณ กรุณายืนยันตัวตนภายใน 24 ชั่วโมง มิฉะนั้นบัญชีจะถูกปิดถาวร",
        "ยืนยันทันที",
    ),
    "it": (
        "Urgente: il tuo conto è stato sospeso",
        "Abbiamo rilevato un'attività insolita e sospeso il tuo conto. Verifica i tuoi dati entro 24 ore.",
        "Verifica ora",
    ),
    "ar": (
        "عاجل: تم تعليق حسابك",
        "لاحظنا نشاطا غير معتاد وتم تعليق حسابك. يرجى تأكيد بياناتك خلال 24 ساعة لتجنب إغلاق الحساب نهائيا.",
        "تأكيد الآن",
    ),
    "ko": (
        "긴급: 계정이 제한되었습니다",
        "비정상적인 활동이 감지되어 계정이 일시 중지되었습니다. 24시간 이내에 본인 확인을 하지 않으면 계정이 영구 폐쇄됩니다.",
        "지금 확인",
    ),
}
_GOODS = [
    "lose 20 pounds in a month without diet",
    "double your bitcoin in 48 hours",
    "replica watches 90% off",
    "cheap meds without prescription",
    "the casino bonus of 500 free spins",
    "a loan of up to $50,000 with bad credit",
    "hot singles near you",
    "a miracle cure doctors hate",
    "solar panels at no cost",
    "an exclusive $90 reward from your favourite store",
    "life insurance for $1 a day",
    "guaranteed first place on Google",
]
_LOOK = str.maketrans("aeopcyxi", "аеорсухі")


def _bad_host(pick: Pick, brand: str = "") -> str:
    name = brand.lower().replace(" ", "") or pick.choice(("secure", "login", "offer", "deal", "win"))
    return f"{name}-{pick.choice(('verify', 'support', 'update', 'billing', 'bonus'))}{pick.randint(1, 99)}.{pick.choice(('test', 'invalid'))}"


def _anyone(pick: Pick) -> str:
    return f"{token(pick, 7).lower()}@{pick.choice(('bakery', 'clinic', 'soudal', 'hotelbeach'))}{pick.randint(1, 99)}.test"


def phishing(number: int) -> bytes:
    """A brand's page with one button, in many languages."""
    pick = Pick("phishing", number)
    brand = pick.choice(_BRANDS)
    subject, words, press = pick.choice(list(_URGENT.values()))
    url = f"https://{_bad_host(pick, brand)}/{token(pick, 8)}?e={base64.b64encode(ME.encode()).decode()}"
    html = page(
        pick,
        [f'<img src="https://{_bad_host(pick)}/logo.png" alt="{brand}">', f"<p>{words}</p>"],
        button=(press, url),
        foot=f"© 2025 {brand}. All rights reserved.",
    )
    return program(pick, f"{brand} <{_anyone(pick)}>", subject, text_part(html, "html", pick.choice(("", "base64"))))


def parcel(number: int) -> bytes:
    """A parcel waits for a small fee."""
    pick = Pick("parcel", number)
    words = pick.choice(
        (
            "Your parcel could not be delivered because of an unpaid customs fee (€1.99). Pay now to schedule delivery.",
            "Ihr Paket konnte nicht zugestellt werden. Bitte zahlen Sie die Zollgebühr von 1,99 €, um die Zustellung zu planen.",
            "Votre colis est en attente. Réglez les frais de 1,99 € pour programmer la livraison.",
            "您的包裹因未支付关税无法派送,请支付1.99欧元以安排派送。",
        )
    )
    html = page(
        pick,
        [f"<p>{words}</p>", f"<p>#{token(pick, 10, '0123456789')}</p>"],
        button=("OK", f"http://{_bad_host(pick, 'dhl')}/track"),
    )
    return program(
        pick, f"DHL Express <{_anyone(pick)}>", f"{words[:30]} #{pick.randint(1000, 9999)}", text_part(html, "html")
    )


def html_file(number: int) -> bytes:
    """A page as an attached file, or worse."""
    pick = Pick("html_file", number)
    name = pick.choice(
        (
            "Voicemail_0{0}.html",
            "Invoice_{0}.htm",
            "Scan_{0}.shtml",
            "DOC{0}.pdf.iso",
            "order{0}.pdf.lnk",
            "RFQ-{0}.zip",
            "PO {0}.img",
        )
    ).format(pick.randint(1000, 9999))
    text = pick.choice(
        (
            "You have received a secure document. Open the attached file to view.\n",
            "Please see attached and confirm payment today.\n",
            "Neue Sprachnachricht im Anhang.\n",
        )
    )
    kind = "text/html" if "htm" in name else "application/octet-stream"
    return program(
        pick,
        f"Scanner <{_anyone(pick)}>",
        f"New document {pick.randint(100, 999)}",
        join(
            pick,
            "mixed",
            [text_part(text), attachment(name, kind, b"<script>location='x'</script>" + pick.randbytes(60))],
        ),
    )


def picture(number: int) -> bytes:
    """Nothing but a picture that is a link."""
    pick = Pick("picture", number)
    url = f"https://{_bad_host(pick)}/c/{token(pick, 20)}"
    html = f'<html><body><center><a href="{url}"><img src="cid:pic1" border="0"></a></center></body></html>'
    parts = [
        text_part(html, "html"),
        attachment("image001.png", "image/png", b"\x89PNG\r\n" + pick.randbytes(700), inline="pic1"),
    ]
    return program(
        pick,
        f"{pick.choice(('Rewards', 'Home Depot', 'Keto'))} <{_anyone(pick)}>",
        pick.choice(("Confirm your reward", "You have been selected", "Last chance!")),
        join(pick, "related", parts),
    )


def qr(number: int) -> bytes:
    """A code to scan instead of a link."""
    pick = Pick("qr", number)
    words = pick.choice(
        (
            "Your multi-factor authentication expires today. Scan the QR code with your phone to keep access.",
            "Ihre photoTAN-Registrierung läuft heute ab. Scannen Sie den QR-Code mit Ihrem Smartphone.",
            "二维码即将过期,请使用手机扫描二维码重新认证。",
        )
    )
    html = page(pick, [f"<p>{words}</p>", '<img src="cid:qr">'])
    parts = [
        text_part(html, "html", "base64"),
        attachment("qr.png", "image/png", b"\x89PNG\r\n" + pick.randbytes(300), inline="qr"),
    ]
    return program(pick, f"IT Helpdesk <{_anyone(pick)}>", f"MFA update required {ME}", join(pick, "related", parts))


def data_uri(number: int) -> bytes:
    """A page that begins with a picture in itself, too large for filters that read only the beginning."""
    pick = Pick("data_uri", number)
    image = base64.b64encode(pick.randbytes(pick.randint(60_000, 90_000))).decode()
    subject, words, press = _URGENT[pick.choice(("en", "de", "es"))]
    html = f'<div><img src="data:image/png;base64,{image}"><p>{words}</p><a href="https://{_bad_host(pick, "metamask")}/">{press}</a></div>'
    return program(pick, f"MetaMask Support <{_anyone(pick)}>", subject, text_part(html, "html", "quoted-printable"))


def short(number: int) -> bytes:
    """One line and a link, from nobody."""
    pick = Pick("short", number)
    url = pick.choice(
        (
            f"http://bit.ly/{token(pick, 7)}",
            f"https://t.co/{token(pick, 10)}",
            f"http://{_bad_host(pick)}/?u={token(pick, 5)}",
            f"https://storage.googleapis.com/{token(pick, 12).lower()}/r.html#{token(pick, 9)}",
        )
    )
    text = pick.choice(
        (
            "is this you in the video?? {}",
            "hey look what i found {}",
            "You got 1 new message {}",
            "{}",
            "Great offer only today! {}",
            "Посмотри это {}",
        )
    )
    return program(
        pick,
        f"{token(pick, 6)} <{_anyone(pick)}>",
        pick.choice(("hi", "Hello", "", "Re:", "FW: video")),
        text_part(text.format(url) + "\n"),
    )


def advance(number: int) -> bytes:
    """Somebody's late husband's millions."""
    pick = Pick("advance", number)
    sum_ = f"${pick.randint(2, 45)}.{pick.randint(1, 9)} Million"
    text = pick.choice(
        (
            f"Dear Friend,\n\nI am Mrs Latifah Y., widow of a late diplomat. I am dying of cancer and wish to donate {sum_} deposited in a bank in Benin to a God fearing person. Reply with your full names, phone number and address.\n",
            f"Attention beneficiary,\n\nyour compensation fund of {sum_} has been approved by the United Nations. Contact the paying bank with your details and the transfer fee.\n",
            f"Guten Tag,\n\nich habe eine Spende von {sum_} für Sie und Ihre Familie. Antworten Sie für weitere Informationen mit Ihrem vollständigen Namen.\n",
            f"Bonjour,\n\nje vous contacte au sujet d'un héritage de {sum_} laissé par un client décédé sans héritier. Répondez-moi en toute confidentialité.\n",
        )
    )
    body = (
        text_part(text)
        if pick.random() < 0.5
        else text_part(
            f"<html><body bgcolor=#FFFFFF><font face=Arial>{escape(text)}</font></body></html>",
            "html",
            charset="windows-1251",
        )
    )
    return program(
        pick,
        f"{pick.choice(('Philip Fredrick', 'Mrs Latifah', 'Barrister John'))} <{_anyone(pick)}>",
        pick.choice(("INFO", "Donation For You", "RE: URGENT", "Hello")),
        body,
        reply_to=f"{token(pick, 8).lower()}@gmail.com",
        to="undisclosed-recipients:;",
    )


def look_alike(number: int) -> bytes:
    """Letters of other scripts in Latin words, invisible characters, fancy letters."""
    pick = Pick("look_alike", number)
    words = " ".join(pick.sample(_GOODS, 2)).capitalize()
    way = pick.randrange(4)
    if way == 0:
        bent = words.translate(_LOOK)
    elif way == 1:
        bent = "".join(c + ("\u200c" if c.isalpha() and pick.random() < 0.4 else "") for c in words)
    elif way == 2:
        bent = "".join(chr(0x1D5BA + ord(c) - 97) if "a" <= c <= "z" else c for c in words)
    else:
        bent = "".join(f"&#{ord(c)};" if pick.random() < 0.5 else c for c in words)
    html = f'<html><body><p>{bent}</p><a href="http://{_bad_host(pick)}/go">C\u200blick h\u0435re</a></body></html>'
    return program(
        pick,
        f"Offer <{_anyone(pick)}>",
        words[:35].translate(_LOOK) if way != 3 else words[:35],
        text_part(html, "html", "base64"),
    )


def padded_page(number: int) -> bytes:
    """A page with somebody's prose hidden in it."""
    pick = Pick("padded_page", number)
    good = " ".join(pick.sample(DAILY["en"].split("|"), 8))
    way = pick.choice(
        (
            'style="display:none"',
            'style="font-size:0px;color:#fff"',
            'style="opacity:0;height:0"',
            'style="visibility:hidden"',
        )
    )
    html = f'<html><body><div {way}>{good} {good}</div><h1>{pick.choice(_GOODS).upper()}</h1><p>{pick.choice(_GOODS)}!</p><a href="https://{_bad_host(pick)}/x">CLICK HERE</a></body></html>'
    return program(pick, f"Best Deals <{_anyone(pick)}>", pick.choice(_GOODS)[:40], text_part(html, "html"))


def two_faces(number: int) -> bytes:
    """Harmless plain text, an offer in the page that is shown."""
    pick = Pick("two_faces", number)
    plain = " ".join(pick.sample(DAILY["en"].split("|"), 6))
    html = page(
        pick,
        [f"<h1>{pick.choice(_GOODS)}</h1>", f"<p>{pick.choice(_GOODS)}. Order now!</p>"],
        button=("Claim now", f"https://{_bad_host(pick)}/claim"),
    )
    return program(
        pick,
        f"Offers <{_anyone(pick)}>",
        f"{pick.choice(_GOODS)[:30]}!",
        join(pick, "alternative", [text_part(plain), text_part(html, "html")]),
    )


def extortion(number: int) -> bytes:
    """Pay, or everybody sees the video."""
    pick = Pick("extortion", number)
    wallet = f"1{token(pick, 33)}"
    text = pick.choice(
        (
            f"I have bad news for you. I hacked your device and recorded you through your camera. Transfer ${pick.randint(5, 20) * 100} in bitcoin to my wallet:\n{wallet}\nYou have 48 hours. If you do not pay I will send the video to all your contacts.\n",
            f"Ich habe Ihr Gerät gehackt und Sie mit Ihrer Kamera aufgenommen. Überweisen Sie {pick.randint(5, 20) * 100} $ in Bitcoin an meine Wallet:\n{wallet}\nSie haben 48 Stunden, sonst erhalten alle Ihre Kontakte das Video.\n",
            f"J'ai piraté votre appareil et vous ai filmé. Envoyez {pick.randint(5, 20) * 100} $ en bitcoin à {wallet}. Vous avez 48 heures.\n",
        )
    )
    return program(
        pick,
        f"Hacker <{_anyone(pick)}>",
        pick.choice(("Your account is hacked", "Payment from your account.", "Waiting for the payment")),
        text_part(text, coding=pick.choice(("", "base64"))),
    )


def outreach(number: int) -> bytes:
    """An agency that found errors on your website."""
    pick = Pick("outreach", number)
    text = (
        "Hi,\n\nI was on your website and found a number of technical errors that keep it from ranking on the first page of Google. We can increase your "
        f"traffic and leads within {pick.randint(1, 3)} months at an affordable price. May I send you a quote and our packages?\n\nRegards,\n"
        f"{pick.choice(('Jessica', 'Rahul', 'Emma'))}\nDigital Marketing Executive\n"
    )
    address = f"{token(pick, 9).lower()}{pick.randint(10, 999)}@gmail.com"
    return machine(
        pick,
        f"{pick.choice(('Jessica Brown', 'Rahul Sharma', 'Emma W'))} <{address}>",
        pick.choice(("Website errors", "SEO proposal", "Rank on Google", "Re: quick question")),
        text_part(text),
    )


def call_us(number: int) -> bytes:
    """An invoice you never ordered, and a telephone number."""
    pick = Pick("call_us", number)
    brand = pick.choice(("Norton", "Geek Squad", "McAfee", "PayPal"))
    text = f"Dear customer, your {brand} subscription has been renewed and ${pick.randint(200, 600)}.99 will be charged to your account today. If you did not authorize this, call our helpline +1 (8{pick.randint(10, 99)}) {pick.randint(100, 999)}-{pick.randint(1000, 9999)} within 24 hours to cancel and get a refund.\nInvoice no. {token(pick, 10)}\n"
    pdf = attachment(f"INV{pick.randint(1000, 9999)}.pdf", "application/pdf", b"%PDF-1.4\n" + pick.randbytes(200))
    body = text_part(text) if pick.random() < 0.5 else join(pick, "mixed", [text_part(text), pdf])
    return machine(
        pick, f"{brand} Billing <{token(pick, 10).lower()}@gmail.com>", f"Order confirmation #{token(pick, 8)}", body
    )


def chief(number: int) -> bytes:
    """The chief needs gift cards."""
    pick = Pick("chief", number)
    text = pick.choice(
        (
            "Are you available? I need you to handle something for me quickly and discreetly. I am in a meeting, reply by email only.\n",
            "I need some gift cards for clients today. Buy 10 x $100, scratch and send me the codes. I will reimburse you.\n",
            "Sind Sie am Platz? Ich brauche dringend eine vertrauliche Überweisung. Bitte nur per E-Mail antworten.\n",
        )
    )
    return machine(
        pick,
        f"Lena Schmidt <{token(pick, 11).lower()}@gmail.com>",
        pick.choice(("Quick request", "Urgent", "Task", "Dringend")),
        text_part(text),
    )


def calendar(number: int) -> bytes:
    """An offer that puts itself into the calendar."""
    pick = Pick("calendar", number)
    offer = pick.choice(_GOODS)
    ics = f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nDTSTART:20250320T100000Z\r\nUID:{token(pick, 20)}\r\nSUMMARY:You won {offer}\r\nDESCRIPTION:Claim your prize now: https://{_bad_host(pick)}/win\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    part = text_part(ics, "calendar", "base64").replace(b"text/calendar;", b"text/calendar; method=REQUEST;")
    return program(
        pick,
        f"Rewards <{_anyone(pick)}>",
        f"Invitation: claim {offer[:25]}",
        join(pick, "alternative", [text_part(f"You won {offer}. https://{_bad_host(pick)}/win\n"), part]),
    )


def crypto(number: int) -> bytes:
    """Coins, in many signs and few words."""
    pick = Pick("crypto", number)
    line = f"🚀🚀 {pick.choice(('AIRDROP', 'PRESALE', 'BONUS'))} LIVE 🚀 Claim {pick.randint(1, 9)}.{pick.randint(100, 999)} ETH 💰 now 👉 https://{_bad_host(pick, 'opensea')}/claim"
    html = page(
        pick,
        [f"<h1>{line}</h1>", "Connect your wallet to receive your free mint. Limited to the first 500 users! 🔥"],
        button=("Claim 🎁", f"https://{_bad_host(pick, 'wallet')}/"),
    )
    return program(
        pick,
        f"OpenSea 🌊 <{_anyone(pick)}>",
        f"🎁 Your reward is waiting {pick.choice('🔥💎💰')}",
        text_part(html, "html"),
    )


def idn(number: int) -> bytes:
    """A host that looks like another."""
    pick = Pick("idn", number)
    host = pick.choice(("xn--pypal-4ve.test", "xn--80ak6aa92e.test", "аррlе.test", "xn--mazon-3ve.test"))
    subject, words, press = _URGENT[pick.choice(("en", "ru", "it"))]
    html = f'<p>{words}</p><p><a href="//{host}/login?id={token(pick, 30)}">https://www.apple.com/account</a></p><p><a href="https://{host}/">{press}</a></p>'
    return program(
        pick, f"Apple ID <no_reply@{host if host.isascii() else 'id.test'}>", subject, text_part(html, "html")
    )


def meds(number: int) -> bytes:
    """The old trade in new clothes: a page within a page, in base64."""
    pick = Pick("meds", number)
    words = f"<p>{pick.choice(_GOODS)}. {pick.choice(_GOODS)}.</p><p>Buy now: <a href='https://{_bad_host(pick)}/{token(pick, 6)}'>{_bad_host(pick)}</a></p>"
    inner = join(
        pick,
        "alternative",
        [text_part(escape(pick.choice(_GOODS))), text_part(f"<html><body>{words}</body></html>", "html", "base64")],
    )
    return program(
        pick,
        f"Dr. Wellness <{_anyone(pick)}>",
        f"{pick.choice(_GOODS)[:28]} -{pick.randint(60, 90)}%",
        join(pick, "mixed", [inner]),
    )


SPAM: dict[str, Callable[[int], bytes]] = {
    make.__name__: make
    for make in (
        *(
            phishing,
            parcel,
            html_file,
            picture,
            qr,
            data_uri,
            short,
            advance,
            look_alike,
            padded_page,
            two_faces,
            extortion,
        ),
        *(outreach, call_us, chief, calendar, crypto, idn, meds),
    )
}
