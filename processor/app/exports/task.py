"""What one scheduled export is to write, as the processor says it to the process that does."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any
from zoneinfo import ZoneInfo

from processor.core.budgets import Policy
from processor.core.model import Calendar
from processor.surfaces.exports import ExportRequest
from processor.surfaces.queries import TimeRange


@dataclass(frozen=True, slots=True)
class ExportTask:
    """All that it takes, so that no file of settings is read a second time."""

    name: str
    ledger: str
    """The ledger's file."""
    budgets_zone: str
    """Where days begin for budgets, as an IANA name."""
    own_dimensions: Sequence[str]
    now_s: float
    """Seconds since 1970."""
    until_s: float
    """The latest end of a file that is due."""
    look_back: int
    folder: str
    format: Any
    request: Mapping[str, Any]
    """Fields of `ExportRequest` but the time."""
    time_zone: str

    @property
    def policy(self) -> Policy:
        """What of the budgets an export has to know."""
        calendar = Calendar(ZoneInfo(self.budgets_zone))
        return Policy(calendar=calendar, dimensions=tuple(self.own_dimensions))

    def asked(self) -> ExportRequest:
        """Which rows are wanted."""
        return ExportRequest(time=TimeRange(time_zone=self.time_zone), **self.request)

    def write(self) -> str:
        """It as JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def read(cls, text: str) -> ExportTask:
        """From its JSON."""
        return cls(**json.loads(text))
