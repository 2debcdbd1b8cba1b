"""The simple full-text parameter, WildDuck's `query` (W3.8, the text rules of MongoDB). Pure.

Any of several words matches; quoted phrases must all be there, and then other words decide nothing; `-word` excludes.
Unlike the original there is no stemming: words are the words of `terms`.
"""

import re

from mailkit.search.query import ALL, Not, Query, all_of, any_of, phrase

__all__ = ["words_query"]

_PIECE = re.compile(r'(-?)"([^"]*)"|(?<!\S)(-?)(\S+)')


def words_query(text: str) -> Query:
    """The query that the text of a simple search asks; never wrong."""
    words: list[Query] = []
    phrases: list[Query] = []
    excluded: list[Query] = []
    for minus, quoted, before, word in _PIECE.findall(text):
        query = phrase(quoted or word)
        if query == ALL:
            continue
        if minus or before:
            excluded.append(Not(query))
        elif quoted:
            phrases.append(query)
        else:
            words.append(query)
    if phrases:
        return all_of(*phrases, *excluded)
    return all_of(*((any_of(*words),) if words else ()), *excluded)
