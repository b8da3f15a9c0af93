"""Settings: every one with a type, a default, a check and a sentence. Files that may change.

`load_settings` puts them together; `Watcher` reads prices and budgets again when they change.
"""

from processor.config.load import bundled, load_settings, read_text
from processor.config.notifications import Notifications
from processor.config.prices import LoadedPrices, load_prices, named_files
from processor.config.reference import render_reference
from processor.config.reload import Watcher
from processor.config.settings import Settings

__all__ = [
    "LoadedPrices",
    "Notifications",
    "Settings",
    "Watcher",
    "bundled",
    "load_prices",
    "load_settings",
    "named_files",
    "read_text",
    "render_reference",
]
