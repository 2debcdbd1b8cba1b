"""The spam engine: a trainable filter that says why.

    engine = Spam(store)
    engine.learn(raw, spam=True)
    found = engine.classify(raw)
    found.verdict.verdict, found.verdict.score      # "spam", 1.4
    found.reasons[0]                                # Reason(family="from", words="...", adds=0.21): they add up

From the message down, each stage pure up to the last:

- `tokens.read(raw)`: words by family (`families`), from headers (`headers`), text and HTML parts (`bodies`).
- `features.features_of(tokens)`: 32-bit ids, pairs of neighbouring words included, and where in the text they stand.
- `model.Model`: counts per feature, what they say (`evidence`), score (`stretches`), second stage, cut-offs
  (`cutoffs`); learn and forget.
- `checkpoint`, `journal`: models and changes as bytes. `evaluate`, `metrics`: how good it is on labelled mail.
- `service.Spam`: models in the store, for all, per tenant, per account (`stored` has the laws of their rows).

No RFC says what spam is. The message formats are RFC 5322 and 2045-2047, read by `mailkit.mime`; the measures are
those of the TREC 2005 spam track.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mailkit.spam.explain import Explanation, Reason
    from mailkit.spam.service import FOR_ALL, Scope, Spam, Status
    from mailkit.spam.settings import Settings
    from mailkit.spam.verdict import Verdict

__all__ = ["FOR_ALL", "Explanation", "Reason", "Scope", "Settings", "Spam", "Status", "Verdict"]

_WHERE = {
    **dict.fromkeys(("FOR_ALL", "Scope", "Spam", "Status"), "service"),
    **dict.fromkeys(("Explanation", "Reason"), "explain"),
    "Settings": "settings",
    "Verdict": "verdict",
}


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_WHERE[name]}"), name)
