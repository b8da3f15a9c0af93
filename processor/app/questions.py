"""From settings to what answers questions, which needs neither a receiver nor an exporter."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from processor.config import Settings
from processor.core.budgets import Policy
from processor.core.pricing import Catalog
from processor.io.ledger import SqliteReader
from processor.surfaces.queries import CostQueries


def build_reader(settings: Settings) -> SqliteReader:
    """Answers questions from the ledger's file, which it opens when the first one comes."""
    return SqliteReader(Path(settings.ledger.path))


def build_queries(
    settings: Settings,
    reader: SqliteReader,
    policy: Callable[[], Policy],
    catalog: Callable[[], Catalog],
) -> CostQueries:
    """What answers questions with the budgets and prices in force; it changes nothing."""
    return CostQueries(policy, reader, catalog, price_file=settings.pricing.file)
