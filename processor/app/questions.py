"""From settings to what answers questions, which needs neither a receiver nor an exporter."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Final

from processor.config import Settings
from processor.config.insight import low_quality_of
from processor.core.budgets import Policy
from processor.core.insight import LowQuality
from processor.core.pricing import Catalog
from processor.core.semconv import ReadOptions
from processor.io.ledger import SqliteReader
from processor.surfaces.queries import BudgetChecks, CostQueries

_CHECK_S: Final = 2.0
"""Whoever is about to make a call waits no longer for the totals."""
_ID_BYTES: Final = 16


def low_quality_in(settings: Settings) -> LowQuality:
    """Which calls need no better answer than a smaller model gives, as the settings say."""
    return low_quality_of(settings.insight, settings.dimensions)


def build_reader(settings: Settings) -> SqliteReader:
    """Answers questions from the ledger's file, which it opens when the first one comes."""
    return SqliteReader(Path(settings.ledger.path))


def build_check_reader(settings: Settings) -> SqliteReader:
    """Reads totals for checks of budgets alone, so that they never wait behind other questions."""
    return SqliteReader(Path(settings.ledger.path), threads=1, time_limit_s=_CHECK_S)


def build_checks(
    reader: SqliteReader,
    policy: Callable[[], Policy],
    catalog: Callable[[], Catalog],
    options: Callable[[], ReadOptions],
) -> BudgetChecks:
    """What decides about calls before they are made."""
    return BudgetChecks(policy, reader, catalog, options, lambda: secrets.token_hex(_ID_BYTES))


def build_queries(
    settings: Settings,
    reader: SqliteReader,
    policy: Callable[[], Policy],
    catalog: Callable[[], Catalog],
) -> CostQueries:
    """What answers questions with the budgets and prices in force; it changes nothing."""
    low_quality = low_quality_in(settings)
    return CostQueries(
        policy, reader, catalog, price_file=settings.pricing.file, low_quality=low_quality
    )
