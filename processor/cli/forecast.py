"""The forecast that commands show beside what was used."""

from __future__ import annotations

from typing import Final

from processor.cli.choice import RefusedError
from processor.cli.questions import Query, Questions
from processor.core.errors import NotFoundError
from processor.surfaces.api import InvalidParametersError
from processor.surfaces.api.documents import ForecastDocument

FORECAST_PATH: Final = "/forecast"
FORECAST_WINDOWS: Final = frozenset({"today", "week", "month"})
"""The names of times that there are forecasts of: those that are not over."""


def forecast_of(questions: Questions, query: Query) -> ForecastDocument | None:
    """The forecast of a window; None where there is none of such filters, or nobody makes any.

    A processor of an earlier version does not.
    """
    try:
        return questions.get(ForecastDocument, FORECAST_PATH, query)
    except (InvalidParametersError, NotFoundError, RefusedError):
        return None
