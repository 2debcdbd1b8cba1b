"""DMARC: RFC 9989 (tree walk) as the default, RFC 7489 (public suffix list) as an explicit method.

`evaluate_authors(author_domains(message), identifiers)` gives one `DmarcResult`; `compare` says where the two differ.
"""

from mailkit.mailauth.dmarc.authors import author_domains
from mailkit.mailauth.dmarc.compare import Comparison, compare
from mailkit.mailauth.dmarc.evaluate import evaluate, evaluate_authors
from mailkit.mailauth.dmarc.legacy import evaluate_7489, registered_domain
from mailkit.mailauth.dmarc.record import DmarcRecord, parse_record
from mailkit.mailauth.dmarc.result import DmarcResult, Identifiers

__all__ = [
    "Comparison",
    "DmarcRecord",
    "DmarcResult",
    "Identifiers",
    "author_domains",
    "compare",
    "evaluate",
    "evaluate_7489",
    "evaluate_authors",
    "parse_record",
    "registered_domain",
]
