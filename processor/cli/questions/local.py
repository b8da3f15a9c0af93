"""Questions to the ledger's file, by the same table of endpoints as the API's."""

from __future__ import annotations

import asyncio
from functools import cached_property
from pathlib import Path

from processor.app.questions import build_queries, build_reader
from processor.cli.questions.protocol import D, Form, Query
from processor.cli.sources import budgets_from, prices_from
from processor.config import Settings
from processor.core.insight import Prices
from processor.core.pricing import Catalog
from processor.io.ledger import examine_file
from processor.surfaces.api import Sources, as_kind, get, write_document
from processor.surfaces.api.documents import Answer


class Local:
    """A ledger's file, with the prices and budgets of the settings.

    It may be asked while a processor has the file open. `other_prices` are what calls are compared
    with instead of the prices of the settings. Raises ConfigError.
    """

    def __init__(self, settings: Settings, other_prices: Catalog | None = None) -> None:
        policy = budgets_from(settings.budgets.file, settings.dimension_names)
        examine_file(Path(settings.ledger.path))
        self._settings = settings
        self._reader = build_reader(settings)
        self._runner = asyncio.Runner()
        queries = build_queries(settings, self._reader, lambda: policy, self._catalog)
        self._sources = Sources(queries, other_prices=other_prices)

    @cached_property
    def _prices(self) -> Prices:
        """Read when they are asked for: few questions are about prices."""
        return prices_from(self._settings.pricing.file)

    def _catalog(self) -> Catalog:
        return self._prices.catalog

    def get(self, kind: type[D], path: str, query: Query = ()) -> D:
        """The answer as a document; see `Questions.get`."""
        return as_kind(self._ask(path, query), kind, path)

    def text(self, path: str, query: Query, form: Form) -> str:
        """The answer as the API writes it."""
        return write_document(self._ask(path, query), form)

    def close(self) -> None:
        """Close the file."""
        self._runner.run(self._reader.close())
        self._runner.close()

    def _ask(self, path: str, query: Query) -> Answer:
        return self._runner.run(get(self._sources, path, query))
