"""What requests with a body say, as JSON."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Annotated, Final, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from processor.core.errors import InvalidQuestionError
from processor.core.money import parse_usd
from processor.surfaces.api.problems import InvalidParametersError, ParameterProblem
from processor.surfaces.api.reading import reworded
from processor.surfaces.queries import (
    RESERVATION_ID,
    RESERVED_MAX_S,
    RESERVED_S,
    SCOPES_MAX,
    BudgetCheckRequest,
)

BODY_MAX_BYTES: Final = 64 * 1024
_TOKENS_MAX: Final = 10**12
_USD_MAX: Final = 10**9
_AMOUNT: Final = r"^[0-9]{1,10}(\.[0-9]{1,30})?$"

Name = Annotated[str, StringConstraints(max_length=1024)]
Tokens = Annotated[int, Field(ge=0, le=_TOKENS_MAX)]
B = TypeVar("B", bound="Body")


class Body(BaseModel):
    """What a request says."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, hide_input_in_errors=True
    )


class BudgetCheckBody(Body):
    """A call that is not made yet: whose it is, and what it is expected to use."""

    scopes: dict[str, Annotated[str, StringConstraints(min_length=1, max_length=1024)]] = Field(
        default_factory=dict,
        max_length=SCOPES_MAX,
        description="Ids by scope: `user`, `session`, `org`, `agent`, … or a dimension of your "
        "own; filters of budgets look at them as well. Ids are those that spans say.",
        examples=[{"user": "ada", "session": "s-1"}],
    )
    estimate_usd: (
        Annotated[str, StringConstraints(pattern=_AMOUNT)]
        | Annotated[float, Field(ge=0, le=_USD_MAX)]
        | None
    ) = Field(
        None,
        description="What the call is expected to cost, as a decimal text or a number. Without it, "
        "and without `model`, that is unknown: then budgets allow while anything is left.",
        examples=["0.05"],
    )
    tokens: Tokens | None = Field(
        None,
        description="The tokens that it is expected to use, input and output together, for budgets "
        "in tokens; those of `model` where they are not given.",
    )
    model: Name = Field(
        "",
        description="The model of the call, which is priced for the tokens below where "
        "`estimate_usd` is not given.",
    )
    provider: Name = Field("", description="Its provider, where the model alone does not say it.")
    input_tokens: Tokens = Field(0, description="All input, with what comes from a cache.")
    output_tokens: Tokens = Field(0, description="All output; the most that is asked for.")
    cached_tokens: Tokens = Field(0, description="The part of the input that comes from a cache.")
    reserve: bool = Field(
        default=False,
        description="Whether the estimate is held, where the call is allowed, until a span with "
        "the attribute `llm.budget.reservation` is charged, it is released, or it lapses. Other "
        "checks count it. It is in the memory of one process, and a restart forgets it.",
    )
    reservation_id: Annotated[str, StringConstraints(pattern=f"^({RESERVATION_ID.pattern})?$")] = (
        Field(
            "",
            description="Its id, another one for each call; one is made where none is given. The "
            "same request with the same id is the same reservation.",
        )
    )
    ttl_s: Annotated[float, Field(ge=1, le=RESERVED_MAX_S)] = Field(
        RESERVED_S, description="After how many seconds the reservation lapses."
    )

    def request(self) -> BudgetCheckRequest:
        """The question. Raises InvalidQuestionError."""
        return BudgetCheckRequest(
            self.scopes,
            None if self.estimate_usd is None else _nano_usd(self.estimate_usd),
            self.tokens,
            self.model,
            self.provider,
            self.input_tokens,
            self.output_tokens,
            self.cached_tokens,
            self.reserve,
            self.reservation_id,
            self.ttl_s,
        )


def read_body(kind: type[B], body: bytes) -> B:
    """What a body says. Raises InvalidParametersError with every problem."""
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        mistakes = error.errors(include_url=False)
    # Of what may be one of several things, the last one says what is wrong with the amount itself.
    problems = {each.parameter: each for each in map(reworded, mistakes)}
    raise InvalidParametersError(list(problems.values()))


def _nano_usd(amount: str | float) -> int:
    try:
        # The shortest text of a double is the decimal that somebody has written.
        return parse_usd(Decimal(str(amount)))
    except (InvalidOperation, ValueError):
        raise InvalidQuestionError("estimate_usd", f"is no amount: {amount!r}") from None


def body_problem(detail: str, fix: str = "") -> InvalidParametersError:
    """What is wrong with a body as a whole."""
    problem = ParameterProblem(parameter="body", detail=detail, fix=fix or None, choices=[])
    return InvalidParametersError([problem])
