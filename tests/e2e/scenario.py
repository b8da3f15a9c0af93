"""Spans of all that moves money, in the order in which they come, and what each costs in the end.

They end around the night in which Europe/Berlin goes back from summer time: 25 October 2025 has 24
hours there, the 26th has 25, and half past two comes twice.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from e2e.applications import PRICES as KNOWN
from e2e.operators import NEW_MODEL
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

ZONES = ("UTC", "Europe/Berlin", "Asia/Kolkata", "America/Los_Angeles")
OF_BUDGETS = "Europe/Berlin"
SINCE, UNTIL = date(2025, 10, 25), date(2025, 10, 28)
"""The days of the scenario in every zone; the end is not included."""
PRICES = KNOWN + "  - {provider: openai, model: tiny, prices: [{input: 0.0123, output: 0.0457}]}\n"
PRICES_LATER = PRICES + NEW_MODEL
BUDGETS = f"""
version: 1
timezone: {OF_BUDGETS}
budgets:
  - {{name: each-session, scope: session, limit_usd: 0.01, warn_at: [0.5]}}
  - {{name: each-user, scope: user, limit_usd: 1}}
  - {{name: in-all, scope: total, limit_usd: 1}}
  - {{name: daily, scope: total, window: day, limit_usd: 1}}
"""

Money = tuple[int, bool]
"""Nano-dollars, and whether calls of unknown cost are not in them."""
Answer = dict[str, Money]


class Charge(NamedTuple):
    """What a span costs once all has come. The trace is the hundreds of its number."""

    span: int
    ended_at: datetime
    model: str
    nano_usd: int | None
    """None while it is unknown."""
    session: str = ""
    user: str = ""
    agent: str = ""

    @property
    def trace(self) -> str:
        return str(self.span // 100)


NOW = datetime.fromtimestamp(time.time_ns() // 10**9 - 2, UTC)


def at(text: str) -> datetime:
    """A moment of UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


CHARGES = (
    # An agent's own sum came first, 11.5 million nano-dollars; the call in it came late.
    Charge(100, at("2025-10-25T22:00:05"), "gpt-4o", 7_000_000, "s-1", "ada", "planner"),
    Charge(101, at("2025-10-25T21:59:50"), "gpt-4o", 4_500_000, "s-1", "ada", "planner"),
    # In the hour that Berlin has twice: no price, no usage, and halves of a nano-dollar.
    Charge(201, at("2025-10-26T00:15:00"), "nobody-knows-this", None, "s-1", "ada"),
    Charge(202, at("2025-10-26T01:15:00"), "gpt-4o", None, "s-1", "ada"),
    Charge(203, at("2025-10-26T00:45:00"), "tiny", 24_858, "s-1", "ada"),
    Charge(204, at("2025-10-26T01:45:00"), "tiny", 15_306, "s-1", "ada"),
    # Nobody's, until its parent came. The last second of a day in Los Angeles.
    Charge(301, at("2025-10-26T06:59:59"), "gpt-4o", 8_000_000, "s-2", "bob", "writer"),
    # Without a price when they came. The last second of a day in Berlin, and the first one after.
    Charge(401, at("2025-10-26T22:59:59"), "brand-new", 6_000_000, "s-2", "bob"),
    Charge(402, at("2025-10-26T23:00:00"), "brand-new", 3_000_000, "s-3", "bob"),
    # Excluded: it was 3.5 million.
    Charge(501, at("2025-10-26T12:00:00"), "gpt-4o", 0, "load-7", "eve"),
    # Sent three times. The first second of a day in Kolkata, and the last one before.
    Charge(601, at("2025-10-25T18:30:00"), "gpt-4o", 5_000_000, "s-1", "ada"),
    Charge(602, at("2025-10-25T18:29:59"), "tiny", 24_858, "s-3", "bob"),
    Charge(701, NOW, "tiny", 24_904, "s-2", "bob"),
)  # fmt: skip
STAMPED = {
    100: 11_500_000, 101: 4_500_000, 203: 24_858, 204: 15_306, 301: 8_000_000, 501: 3_500_000,
    601: 5_000_000, 602: 24_858, 701: 24_904,
}  # fmt: skip
"""What is written on spans: what was known when each came."""
STAMPED_TOTALS = {
    100: {"agent": 11_500_000, "trace": 11_500_000, "session": 16_500_000},
    300: {"agent": 8_000_000, "trace": 8_000_000, "session": 8_024_904},
}
"""What is written on agents: what all below them cost, their traces, and their sessions so far."""
CORRECTED = {101: (-4_500_000, 100)}
"""What a span says that another one costs less since it came."""


def total(charges: Iterable[Charge]) -> Money:
    """What some spans cost together."""
    amounts = [each.nano_usd for each in charges]
    return sum(filter(None, amounts)), None in amounts


