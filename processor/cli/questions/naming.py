"""What is wrong with a question, by the flag that says it instead of the API's parameter."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from processor.core.errors import ConfigError, Problem
from processor.surfaces.api import InvalidParametersError, ParameterProblem

_FLAGS: Final = {
    "group_by": "--by",
    "filter": "--filter",
    "window": "--period",
    "starting_at": "--since",
    "ending_at": "--until",
    "bucket": "--bucket",
    "order_by": "--order-by",
    "limit": "--limit",
    "model": "--model",
    "cursor": "--cursor",
    "time_zone": "--time-zone",
    "trace_id": "ID",
    "value": "ID",
}
_OF_FILTER: Final = re.compile(r"filter\[(.*)\]", re.DOTALL)
_WORDS: Final = re.compile(r"\b(starting_at|ending_at|time_zone)\b")


@contextmanager
def by_flags() -> Iterator[None]:
    """Turn InvalidParametersError into a ConfigError that names flags."""
    try:
        yield
    except InvalidParametersError as error:
        raise ConfigError(list(map(_by_flag, error.problems))) from error


def _by_flag(problem: ParameterProblem) -> Problem:
    takes = f"it takes {', '.join(problem.choices)}" if problem.choices else ""
    fix = " ".join(filter(None, (problem.fix, takes)))
    detail = _WORDS.sub(lambda found: _FLAGS[found[1]], problem.detail)
    return Problem(_flag(problem.parameter), detail, fix)


def _flag(parameter: str) -> str:
    of_filter = _OF_FILTER.fullmatch(parameter)
    return f"--filter {of_filter[1]}" if of_filter else _FLAGS.get(parameter, parameter)
