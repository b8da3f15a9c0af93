"""A ledger with chosen calls, priced and written as the pipeline does it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from processor.core.budgets import Policy
from processor.core.model import NOBODY, Calendar, Call, Intake, Mark, Owner, Spans, Usage
from processor.core.pricing import Catalog, price
from processor.io.ledger import Ledger, Limits, SqliteStore

UTC = ZoneInfo("UTC")


@dataclass(frozen=True)
class Sent:
    """One span: a call of a model, or an agent where it names none."""

    trace: int
    span: int
    end_s: float
    model: str = ""
    usage: Usage | None = None
    parent: int = 0
    provider: str = "openai"
    own: Owner = NOBODY
    took_s: float = 1
    more: dict[str, Any] = field(default_factory=dict)
    """Of the call, as `Call` has it."""


async def write_calls(path: Path, sent: list[Sent], catalog: Catalog) -> None:
    """Post spans in one batch."""
    spans, calls, marks = Spans(b""), [], []
    for row, each in enumerate(sent):
        end_ns = int(each.end_s * 10**9)
        spans.trace_ids.append(each.trace.to_bytes(16))
        spans.span_ids.append(each.span.to_bytes(8))
        spans.parent_ids.append(each.parent.to_bytes(8) if each.parent else b"")
        spans.flags.append(0)
        spans.end_ns.append(end_ns)
        mark = Mark(
            row, end_ns, is_agent=not each.model, own=each.own,
            start_ns=end_ns - int(each.took_s * 10**9),
        )  # fmt: skip
        if each.model:
            more = {"kind": "llm", **each.more}
            calls.append(
                Call(mark, provider=each.provider, models=(each.model,), usage=each.usage, **more)
            )
        else:
            marks.append(mark)
    store = SqliteStore(path, UTC)
    ledger = Ledger(store, Policy(calendar=Calendar(UTC)), Limits())
    await ledger.start()
    charges = price(calls, catalog)
    await ledger.post(Intake(spans, charges, marks, max(spans.end_ns) + 10**9))
    await ledger.close()
