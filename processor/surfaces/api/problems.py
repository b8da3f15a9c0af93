"""What is wrong with a question, as a document; RFC 9457 has its form."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from pydantic import Field

from processor.core.errors import InvalidQuestionError, PermanentError
from processor.surfaces.api.documents import Document

_NAMES: Final = {
    "filters": "filter",
    "start": "starting_at",
    "end": "ending_at",
    "trace": "trace_id",
    "run": "trace_id",
    "ids": "limit",
    "traces_limit": "traces",
    "cost_nano_usd": "estimate_usd",
}
"""Parameters by the names that questions have for them."""
_FILTER: Final = re.compile(r"filters\[(.*)\]", re.DOTALL)


class ParameterProblem(Document):
    """One parameter that cannot be used, and how to put it right."""

    parameter: str
    detail: str
    fix: str | None
    choices: list[str] = Field(description="All that is accepted there; empty without a list.")

    @classmethod
    def from_error(cls, error: InvalidQuestionError) -> ParameterProblem:
        """The problem that an error states, by the parameter's name."""
        return cls(
            parameter=parameter_of(error.field),
            detail=error.what,
            fix=error.fix or None,
            choices=list(error.choices),
        )

    def __str__(self) -> str:
        takes = f"it takes {', '.join(self.choices)}" if self.choices else ""
        advice = " ".join(filter(None, (self.fix, takes)))
        return f"{self.parameter}: {self.detail}" + (f"; {advice}" if advice else "")


class InvalidParametersError(PermanentError):
    """Parameters that cannot be used; carries every problem found at once."""

    reason = "invalid_question"

    def __init__(self, problems: Sequence[ParameterProblem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = tuple(problems)


class ProblemDocument(Document):
    """Why there is no answer, as ``application/problem+json``."""

    type: str = Field(description="Where it is explained.")
    title: str = Field(description="The same for every problem of a kind.")
    status: int
    detail: str
    errors: list[ParameterProblem] = Field(description="Which parameters, where it is about some.")


def parameter_of(field: str) -> str:
    """The parameter that a field of a question is given by."""
    of_filter = _FILTER.fullmatch(field)
    return f"filter[{of_filter[1]}]" if of_filter else _NAMES.get(field, field)
