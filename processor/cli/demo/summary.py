"""What the ledger holds in the end, asked from the processor's cost service."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import grpc
from rich.console import Group
from rich.text import Text

from processor.core.amounts import UNKNOWN, fine_usd, marked
from processor.core.money import NANO_PER_USD, format_usd
from processor.core.wording import counted
from processor.surfaces.grpc.generated.cost_service_pb2 import (
    CheckBudgetRequest,
    CheckBudgetResponse,
    GetTotalsRequest,
    GetTotalsResponse,
)
from processor.surfaces.terminal.drawing import drawn
from processor.surfaces.terminal.figures import tokens
from processor.surfaces.terminal.grid import Column, Row, grid
from processor.surfaces.terminal.paint import Paint, plain, rule, wrap
from processor.surfaces.terminal.received import ReceivedSpan

_SERVICE: Final = "/llm_cost.v1.CostService"
_TIMEOUT_S: Final = 5.0
_ASKED: Final = (
    ("model", "llm.cost.model"),
    ("user", "user.id"),
    ("session", "session.id"),
    ("org", "organization.id"),
)
"""Scopes, and the attribute of the demo's spans that names what to ask for."""

_OPTIONS: Final = (("grpc.enable_http_proxy", 0),)
_COLUMNS: Final = (
    Column("", "word", keep=6),
    Column("", "name"),
    Column("calls"),
    Column("input", keep=3),
    Column("cached", keep=1),
    Column("output", keep=4),
    Column("cost USD"),
    Column("saved USD", keep=2),
)


class Account(NamedTuple):
    """The totals of one scope."""

    scope: str
    scope_id: str
    totals: GetTotalsResponse


class Summary(NamedTuple):
    """Everything that was asked in the end."""

    accounts: list[Account]
    """By scope; the last is the total of everything."""
    verdicts: dict[str, CheckBudgetResponse]
    """User -> whether that user may go on."""
    priced_spans: int
    """Spans that carry a cost."""
    spans_nano_usd: int
    """What those costs add up to."""


async def ask(endpoint: str, spans: Sequence[ReceivedSpan]) -> Summary:
    """Ask the processor at ``host:port`` about all that these spans belong to."""
    async with grpc.aio.insecure_channel(endpoint, options=_OPTIONS) as channel:
        get_totals = channel.unary_unary(
            f"{_SERVICE}/GetTotals",
            request_serializer=GetTotalsRequest.SerializeToString,
            response_deserializer=GetTotalsResponse.FromString,
        )
        check_budget = channel.unary_unary(
            f"{_SERVICE}/CheckBudget",
            request_serializer=CheckBudgetRequest.SerializeToString,
            response_deserializer=CheckBudgetResponse.FromString,
        )
        accounts = []
        for scope, key in _ASKED:
            found = []
            for scope_id in sorted({span.text(key) for span in spans} - {""}):
                question = GetTotalsRequest(scope=scope, id=scope_id)
                answer = await get_totals(question, timeout=_TIMEOUT_S)
                found.append(Account(scope, scope_id, answer))
            accounts += sorted(found, key=lambda each: -each.totals.cost_nano_usd)
        everything = await get_totals(GetTotalsRequest(scope="total"), timeout=_TIMEOUT_S)
        verdicts = {
            each.scope_id: await check_budget(
                CheckBudgetRequest(scopes={"user": each.scope_id}), timeout=_TIMEOUT_S
            )
            for each in accounts
            if each.scope == "user"
        }
    costs = [cost for span in spans if (cost := span.number("llm.cost_usd")) is not None]
    costs += [span.number("llm.cost.correction_usd") or 0.0 for span in spans]
    return Summary(
        [*accounts, Account("total", "", everything)],
        verdicts,
        sum(span.number("llm.cost_usd") is not None for span in spans),
        sum(round(cost * NANO_PER_USD) for cost in costs),
    )


def render_summary(summary: Summary, paint: Paint, width: int) -> Iterator[str]:
    """The lines of the summary, each at most `width` cells wide."""
    yield paint("bold", rule("totals in the ledger", width))
    scopes = ["", *(each.scope for each in summary.accounts)]
    rows = [
        _row(account, is_first=account.scope != before)
        for account, before in zip(summary.accounts, scopes, strict=False)
    ]
    table = Group(*grid(_COLUMNS, rows, width))
    yield from drawn(table, width, is_coloured=paint.enabled).splitlines()
    yield ""
    for style, text in _findings(summary):
        yield from (f" {paint(style, line)}" for line in wrap(text, width - 1))


def _row(account: Account, *, is_first: bool) -> Row:
    """A line; its scope is named once for those that follow each other."""
    scope, scope_id, totals = account
    exact = format_usd(totals.cost_nano_usd)
    cost = marked(exact, fine_usd(exact), at_least=totals.at_least)
    counts = (totals.calls, totals.input_tokens, totals.cached_tokens, totals.output_tokens)
    saved = fine_usd(format_usd(totals.saved_nano_usd)) if totals.saved_nano_usd else ""
    style = "bold" if scope == "total" else "orange" if cost == UNKNOWN else ""
    lead = (Text(scope if is_first else "", "dim"), scope_id or "everything")
    return Row((*lead, *(tokens(count) for count in counts), cost, saved), style)


def _findings(summary: Summary) -> Iterator[tuple[str, str]]:
    """What is to be said of the totals: style and sentence."""
    total = summary.accounts[-1].totals
    agree = summary.spans_nano_usd == total.cost_nano_usd
    which = "exactly the total above" if agree else "NOT the total above"
    together = f"together ${fine_usd(format_usd(summary.spans_nano_usd))}, {which}."
    style = "green" if agree else "bold red"
    yield style, f"{summary.priced_spans} spans carry a cost; {together}"
    if total.unpriced_calls:
        calls = counted(total.unpriced_calls, "call has", "calls have")
        yield "orange", f"{calls} no known price: every total that holds one says ≥."
    for user, verdict in summary.verdicts.items():
        answer = "yes" if verdict.allowed else f"no. {verdict.message}"
        yield "" if verdict.allowed else "red", plain(f"May {user} make another call? {answer}")
