"""The job that removes a deleted account's data: step by step, each of them safe to repeat."""

from typing import Final

__all__ = ["PURGE"]

PURGE: Final = "account.purge"
