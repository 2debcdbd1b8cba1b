"""Quota: how many bytes an account and its tenant may keep, and how many they do.

`admit` decides (one pure function for account and tenant together), `amounts` says what a quota may be, `service` keeps
the used bytes and charges them in the transaction that stores. All bytes of a message count, however they are shared.
"""

from mailkit.quota.admit import Admission, Admitted, Refused, Usage, admit
from mailkit.quota.amounts import INHERIT, UNLIMITED, Bytes, Inherit, Quota, Unlimited, decode, effective, encode
from mailkit.quota.service import Holder, QuotaService

__all__ = [
    "INHERIT",
    "UNLIMITED",
    "Admission",
    "Admitted",
    "Bytes",
    "Holder",
    "Inherit",
    "Quota",
    "QuotaService",
    "Refused",
    "Unlimited",
    "Usage",
    "admit",
    "decode",
    "effective",
    "encode",
]
