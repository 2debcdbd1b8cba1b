"""Passwords that attackers know: the most common ones, and those that a range service has seen stolen.

The service is told five hexadecimal digits of a SHA-1 and answers with all stolen passwords that begin so, of which
there are hundreds: it does not learn which one was meant (k-anonymity). It is off unless a setting names it, and a
look-up that fails counts for nothing (WildDuck 2.1, allowUnsafe).
"""

import hashlib
from collections.abc import Callable
from datetime import timedelta
from functools import cache
from importlib.resources import files
from typing import Final

from mailkit.egress.fetch import Caps, get
from mailkit.egress.purpose import Purpose
from mailkit.errors import MailKitError
from mailkit.telemetry import emit

__all__ = ["PURPOSE", "KnownPasswords", "is_common"]

PURPOSE: Final = Purpose(name="password ranges", schemes=frozenset({"https"}))
_CAPS: Final = Caps(max_size=1 << 20, timeout=timedelta(seconds=5))


@cache
def _common() -> frozenset[str]:
    text = files("mailkit.accounts").joinpath("common_passwords.txt").read_text("utf-8")
    return frozenset(line for line in text.splitlines() if not line.startswith("#"))


def is_common(password: str) -> bool:
    """True for one of the 5,000 most common passwords, case aside."""
    return password.lower() in _common()


class KnownPasswords:
    """`url()` is where ranges are asked for, None for nowhere; `fetch` gives the text behind a URL."""

    def __init__(self, url: Callable[[], str | None], *, fetch: Callable[[str], str] | None = None) -> None:
        self._url = url
        self._fetch = fetch or _fetch

    def __call__(self, password: str) -> bool:
        """True when others know it. Blocks, for five seconds at most."""
        if is_common(password):
            return True
        url = self._url()
        if url is None:
            return False
        digest = hashlib.sha1(password.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest().upper()
        try:
            text = self._fetch(f"{url.rstrip('/')}/{digest[:5]}")
        except MailKitError as error:
            emit("password.ranges_failed", level="warning", error=error.message)
            return False
        found = (line.strip().partition(":") for line in text.splitlines())
        # padded answers have entries that were seen 0 times
        return any(suffix == digest[5:] and count.strip() != "0" for suffix, _, count in found)


def _fetch(url: str) -> str:
    answer = get(url, PURPOSE, headers={"Add-Padding": "true"}, caps=_CAPS)
    return answer.body.decode("ascii", "replace") if answer.status == 200 else ""
