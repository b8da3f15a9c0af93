"""Spans in plain words, and what the stages before the ledger make of them.

One token of input costs 10 nano-USD, one that was read from a cache 1, one of output 40.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from processor.core.attribution import Node
from processor.core.budgets.policy import Budget, Policy
from processor.core.model import (
    NOBODY,
    Aggregate,
    Calendar,
    Call,
    Charge,
    Entry,
    Intake,
    Mark,
    Owner,
    Scope,
    Spans,
    Status,
    Unpriced,
    Usage,
)
from processor.core.money import Amount, price_usage
from processor.core.posting import entry_of

NANO = 10**6
_USD_PER_BILLION = (
    10,
    1,
    12,
    20,
    30,
    10,
    40,
    40,
    80,
    80,
    0,
    1000,
    3,
    1,
    10,
    80,
    40,
    5,
    7,
    9,
    11,
    13,
)
RATES = tuple(NANO * rate for rate in _USD_PER_BILLION)
START_S = 1_800_000_000  # 2027-01-15 08:00:00 UTC, the start of an hour
UTC = Calendar(ZoneInfo("UTC"), 0)
NOW_S = START_S + 600
"""When batches are received, unless a test says otherwise."""


_UNPRICED: dict[str, tuple[Status, str]] = {
    "unpriced": ("unpriced", "not known"),
    "usage_missing": ("usage_missing", ""),
    "failed": ("failed", ""),
}


@dataclass(frozen=True)
class SpanSpec:
    """One span as a test describes it; ids are small numbers, `at_s` counts from the start."""

    kind: str
    span: int
    parent: int = 0
    trace: int = 1
    at_s: int = 0
    usage: Usage | None = None
    aggregate: Aggregate | None = None
    own: Owner = NOBODY
    inherited: Owner = NOBODY
    remote: bool = False
    model: str = "gpt-4o"
    amount: Amount | None = None
    price_version: str = "v1"
    doubt: str = ""
    response: str = ""
    scope: str = ""
    service: str = "svc"

    @property
    def key(self) -> tuple[bytes, bytes]:
        return trace_id(self.trace), span_id(self.span)

    @property
    def time_ns(self) -> int:
        return (START_S + self.at_s) * 10**9

    @property
    def mark(self) -> Mark:
        return Mark(
            0, self.time_ns, is_agent=self.kind == "agent", own=self.own, inherited=self.inherited,
            service=self.service, scope=self.scope,
        )  # fmt: skip


def trace_id(number: int) -> bytes:
    return bytes([number] * 16)


def span_id(number: int) -> bytes:
    return number.to_bytes(8, "big") if number else b""


def call(span: int, parent: int = 0, tokens: int = 100, **more: Any) -> SpanSpec:
    """A priced leaf call, of `tokens` input tokens unless its usage is given."""
    more.setdefault("usage", Usage(input=tokens))
    return SpanSpec("call", span, parent, **more)


def unpriced(span: int, parent: int = 0, tokens: int = 100, **more: Any) -> SpanSpec:
    more.setdefault("usage", Usage(input=tokens))
    return SpanSpec("unpriced", span, parent, **more)


def usage_missing(span: int, parent: int = 0, **more: Any) -> SpanSpec:
    return SpanSpec("usage_missing", span, parent, **more)


def failed(span: int, parent: int = 0, **more: Any) -> SpanSpec:
    return SpanSpec("failed", span, parent, **more)


def aggregate(span: int, parent: int = 0, tokens: int = 100, **more: Any) -> SpanSpec:
    """An agent that reports usage of its own, by default the sum of what is below it."""
    more = {"usage": Usage(input=tokens), "aggregate": "sum", **more}
    return SpanSpec("agent", span, parent, **more)


def agent(span: int, parent: int = 0, name: str = "planner", **more: Any) -> SpanSpec:
    own = more.pop("own", NOBODY)._replace(agent=name)
    return SpanSpec("agent", span, parent, own=own, **more)


def carrier(span: int, parent: int = 0, **owner: Any) -> SpanSpec:
    """A span that is neither call nor agent, and says whom it belongs to."""
    place = {name: owner.pop(name) for name in ("trace", "at_s", "remote") if name in owner}
    return SpanSpec("carrier", span, parent, own=Owner(**owner), **place)


def tool(span: int, parent: int = 0, **more: Any) -> SpanSpec:
    return SpanSpec("tool", span, parent, **more)


def plain(span: int, parent: int = 0, **more: Any) -> SpanSpec:
    return SpanSpec("plain", span, parent, **more)


def entry(spec: SpanSpec) -> Entry:
    """The ledger's entry of a call or aggregate."""
    return entry_of(_charge(spec, 0), "svc")


