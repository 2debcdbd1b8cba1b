"""Every setting there is: the kernel's and those that packages declare beside their code."""

from mailkit.accounts.settings import SETTINGS as ACCOUNTS
from mailkit.credentials.settings import SETTINGS as CREDENTIALS
from mailkit.files.settings import SETTINGS as FILES
from mailkit.jobs.settings import SETTINGS as JOBS
from mailkit.limits.settings import SETTINGS as LIMITS
from mailkit.mailstore.settings import SETTINGS as MAILSTORE
from mailkit.quota.settings import SETTINGS as QUOTA
from mailkit.sealing.settings import SETTINGS as SEALING
from mailkit.settings import KERNEL_KEYS, Registry

__all__ = ["registry"]


def registry() -> Registry:
    """The registry of a whole platform."""
    return Registry(*KERNEL_KEYS, *QUOTA, *JOBS, *LIMITS, *SEALING, *CREDENTIALS, *ACCOUNTS, *FILES, *MAILSTORE)
