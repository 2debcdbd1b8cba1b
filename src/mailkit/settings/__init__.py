"""Settings: a registry of typed keys, five layers, numbered snapshots.

    settings = Settings(Registry(*KERNEL_KEYS, *quota.SETTINGS), environment=os.environ, file=Path("mailkit.toml"))
    store = open_store(settings.get(kernel.STORE))
    settings.attach(store)                              # from here on the store's layer counts too

The layers, highest first: arguments (the command line), environment, TOML file, store, default (`layers` decides).
"""

from mailkit.settings.kernel import KERNEL_KEYS
from mailkit.settings.layers import Layer, Problem
from mailkit.settings.page import configuration_page
from mailkit.settings.registry import Key, Registry, Scope
from mailkit.settings.service import Report, Settings, read_toml
from mailkit.settings.snapshot import Shown, Snapshot

__all__ = [
    "KERNEL_KEYS",
    "Key",
    "Layer",
    "Problem",
    "Registry",
    "Report",
    "Scope",
    "Settings",
    "Shown",
    "Snapshot",
    "configuration_page",
    "read_toml",
]
