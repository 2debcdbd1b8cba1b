"""How good a filter is, from scores and true labels. Ties count as what they are: the filter can't tell them apart."""

from collections.abc import Sequence

__all__ = ["missed_at", "roca_percent"]


def roca_percent(scores: Sequence[float], spam: Sequence[bool]) -> float:
    """1-ROCA %: how often a random ham scores above a random spam (ties half), in percent. 0 is perfect, 50 guessing.

    The TREC spam track's measure (Cormack and Lynam 2005).
    """
    order = sorted(range(len(scores)), key=scores.__getitem__)
    positives = sum(spam)
    negatives = len(spam) - positives
    if not positives or not negatives:
        return float("nan")
    below = wrong = 0.0  # ham so far; (spam, ham) pairs in the right order
    start = 0
    while start < len(order):
        end = start
        while end < len(order) and scores[order[end]] == scores[order[start]]:
            end += 1
        tied_spam = sum(spam[at] for at in order[start:end])
        tied_ham = end - start - tied_spam
        wrong += tied_spam * (negatives - below - tied_ham / 2)
        below += tied_ham
        start = end
    return 100 * wrong / (positives * negatives)


def missed_at(scores: Sequence[float], spam: Sequence[bool], fpr: float) -> float:
    """The share of spam missed by the best cut-off that flags at most the share `fpr` of the ham."""
    ham = sorted((score for score, is_spam in zip(scores, spam, strict=True) if not is_spam), reverse=True)
    caught = [score for score, is_spam in zip(scores, spam, strict=True) if is_spam]
    if not ham or not caught:
        return float("nan")
    allowed = int(fpr * len(ham) + 1e-9)
    # Everything above the first ham that must not be flagged.
    limit = ham[allowed] if allowed < len(ham) else float("-inf")
    return sum(score <= limit for score in caught) / len(caught)
