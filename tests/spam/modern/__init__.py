"""Mail as it looks in the 2020s, made up: 19 kinds of ham, 19 of spam, a dozen languages, all deterministic.

`message(kind, number)` is one of them, `KINDS` names them all. They are templates with chosen words, so they say how
the filter takes the forms of modern mail (encodings, pages, links, scripts, attachments), not how good it is: texts of
one kind resemble each other more than in life. Hosts are under `example`, `test` and `invalid` but for big providers'.
"""

from tests.spam.modern.ham import HAM
from tests.spam.modern.spam import SPAM

__all__ = ["KINDS", "is_spam", "message"]

KINDS = (*HAM, *SPAM)
"""The names of the kinds: ham first."""


def is_spam(kind: str) -> bool:
    """Whether a kind is spam."""
    return kind in SPAM


def message(kind: str, number: int) -> bytes:
    """The message of this kind and number."""
    return (SPAM if kind in SPAM else HAM)[kind](number)
