"""Both dialects at once against one model: whatever one does, both show, and so does a tenant's own administrator.

Each rule makes one change through one of the dialects, and the same change to a copy of the model
(`dialects/world.py`). If the model refuses, the answer must say why in the dialect's words, and the copy is thrown
away.
"""

from hypothesis import settings

from tests.accounts.dialects.addresses import AddressRules
from tests.accounts.dialects.mail import MailRules
from tests.accounts.dialects.people import PeopleRules
from tests.accounts.dialects.ties import TieRules


class Dialects(PeopleRules, AddressRules, TieRules, MailRules):
    """Everything at once."""


TestDialects = Dialects.TestCase
TestDialects.settings = settings(max_examples=settings().max_examples // 3, stateful_step_count=25, deadline=None)
