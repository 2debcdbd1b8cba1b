"""Few names, so that they meet."""

from hypothesis import strategies as st

from tests.accounts.dialects.world import dotless

__all__ = ["ADDRESSES", "DOMAINS", "NAMES", "PICK", "QUOTAS", "SEVERAL", "TAGS", "TARGETS"]

NAMES = st.sampled_from(["c", "A.b", "b@acme.org", "staff", "d", "y.org", "a@acme.org"])
DOMAINS = st.sampled_from(["x.org", "y.org", "acme.org"])
ADDRESSES = st.builds("{}@{}".format, st.sampled_from(["d", "A.b", "c", "e", "*"]), DOMAINS)
SEVERAL = st.lists(ADDRESSES, max_size=3, unique_by=dotless)
PICK = st.integers(0, 5)
"""Which of those that there are."""
QUOTAS = st.sampled_from([0, 1, 1 << 30])
TAGS = st.lists(st.sampled_from(["a", "B", "c"]), max_size=2, unique=True).map(lambda tags: sorted(tags, key=str.lower))
TARGETS = st.lists(st.sampled_from(["c@x.org", "e@else.org", "smtp://relay.org"]), max_size=2, unique=True)
