"""The families of features and how much each weighs in the score.

The score is the mean of the log-odds of each family, then the weighted mean over families: a long body or
hundreds of correlated URL parts cannot swamp "who is it from" and "what shape is it". The weights sit on a flat
optimum (docs/spam.md tells how they were chosen) and are the same for every corpus, tenant and user.

A family's number is the top four bits of its features' ids. The numbers are stored with every model: a new family
takes a new number, and a change of what a family holds raises `tokens.VERSION`.
"""

from typing import Final

from attrs import frozen

__all__ = ["BODY_PAIRS", "FAMILIES", "FIRST_REST", "SUBJECT_PAIRS", "WEIGHTS", "Family"]


@frozen
class Family:
    """One kind of evidence. `weight` is its share in the score, relative to the other families."""

    number: int
    name: str
    weight: float
    holds: str


BODY: Final = 0
FROM: Final = 1
NAME: Final = 2
SUBJECT: Final = 3
MAILER: Final = 4
HEADERS: Final = 5
MESSAGE_ID: Final = 6
CONTENT_TYPE: Final = 7
URL: Final = 8
TO: Final = 9
HTML: Final = 10
CAPITALS: Final = 11
SHAPE: Final = 13
SUBJECT_PAIRS: Final = 14
BODY_PAIRS: Final = 15

FIRST_REST: Final = SHAPE << 28
"""Ids from here on are steps and pairs of words: only the counts use them. The second stage does better without: pairs
are more than half of all features and tell it little new, steps are few and frequent and follow every drift."""

FAMILIES: Final = (
    Family(BODY, "body", 2.5, "words of the text parts"),
    Family(FROM, "from", 1.5, "addresses in From and Reply-To: local parts, hosts and the domains above them"),
    Family(NAME, "name", 0.3, "display names in From and Reply-To"),
    Family(SUBJECT, "subject", 0.5, "words of the subject"),
    Family(MAILER, "mailer", 1.0, "the program that claims to have written it"),
    Family(HEADERS, "headers", 1.0, "names of the headers that are there"),
    Family(MESSAGE_ID, "message-id", 0.5, "letter pattern and host of the Message-ID"),
    Family(CONTENT_TYPE, "content-type", 0.3, "content types, encodings, charsets, kinds of attachment"),
    Family(URL, "url", 0.3, "hosts, paths and oddities of links"),
    Family(TO, "to", 0.3, "To and Cc: names, local parts, hosts"),
    Family(HTML, "html", 0.1, "hidden text, pictures, forms, links that say one host and go to another"),
    Family(CAPITALS, "capitals", 0.5, "words of the text that are written in capitals"),
    Family(SHAPE, "shape", 1.5, "counts and shares in steps, headers that are missing, hosts that agree or not"),
    Family(SUBJECT_PAIRS, "subject-pairs", 1.0, "neighbouring words of the subject"),
    Family(BODY_PAIRS, "body-pairs", 1.5, "neighbouring words of the text parts"),
)

WEIGHTS: Final = tuple(
    next((family.weight for family in FAMILIES if family.number == number), 0.0) for number in range(16)
)
