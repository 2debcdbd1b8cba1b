"""Writes configuration.md, the page of all settings: `python docs/configuration.py`."""

from pathlib import Path

from mailkit.jobs.settings import SETTINGS as JOBS
from mailkit.limits.settings import SETTINGS as LIMITS
from mailkit.quota.settings import SETTINGS as QUOTA
from mailkit.settings import KERNEL_KEYS, Registry, configuration_page

REGISTRY = Registry(*KERNEL_KEYS, *JOBS, *LIMITS, *QUOTA)
PAGE = Path(__file__).with_suffix(".md")

if __name__ == "__main__":
    PAGE.write_text(configuration_page(REGISTRY))
