"""What is asked with a body, or lets something go: nothing of it changes the ledger."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, Literal

from pydantic import Field

from processor.core.errors import InvalidQuestionError, NotFoundError
from processor.surfaces.api.answers import Sources
from processor.surfaces.api.bodies import Body, BudgetCheckBody
from processor.surfaces.api.documents import BudgetCheckDocument, Document, ReleaseDocument
from processor.surfaces.api.parameters import PATH
from processor.surfaces.api.paths import values_in
from processor.surfaces.api.problems import InvalidParametersError, ParameterProblem
from processor.surfaces.queries import BudgetChecks

Method = Literal["POST", "DELETE"]


class ReservationBody(Body):
    """Which reservation."""

    reservation_id: str = Field(description="As the check has answered it.", json_schema_extra=PATH)


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that can be asked for, which is no GET."""

    method: Method
    path: str
    """Below `PREFIX`; a segment in braces is a parameter."""
    operation: str
    summary: str
    body: type[Body]
    """What it takes: as JSON for POST, in its path for DELETE."""
    document: type[Document]
    act: Callable[[BudgetChecks, Sources, Any], Awaitable[Document]]

    async def answer(self, sources: Sources, body: Body) -> Document:
        """Do it. Raises InvalidParametersError, NotFoundError, and what `BudgetChecks` raises."""
        if sources.checks is None:
            raise NotFoundError("only a processor that runs can be asked this")
        try:
            return await self.act(sources.checks, sources, body)
        except InvalidQuestionError as error:
            raise InvalidParametersError([ParameterProblem.from_error(error)]) from error


async def _check(checks: BudgetChecks, sources: Sources, asked: BudgetCheckBody) -> Document:
    found = await checks.check(asked.request())
    return BudgetCheckDocument.from_answer(found, sources.costs.calendar.zone)


async def _release(checks: BudgetChecks, _sources: Sources, asked: ReservationBody) -> Document:
    if not checks.release(asked.reservation_id):
        raise NotFoundError(
            "no reservation of this id is held: it was charged, has lapsed, or was released before"
        )
    return ReleaseDocument(reservation_id=asked.reservation_id, released=True)


ACTIONS: Final = (
    Action(
        "POST", "/budgets/check", "check_budgets",
        "Whether a call may be made that is expected to use so much",
        BudgetCheckBody, BudgetCheckDocument, _check,
    ),
    Action(
        "DELETE", "/budgets/reservations/{reservation_id}", "release_reservation",
        "Lets a reservation go whose call is not made",
        ReservationBody, ReleaseDocument, _release,
    ),
)  # fmt: skip


def find_action(path: str) -> tuple[Action, dict[str, str]] | None:
    """The action of a path below `PREFIX`, still quoted, and the parameters in it."""
    for action in ACTIONS:
        values = values_in(action.path, path)
        if values is not None:
            return action, values
    return None
