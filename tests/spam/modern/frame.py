# ruff: noqa: E501  (made-up mail reads better in whole lines)
"""What all made-up messages share: header fields of well-known programs, parts, pages."""

import base64
import quopri
import random
from collections.abc import Sequence
from html import escape

__all__ = ["Pick", "attachment", "encoded", "join", "machine", "page", "person", "program", "text_part", "token"]


class Pick(random.Random):
    """Choices that depend on the kind and number only."""

    def __init__(self, kind: str, number: int) -> None:
        super().__init__(f"{kind} {number}")
        self.number = number


ME = "robin@home.example"
_NAMES = [
    "Anna Keller",
    "Ben Fischer",
    "Claire Dubois",
    "Dmitri Volkov",
    "Elif Kaya",
    "Farid Haddad",
    "Grace Okafor",
    "Hiro Tanaka",
    "Ines Costa",
    "Jan Novak",
    "Kim Minji",
    "Lena Schmidt",
    "Marco Rossi",
    "Nadia Petrova",
    "Omar Aziz",
    "Priya Nair",
    "Quentin Roy",
    "Rosa Lopez",
    "Somchai Dee",
    "Tom Baker",
    "Uma Rao",
    "Victor Silva",
    "Wei Zhang",
    "Xin Li",
    "Yuki Sato",
    "Zoe Martin",
]
_HOMES = ("gmail.com", "outlook.com", "icloud.com", "web.de", "orange.fr", "mail.ru", "uni.example", "studio.example")


def token(
    pick: Pick, length: int = 12, letters: str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
) -> str:
    """A random word: keys, ids, tracking codes."""
    return "".join(pick.choices(letters, k=length))


def encoded(text: str) -> str:
    """Header text, as an encoded word where it needs one."""
    return text if text.isascii() else f"=?UTF-8?B?{base64.b64encode(text.encode()).decode()}?="


def _date(pick: Pick) -> str:
    day = pick.randint(1, 28)
    return f"{pick.choice(('Mon', 'Tue', 'Wed', 'Thu', 'Fri'))}, {day} Mar 2025 {pick.randint(6, 22):02}:{pick.randint(10, 59)}:07 +0000"


def _received(pick: Pick, host: str) -> str:
    return f"Received: from {host} ({host} [192.0.2.{pick.randint(1, 250)}])\n\tby mx.home.example with ESMTPS id {token(pick)};\n\t{_date(pick)}\n"


def _signed(pick: Pick, domain: str) -> str:
    return (
        f"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d={domain}; s=s{pick.randint(1, 3)};\n"
        f"\th=from:to:subject:date; bh={token(pick, 40)}=;\n\tb={token(pick, 60)}\n\t {token(pick, 60)}==\n"
    )


def person(pick: Pick, subject: str, body: bytes, *, reply: bool = False, to: str = ME) -> bytes:
    """A message that somebody wrote, in Gmail, Apple Mail, Outlook or Thunderbird."""
    name = pick.choice(_NAMES)
    home = pick.choice(_HOMES)
    address = f"{name.lower().replace(' ', pick.choice(('.', '', '_')))}@{home}"
    program = pick.choice(("gmail", "apple", "outlook", "thunderbird"))
    mark = {
        "gmail": f"CA+{token(pick, 30)}=w@mail.gmail.com",
        "apple": f"{token(pick, 8, '0123456789ABCDEF')}-1C2D-4E5F-8A9B-{token(pick, 12, '0123456789ABCDEF')}@{home}",
        "outlook": f"AM0PR0{token(pick, 26, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789')}@AM0PR01MB1.eurprd01.prod.exchangelabs.com",
        "thunderbird": f"{token(pick, 8, '0123456789abcdef')}-aaaa-4bbb-8ccc-{token(pick, 12, '0123456789abcdef')}@{home}",
    }[program]
    fields = _received(pick, f"mail-{token(pick, 3)}.{home}") + _signed(pick, home)
    fields += {
        "apple": "X-Mailer: Apple Mail (2.3774.300.61.1.2)\n",
        "thunderbird": "User-Agent: Mozilla Thunderbird\nContent-Language: en-US\n",
        "outlook": "Thread-Topic: x\nAccept-Language: en-US\nX-MS-Has-Attach:\n",
        "gmail": "",
    }[program]
    if reply:
        fields += f"In-Reply-To: <{token(pick)}@home.example>\nReferences: <{token(pick)}@home.example>\n"
        subject = f"{pick.choice(('Re', 'Re', 'AW', 'RE'))}: {subject}"
    return (
        f"{fields}From: {encoded(name)} <{address}>\nTo: {to}\nSubject: {encoded(subject)}\nDate: {_date(pick)}\n"
        f"Message-ID: <{mark}>\nMIME-Version: 1.0\n"
    ).encode() + body


