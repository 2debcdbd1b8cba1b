"""Mail on its way: in from outside, to each recipient's mailbox. `steps` shows the order of decisions on one screen.

Every delivery leaves a receipt that tells each decision with its reason.
"""
