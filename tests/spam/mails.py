"""Made-up mail of both kinds: enough regularity to learn, enough variety to be no copy of each other."""

import random

__all__ = ["corpus", "ham", "spam"]

_PEOPLE = [f"{name}@{host}" for name in ("anna", "boris", "chen", "dana") for host in ("example.org", "uni.example")]
_WORK = [
    "meeting",
    "agenda",
    "minutes",
    "budget",
    "review",
    "patch",
    "branch",
    "compile",
    "kernel",
    "lecture",
    "notes",
    "draft",
    "chapter",
    "printer",
    "train",
    "ticket",
    "lunch",
    "garden",
    "invoice",
    "photos",
    "holiday",
    "deadline",
    "server",
    "backup",
    "report",
    "question",
    "answer",
    "thanks",
    "tomorrow",
]
_SALES = [
    "viagra",
    "cheap",
    "pills",
    "winner",
    "lottery",
    "million",
    "dollars",
    "urgent",
    "casino",
    "bonus",
    "click",
    "here",
    "free",
    "offer",
    "guaranteed",
    "refinance",
    "mortgage",
    "debt",
    "credit",
    "loan",
    "investment",
    "opportunity",
    "secret",
    "amazing",
    "weight",
    "loss",
    "order",
    "now",
    "unsubscribe",
    "limited",
]


def ham(number: int) -> bytes:
    """The ham of this number."""
    pick = random.Random(f"ham {number}")
    sender, receiver = pick.sample(_PEOPLE, 2)
    words = pick.choices([*_WORK, "the", "and", "for", "with", "you"], k=pick.randint(20, 80))
    return (
        f"Received: from mx.example.org by mail.example; Mon, 6 Jan 2025 10:00:{number % 60:02d} +0000\n"
        f"From: {sender.split('@')[0].title()} <{sender}>\nTo: {receiver}\nSubject: Re: {pick.choice(_WORK)} {number}\n"
        f"Message-ID: <{number}.{pick.random()}@{sender.split('@')[1]}>\nDate: Mon, 6 Jan 2025 10:00:00 +0000\n"
        f"MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n\n{' '.join(words)}\n"
    ).encode()


def spam(number: int) -> bytes:
    """The spam of this number."""
    pick = random.Random(f"spam {number}")
    host = f"{pick.choice(['deals', 'win', 'promo'])}{pick.randint(1, 999)}.example.net"
    words = " ".join(pick.choices([*_SALES, "the", "and", "for", "with", "you"], k=pick.randint(20, 80)))
    return (
        f"Received: from {host} by mail.example; Mon, 6 Jan 2025 10:00:{number % 60:02d} +0000\n"
        f'From: "{pick.choice(_SALES).title()} Team" <x{pick.randint(1, 10**6)}@{host}>\nTo: undisclosed\n'
        f"Subject: {pick.choice(_SALES).upper()} {pick.choice(_SALES)}!!! {number}\nMIME-Version: 1.0\n"
        f"Content-Type: text/html; charset=utf-8\n\n"
        f'<html><body><font color=red>{words}</font><br><a href="http://{host}/buy?id={number}">click</a></body></html>\n'
    ).encode()


def corpus(count: int) -> list[tuple[bytes, bool]]:
    """`count` messages, every third of them spam."""
    return [(spam(n), True) if n % 3 == 0 else (ham(n), False) for n in range(count)]
