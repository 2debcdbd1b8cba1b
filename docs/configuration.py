"""Writes configuration.md, the page of all settings: `python docs/configuration.py`."""

from pathlib import Path

from mailkit.known_settings import registry
from mailkit.settings import configuration_page

REGISTRY = registry()
PAGE = Path(__file__).with_suffix(".md")

if __name__ == "__main__":
    PAGE.write_text(configuration_page(REGISTRY))