def machine(
    pick: Pick, sender: str, subject: str, body: bytes, *, signed: str | None = "", more: str = "", to: str = ME
) -> bytes:
    """A message that a service sent. `sender` is "Name <address>"; `signed` another domain than its own, or None."""
    name, _, address = sender.rpartition(" <")
    domain = address.rstrip(">").rpartition("@")[2]
    fields = _received(pick, f"o{pick.randint(1, 99)}.{signed or domain}")
    if signed is not None:
        fields += _signed(pick, signed or domain)
    return (
        f"{fields}{more}From: {encoded(name)} <{address}\nTo: {to}\nSubject: {encoded(subject)}\nDate: {_date(pick)}\n"
        f"Message-ID: <{token(pick, 20)}.{pick.randint(10**6, 10**8)}@{domain}>\nMIME-Version: 1.0\n"
    ).encode() + body


def program(pick: Pick, sender: str, subject: str, body: bytes, *, reply_to: str = "", to: str = ME) -> bytes:
    """A message that a script pushed out through somebody's server."""
    host = f"vps{pick.randint(1000, 9999)}.{pick.choice(('hosting', 'cloud', 'server'))}.example"
    name, _, address = sender.rpartition(" <")
    fields = _received(pick, host)
    fields += pick.choice(
        ("X-Mailer: PHPMailer 6.5.0 (https://github.com/PHPMailer/PHPMailer)\n", "X-Priority: 1\n", "")
    )
    if reply_to:
        fields += f"Reply-To: {reply_to}\n"
    return (
        f"{fields}From: {encoded(name)} <{address}\nTo: {to}\nSubject: {encoded(subject)}\nDate: {_date(pick)}\n"
        f"Message-ID: <{token(pick, 32)}@{host}>\nMIME-Version: 1.0\n"
    ).encode() + body


def text_part(text: str, kind: str = "plain", coding: str = "", charset: str = "utf-8") -> bytes:
    """A text part, its fields first."""
    data = text.encode(charset, "xmlcharrefreplace" if kind == "html" else "replace")
    coding = coding or ("7bit" if text.isascii() else "quoted-printable")
    if coding == "base64":
        data = base64.encodebytes(data)
    elif coding == "quoted-printable":
        data = quopri.encodestring(data)
    head = f'Content-Type: text/{kind}; charset="{charset}"\nContent-Transfer-Encoding: {coding}\n\n'
    return head.encode() + data


def attachment(name: str, kind: str, data: bytes, *, inline: str = "") -> bytes:
    """An attached file; `inline` is the Content-ID of a picture that the page shows."""
    how = f"Content-ID: <{inline}>\nContent-Disposition: inline" if inline else "Content-Disposition: attachment"
    head = f'Content-Type: {kind}; name="{name}"\nContent-Transfer-Encoding: base64\n{how}; filename="{name}"\n\n'
    return head.encode() + base64.encodebytes(data)


def join(pick: Pick, kind: str, parts: Sequence[bytes]) -> bytes:
    """A multipart of this kind."""
    boundary = f"----=_Part_{token(pick, 16)}"
    lines = b"".join(b"--" + boundary.encode() + b"\n" + part.rstrip(b"\n") + b"\n" for part in parts)
    return f'Content-Type: multipart/{kind}; boundary="{boundary}"\n\n'.encode() + lines + f"--{boundary}--\n".encode()


def page(
    pick: Pick, blocks: Sequence[str], *, preheader: str = "", button: tuple[str, str] | None = None, foot: str = ""
) -> str:
    """An HTML page as mail editors make them: tables, inline styles, a hidden line for the list of messages."""
    rows = "".join(
        f'<tr><td style="padding:12px 24px;font-family:Arial,Helvetica,sans-serif;font-size:16px;color:#333333">{block}</td></tr>\n'
        for block in blocks
    )
    hidden = (
        f'<div style="display:none;max-height:0;overflow:hidden;mso-hide:all">{escape(preheader)}</div>\n'
        if preheader
        else ""
    )
    press = ""
    if button:
        press = (
            f'<tr><td align="center" style="padding:16px"><a href="{button[1]}" style="background:#0a66c2;color:#ffffff;'
            f'padding:12px 28px;border-radius:4px;text-decoration:none">{escape(button[0])}</a></td></tr>\n'
        )
    last = f'<tr><td style="font-size:12px;color:#888888;padding:24px">{foot}</td></tr>\n' if foot else ""
    return (
        '<!DOCTYPE html><html><head><meta http-equiv="Content-Type" content="text/html; charset=utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><style>@media (max-width:600px)'
        "{.wide{width:100%!important}.hide{display:none!important}}</style></head>\n"
        f'<body style="margin:0;background:#f4f4f4">{hidden}<table role="presentation" width="600" class="wide" align="center" '
        f'cellpadding="0" cellspacing="0">\n{rows}{press}{last}</table></body></html>\n'
    )
