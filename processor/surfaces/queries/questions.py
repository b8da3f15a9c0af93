"""What a question may name, and what the answer about budgets says in words.

Every surface checks its questions here, so that they all refuse the same with the same words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, get_args

from processor.core.errors import InvalidQuestionError
from processor.core.model import Scope, Standing, WindowKind
from processor.core.money import format_usd

_SCOPES: Final[tuple[str, ...]] = get_args(Scope)
_SCOPES_WITH_TOTALS: Final = tuple(scope for scope in _SCOPES if scope != "call")
_SCOPES_WITHOUT_ID: Final = frozenset({"call", "total"})
_WINDOWS: Final[tuple[str, ...]] = get_args(WindowKind)
_SHOWN_MAX_CHARS: Final = 100


def check_totals(scope: str, scope_id: str, window: str, dimensions: Sequence[str] = ()) -> None:
    """Check a question about totals. Raises InvalidQuestionError.

    `dimensions` are the operator's own, which are scopes as well.
    """
    _check_known("scope", scope, (*_SCOPES_WITH_TOTALS, *dimensions))
    _check_id("id", scope, scope_id)
    _check_known("window", window, _WINDOWS)


def check_scopes(scopes: Mapping[str, str], dimensions: Sequence[str] = ()) -> None:
    """Check a question about budgets, which names ids by scope. Raises InvalidQuestionError.

    `dimensions` are the operator's own, which are scopes as well.
    """
    for scope, scope_id in scopes.items():
        _check_known("scopes", scope, (*_SCOPES, *dimensions))
        _check_id(f"scopes[{scope}]", scope, scope_id)


def objections(standings: Sequence[Standing], estimate_nano_usd: int) -> list[str]:
    """Why budgets speak against a further call of an estimated cost; empty when none does."""
    return [text for each in standings if (text := _objection(each, estimate_nano_usd))]


def _check_known(field: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        what = f"unknown value {value[:_SHOWN_MAX_CHARS]!r}"
        raise InvalidQuestionError(field, what, choices=known)


def _check_id(field: str, scope: str, scope_id: str) -> None:
    if scope in _SCOPES_WITHOUT_ID and scope_id:
        raise InvalidQuestionError(field, f"must be empty, because there is only one {scope}")
    if scope not in _SCOPES_WITHOUT_ID and not scope_id:
        raise InvalidQuestionError(field, f"must say which {scope}")


def _objection(standing: Standing, estimate_nano_usd: int) -> str:
    """Why this budget speaks against a further call, or ``""``."""
    owner = f" of {standing.scope} {standing.scope_id}" if standing.scope_id else ""
    name = f"{standing.budget}{owner}"
    spent = ("at least " if standing.at_least else "") + _quantity(standing.spent, standing.unit)
    limit = _quantity(standing.limit, standing.unit)
    if standing.exceeded:
        return f"Budget exceeded: {name}: {spent} / {limit}"
    if standing.unit == "usd" and standing.spent + estimate_nano_usd > standing.limit:
        more = _quantity(estimate_nano_usd, "usd")
        return f"Budget would be exceeded: {name}: {spent} + {more} / {limit}"
    return ""


def _quantity(value: int, unit: str) -> str:
    return f"${format_usd(value)}" if unit == "usd" else f"{value} tokens"
