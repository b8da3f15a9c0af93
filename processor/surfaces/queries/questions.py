"""What a question may name, and what the answer about budgets says in words.

Every surface checks its questions here, so that they all refuse the same with the same words.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, get_args

from processor.core.budgets.call_check import BudgetCheck
from processor.core.budgets.reservations import ID_MAX_CHARS
from processor.core.errors import InvalidQuestionError
from processor.core.model import Scope, WindowKind
from processor.core.money import format_usd
from processor.surfaces.queries.requests import BudgetCheckRequest

_SCOPES: Final[tuple[str, ...]] = get_args(Scope)
_SCOPES_WITH_TOTALS: Final = tuple(scope for scope in _SCOPES if scope != "call")
_SCOPES_WITHOUT_ID: Final = frozenset({"call", "total"})
_WINDOWS: Final[tuple[str, ...]] = get_args(WindowKind)
_SHOWN_MAX_CHARS: Final = 100
SCOPES_MAX: Final = 32
RESERVED_MAX_S: Final = 3600
RESERVATION_ID: Final = re.compile(rf"[A-Za-z0-9._:-]{{1,{ID_MAX_CHARS}}}")
_AMOUNTS: Final = {
    "cost_nano_usd": 10**18,
    "tokens": 10**12,
    "input_tokens": 10**12,
    "output_tokens": 10**12,
    "cached_tokens": 10**12,
}
"""What one call is expected to use, and the most that is taken; more is a mistake."""


def check_totals(scope: str, scope_id: str, window: str, dimensions: Sequence[str] = ()) -> None:
    """Check a question about totals. Raises InvalidQuestionError.

    `dimensions` are the operator's own, which are scopes as well.
    """
    _check_known("scope", scope, (*_SCOPES_WITH_TOTALS, *dimensions))
    _check_id("id", scope, scope_id)
    _check_known("window", window, _WINDOWS)


def check_call(request: BudgetCheckRequest, dimensions: Sequence[str] = ()) -> None:
    """Check a question about a call that is not made yet. Raises InvalidQuestionError.

    `dimensions` are the operator's own, which are scopes as well.
    """
    if len(request.scopes) > SCOPES_MAX:
        what = f"names {len(request.scopes)} scopes, and takes {SCOPES_MAX}"
        raise InvalidQuestionError("scopes", what)
    for scope, scope_id in request.scopes.items():
        _check_known("scopes", scope, (*_SCOPES, *dimensions))
        _check_id(f"scopes[{scope}]", scope, scope_id)
    for name, most in _AMOUNTS.items():
        value = getattr(request, name)
        if value is not None and not 0 <= value <= most:
            raise InvalidQuestionError(name, f"must be from 0 to {most}, got {value}")
    if request.cached_tokens > request.input_tokens:
        what = "is a part of input_tokens, which has fewer"
        raise InvalidQuestionError("cached_tokens", what, "give all input in input_tokens")
    if not request.model and (request.input_tokens or request.output_tokens):
        fix = "name the model that is priced for them, or give tokens alone"
        raise InvalidQuestionError("model", "is missing", fix)
    if not 1 <= request.ttl_s <= RESERVED_MAX_S:
        what = f"must be from 1 to {RESERVED_MAX_S} seconds, got {request.ttl_s:g}"
        raise InvalidQuestionError("ttl_s", what)
    if request.reservation_id and not request.reserve:
        raise InvalidQuestionError("reservation_id", "is given, and reserve is not true")
    if request.reservation_id and not RESERVATION_ID.fullmatch(request.reservation_id):
        what = f"must have up to {ID_MAX_CHARS} letters, digits and . _ : -"
        raise InvalidQuestionError("reservation_id", what)


def objection(check: BudgetCheck) -> str:
    """Why a budget refuses a call, in words."""
    standing = check.standing
    owner = f" of {standing.scope} {standing.scope_id}" if standing.scope_id else ""
    unit = standing.unit
    spent = ("at least " if standing.at_least else "") + _quantity(standing.spent, unit)
    if check.reserved:
        spent += f" + {_quantity(check.reserved, unit)} reserved"
    would = ""
    if not standing.exceeded and check.estimate:
        would, spent = "would be ", f"{spent} + {_quantity(check.estimate, unit)}"
    limit = _quantity(standing.limit, unit)
    return f"Budget {would}exceeded: {standing.budget}{owner}: {spent} / {limit}"


def _check_known(field: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        what = f"unknown value {value[:_SHOWN_MAX_CHARS]!r}"
        raise InvalidQuestionError(field, what, choices=known)


def _check_id(field: str, scope: str, scope_id: str) -> None:
    if scope in _SCOPES_WITHOUT_ID and scope_id:
        raise InvalidQuestionError(field, f"must be empty, because there is only one {scope}")
    if scope not in _SCOPES_WITHOUT_ID and not scope_id:
        raise InvalidQuestionError(field, f"must say which {scope}")


def _quantity(value: int, unit: str) -> str:
    return f"${format_usd(value)}" if unit == "usd" else f"{value} tokens"