def grouped(charges: Iterable[Charge], key: Callable[[Charge], str]) -> Answer:
    """What spans cost by some property."""
    groups = defaultdict(list)
    for each in charges:
        groups[key(each)].append(each)
    return {name: total(group) for name, group in groups.items()}


def between(since: date | None, until: date | None, zone: str) -> list[Charge]:
    """The spans that ended on some days of a time zone; the last day is not included."""
    return [
        each
        for each in CHARGES
        if (since is None or each.ended_at >= midnight(since, zone))
        and (until is None or each.ended_at < midnight(until, zone))
    ]


def midnight(day: date, zone: str) -> datetime:
    """The moment at which a day begins."""
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).astimezone(UTC)


def day_of(moment: datetime, zone: str) -> str:
    """The day in a time zone."""
    return f"{moment.astimezone(ZoneInfo(zone)):%Y-%m-%d}"


def hour_of(moment: datetime, zone: str) -> str:
    """The beginning of the hour in a time zone, with its offset since one may come twice."""
    local = moment.astimezone(ZoneInfo(zone)).replace(minute=0, second=0)
    return f"{local:%Y-%m-%d %H:%M} {local.isoformat()[-6:]}"


def requests() -> list[bytes]:
    """What is sent, in this order."""
    planner = {"gen_ai.agent.name": "planner", "session.id": "s-1", "user.id": "ada"}
    writer = {"gen_ai.agent.name": "writer", "session.id": "s-2", "user.id": "bob"}
    repeated = _request(
        _chat(601, (2000, 100), cached=800), _chat(602, (1237, 211)), _chat(701, (1237, 212))
    )
    return [
        repeated,
        _request(_agent(100, {**planner, **_usage((3000, 400))})),
        _request(_chat(201, (1000, 200)), _chat(202, None)),
        _request(_chat(203, (1237, 211)), _chat(204, (1237, 2))),
        repeated,
        _request(_chat(101, (1000, 200), parent=100, is_owned=False)),
        _request(_chat(301, (2000, 300), parent=300, is_owned=False)),
        _request(_chat(401, (1000, 100)), _chat(402, (500, 50)), _chat(501, (1000, 100))),
        _request(_agent(300, writer)),
        repeated,
    ]


_Attributes = Mapping[str, str | int]
_Span = dict[str, Any]


def _request(*spans: _Span) -> bytes:
    request = ExportTraceServiceRequest()
    resource = request.resource_spans.add()
    resource.resource.attributes.add(key="service.name").value.string_value = "shop"
    scope = resource.scope_spans.add()
    for each in spans:
        span = scope.spans.add(**{name: value for name, value in each.items() if name != "said"})
        for key, value in each["said"].items():
            field = "int_value" if isinstance(value, int) else "string_value"
            setattr(span.attributes.add(key=key).value, field, value)
    return request.SerializeToString()


def _span(number: int, parent: int, ended_at: datetime, attributes: _Attributes) -> _Span:
    end_ns = int(ended_at.timestamp()) * 10**9
    return {
        "trace_id": (number // 100).to_bytes(16),
        "span_id": number.to_bytes(8),
        "parent_span_id": parent.to_bytes(8) if parent else b"",
        "name": str(number),
        "start_time_unix_nano": end_ns - 10**9,
        "end_time_unix_nano": end_ns,
        "said": attributes,
    }


def _agent(number: int, attributes: _Attributes) -> _Span:
    child = next(each for each in CHARGES if each.span == number + 1)
    ended_at = child.ended_at + timedelta(seconds=15 if number == 100 else 11)
    operation = {"gen_ai.operation.name": "invoke_agent", "gen_ai.request.model": "gpt-4o"}
    return _span(number, 0, ended_at, {**operation, **attributes})


def _chat(
    number: int,
    tokens: tuple[int, int] | None,
    parent: int = 0,
    cached: int = 0,
    *,
    is_owned: bool = True,
) -> _Span:
    charge = next(each for each in CHARGES if each.span == number)
    attributes: dict[str, str | int] = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": charge.model,
        **_usage(tokens, cached),
    }
    if is_owned:
        attributes |= {"session.id": charge.session, "user.id": charge.user}
    return _span(number, parent, charge.ended_at, attributes)


def _usage(tokens: tuple[int, int] | None, cached: int = 0) -> _Attributes:
    if tokens is None:
        return {}
    usage = {"gen_ai.usage.input_tokens": tokens[0], "gen_ai.usage.output_tokens": tokens[1]}
    return {**usage, **({"gen_ai.usage.cache_read.input_tokens": cached} if cached else {})}


def trace_id(trace: str) -> str:
    """The hex id of a trace."""
    return f"{int(trace):032x}"
