"""Settings, prices and budgets as the arguments ask for them."""

from __future__ import annotations

import argparse
import os
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Final

from processor.cli.flags import SETTINGS_FLAGS
from processor.config import Settings, bundled, load_prices, load_settings, read_text
from processor.core.budgets import DeclaredChannel, Policy, parse_budgets
from processor.core.insight import Prices

_BUNDLED = "built in"
NO_FILE_YET: Final = "a copy of config/pricing.yaml, named with --pricing"
"""Where to write prices when no price file is in use. The operator's file replaces
the bundled one, so an empty file would lose the corrections that the bundled one holds."""


def settings_from(arguments: argparse.Namespace) -> Settings:
    """The settings for one command. Raises ConfigError."""
    overrides = {name: getattr(arguments, flag, None) for flag, name in SETTINGS_FLAGS.items()}
    path = Path(arguments.config) if arguments.config else None
    return load_settings(path, overrides, os.environ)


def prices_from(path: str) -> Prices:
    """The prices in a file, or the bundled ones for ``""``. Raises ConfigError."""
    text = read_text(Path(path)) if path else bundled("pricing.yaml")
    return Prices(*load_prices(text, path or _BUNDLED))


def budgets_from(
    path: str, dimensions: Collection[str] = (), channels: Sequence[DeclaredChannel] | None = None
) -> Policy:
    """The budgets in a file, or the bundled ones for ``""``. Raises ConfigError.

    `dimensions` are the operator's own, by which budgets may limit; `channels` those that they may
    notify, None where that does not matter.
    """
    text = read_text(Path(path)) if path else bundled("budgets.yaml")
    return parse_budgets(text, path or _BUNDLED, dimensions, channels)


def file_name(path: str) -> str:
    """A file as messages name it."""
    return path or _BUNDLED