def node(spec: SpanSpec) -> Node:
    has_local_root = spec.kind in {"call", *_UNPRICED} or spec.aggregate
    return Node(
        span_id(spec.span), span_id(spec.parent), spec.time_ns,
        is_agent=spec.kind == "agent", is_local_root=not spec.parent or spec.remote, own=spec.own,
        inherited=spec.inherited, service="svc", entry=entry(spec) if has_local_root else None,
    )  # fmt: skip


def batch(*spec: SpanSpec, now_s: int = NOW_S) -> Intake:
    """A batch as the stages before the ledger hand it on."""
    spans, charges, marks = Spans(b""), [], []
    for row, span in enumerate(spec):
        spans.trace_ids.append(trace_id(span.trace))
        spans.span_ids.append(span_id(span.span))
        spans.parent_ids.append(span_id(span.parent))
        spans.flags.append(0x300 if span.remote else 0x100)
        spans.end_ns.append(span.time_ns)
        if span.kind in {"agent", "carrier"} and span.aggregate is None:
            marks.append(replace(span.mark, row=row))
        elif span.kind not in {"plain", "tool"}:
            charges.append(_charge(span, row))
    tools = frozenset(row for row, span in enumerate(spec) if span.kind == "tool")
    return Intake(spans, charges, marks, now_s * 10**9, tools)


def _charge(span: SpanSpec, row: int) -> Charge | Unpriced:
    made = Call(
        replace(span.mark, row=row), "llm", "openai", (span.model,), span.usage,
        aggregate=span.aggregate, doubt=span.doubt, response_id=span.response,
    )  # fmt: skip
    if span.kind in _UNPRICED:
        status, reason = _UNPRICED[span.kind]
        return Unpriced(made, status, reason, "openai", span.model, span.price_version)
    if span.amount is not None:
        return Charge(made, span.amount, "reported", "openai", span.model, span.price_version, None)
    amount = price_usage(span.usage or Usage(), RATES)
    return Charge(made, amount, "exact", "openai", span.model, span.price_version, RATES)


def budget(name: str, scope: Scope, limit: int, **more: Any) -> Budget:
    window, unit = more.pop("window", "none"), more.pop("unit", "usd")
    return Budget(name, scope, window, limit, unit, more.pop("calendar", UTC), **more)


def policy(*budgets: Budget) -> Policy:
    return Policy(tuple(budgets), "p1")


def shown_total(stamps: Iterable[Any]) -> int:
    """Nano-USD that a backend gets which adds up cost and corrections over distinct spans."""
    return sum(
        (stamp.entry.amount.total if stamp.entry and stamp.entry.amount else 0)
        + sum(nano_usd for _, nano_usd in stamp.corrections)
        for stamp in stamps
    )


@pytest.fixture(scope="session")
def given() -> SimpleNamespace:
    """The words above."""
    words = (
        call, unpriced, usage_missing, failed, agent, aggregate, carrier, tool, plain, entry, node,
        batch, budget, policy, trace_id, span_id, shown_total, replace,
    )  # fmt: skip
    values = {"RATES": RATES, "START_S": START_S, "NOW_S": NOW_S, "UTC": UTC}
    return SimpleNamespace(**{word.__name__: word for word in words}, **values)
