"""What applications import to ask a running processor what their LLM calls cost.

    from processor.client import CostClient

    with CostClient() as client:
        print(client.costs.get_summary(window="month").total_cost)

`AsyncCostClient` has the same methods to await. Amounts are exact decimals; what is unknown is
None, and `at_least` says that a total lacks calls of unknown cost.

clients     both clients, and how each sends a request
resources   what can be asked; questions: how each is written once for both
address     where a processor answers, and what its answers mean; errors
guard       asks around a call; verdict: what it is answered; spans: the reservation on spans
records     what is answered; reading: how it is made of the API's documents
"""

from processor.client.clients import AsyncCostClient, CostClient
from processor.client.errors import (
    CostClientError,
    ForbiddenError,
    InvalidQuestionError,
    NotFoundError,
    ParameterProblem,
    RefusedError,
    TimedOutError,
    TooSlowError,
    UnauthenticatedError,
    UnavailableError,
    UnexpectedAnswerError,
    UnreachableError,
)
from processor.client.guard import BudgetGuard
from processor.client.records import (
    BudgetState,
    CallsPage,
    CostReport,
    CostSummary,
    ExecutionAnswer,
    LLMCall,
    UsageGroup,
)
from processor.client.resources import CostTracker
from processor.client.spans import ReservationSpanProcessor
from processor.client.verdict import (
    BudgetExceededError,
    BudgetUncheckedError,
    BudgetVerdict,
    CheckedBudget,
)

__all__ = [
    "AsyncCostClient",
    "BudgetExceededError",
    "BudgetGuard",
    "BudgetState",
    "BudgetUncheckedError",
    "BudgetVerdict",
    "CallsPage",
    "CheckedBudget",
    "CostClient",
    "CostClientError",
    "CostReport",
    "CostSummary",
    "CostTracker",
    "ExecutionAnswer",
    "ForbiddenError",
    "InvalidQuestionError",
    "LLMCall",
    "NotFoundError",
    "ParameterProblem",
    "RefusedError",
    "ReservationSpanProcessor",
    "TimedOutError",
    "TooSlowError",
    "UnauthenticatedError",
    "UnavailableError",
    "UnexpectedAnswerError",
    "UnreachableError",
    "UsageGroup",
]
