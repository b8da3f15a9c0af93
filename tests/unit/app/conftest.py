"""An exporter and a ledger that remember what they were given."""

from __future__ import annotations

from contextlib import contextmanager

import pytest

from processor.app.pipeline import Pipeline
from processor.core.errors import LedgerUnavailableError
from processor.core.model import Intake, Receipt
from processor.core.pricing import compile_catalog, parse_prices
from processor.core.semconv import ReadOptions


class RecordingExporter:
    """Delivers everything, and remembers the payloads."""

    def __init__(self):
        self.payloads = []
        self.reserved = 0
        self.error = None

    @contextmanager
    def reserve(self, _batch):
        self.reserved += 1
        yield self

    async def deliver(self, payload):
        if self.error is not None:
            raise self.error
        self.payloads.append(payload)
        return Receipt()


class RecordingLedger:
    """Remembers what it is asked to charge, or fails while `is_broken`."""

    def __init__(self):
        self.intakes: list[Intake] = []
        self.is_broken = False

    async def post(self, intake):
        if self.is_broken:
            raise LedgerUnavailableError("disk full")
        self.intakes.append(intake)
        return {}


@pytest.fixture
def ledger():
    return RecordingLedger()


@pytest.fixture
def exporter():
    return RecordingExporter()


@pytest.fixture
def make_pipeline(exporter, ledger):
    """Builds a pipeline without any price; keywords are those of `Pipeline`."""
    catalog = compile_catalog(parse_prices("version: 1\nmodels: []\n", "p.yaml"))
    return lambda **options: Pipeline(exporter, ledger, catalog, ReadOptions(), **options)


@pytest.fixture
def pipeline(make_pipeline):
    return make_pipeline()
