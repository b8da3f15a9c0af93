"""A ledger that was really written: random traces in random batches, through the writer."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

from asked.tables import Charged

from processor.core import posting
from processor.core.budgets import Policy
from processor.core.budgets.zones import ReportingZones
from processor.core.model import (
    NOBODY,
    Calendar,
    Call,
    Charge,
    Intake,
    Mark,
    Owner,
    Spans,
    Unpriced,
    Usage,
)
from processor.core.money import price_usage
from processor.io.ledger import Ledger, Limits, SqliteStore

RATES = Usage(input=2_500_000_000, cache_read=1_250_000_000, output=10_000_000_000, requests=0)[:]
KINDS = ("call", "call", "call", "call", "agent", "sum", "carrier", "unpriced", "missing")


def random_traces(chance: random.Random, count: int, begin_s: int, days: int) -> list[dict]:
    """Spans of as many traces, in any order; most of a trace end within minutes."""
    spans = []
    for trace in range(1, count + 1):
        end_s = begin_s + chance.randrange(days * 86_400)
        for span in range(1, chance.randrange(2, 7)):
            kind = chance.choice(KINDS)
            spans.append(
                {
                    "trace": trace.to_bytes(16),
                    "span": span.to_bytes(8),
                    "kind": kind,
                    "parent": chance.randrange(span).to_bytes(8) if span > 1 else b"",
                    "own": _owner(chance, kind),
                    "end_ns": (end_s + chance.randrange(900)) * 10**9 + chance.randrange(10**9),
                    "usage": Usage(
                        input=chance.randrange(900),
                        cache_read=chance.choice((0, 300)),
                        output=chance.randrange(90),
                    ),
                    "model": chance.choice(("a", "b", "c")),
                    "provider": chance.choice(("openai", "anthropic")),
                    "service": chance.choice(("", "web", "jobs")),
                }
            )
    chance.shuffle(spans)
    return spans


def _owner(chance: random.Random, kind: str) -> Owner:
    if kind not in {"carrier", "agent", "sum"} and chance.random() < 0.5:
        return NOBODY
    said: dict[str, Any] = {
        "user": chance.choice((None, *(f"u{number}" for number in range(9)))),
        "session": chance.choice((None, *(f"s{number}" for number in range(30)))),
        "org": chance.choice((None, "acme", "umbrella")),
        "feature": chance.choice((None, "x")),
        "task": chance.choice((None, *(f"t{number}" for number in range(1, 30)))),
        "task_type": chance.choice((None, "review")),
        "purpose": chance.choice((None, "explain")),
        "own_dimensions": chance.choice(
            ((), (("team", "red"),), (("env", "eu"), ("team", "blue")))
        ),
    }
    if kind in {"agent", "sum"}:
        said["agent"] = chance.choice(("planner", "coder"))
    return Owner(**said)


def batch_of(group: list[dict]) -> Intake:
    """A batch as the stages before the ledger hand it on."""
    spans = Spans(b"")
    charges: list[Charge | Unpriced] = []
    marks: list[Mark] = []
    for row, span in enumerate(group):
        spans.trace_ids.append(span["trace"])
        spans.span_ids.append(span["span"])
        spans.parent_ids.append(span["parent"])
        spans.flags.append(0)
        spans.end_ns.append(span["end_ns"])
        kind, model, provider = span["kind"], span["model"], span["provider"]
        mark = Mark(
            row, span["end_ns"], is_agent=kind in {"agent", "sum"}, own=span["own"],
            service=span["service"],
        )  # fmt: skip
        if kind in {"agent", "carrier"}:
            marks.append(mark)
            continue
        usage = None if kind == "missing" else span["usage"]
        call = Call(
            mark, "llm", provider, (model,), usage, aggregate="sum" if kind == "sum" else None
        )
        if kind == "unpriced":
            charges.append(Unpriced(call, "unpriced", "not known", provider, model))
        elif usage is None:
            charges.append(Unpriced(call, "usage_missing", "", provider, model))
        else:
            amount = price_usage(usage, RATES)
            charges.append(Charge(call, amount, "exact", provider, model, "v1", RATES))
    return Intake(spans, charges, marks, max(spans.end_ns) + 10**9)


async def write_ledger(path: Path, spans: list[dict], zones: ReportingZones) -> list[Charged]:
    """Post spans in batches of any size; returns what the spans alone say is charged.

    That is what a trace that is built from its rows at once comes to.
    """
    store = SqliteStore(path, zones.zones[0].zone)
    store._db.pragma("synchronous", 0)
    store.begin()
    store.set_zones(zones)
    store.commit()
    ledger = Ledger(store, Policy(calendar=Calendar(zones.zones[-1].zone)), Limits())
    await ledger.start()
    chance = random.Random(len(spans))
    waiting = list(spans)
    while waiting:
        size = chance.randrange(1, 60)
        await ledger.post(batch_of(waiting[:size]))
        del waiting[:size]
    found = await ledger._writer.ask(lambda: _charged(store, {span["trace"] for span in spans}))
    await ledger.close()
    return found


def _charged(store: SqliteStore, trace_ids: set[bytes]) -> list[Charged]:
    traces = {
        trace_id: posting.rebuild(trace_id, store.rows_of(trace_id)) for trace_id in trace_ids
    }
    plan = posting.charged(traces, store.zones)
    return [
        Charged(
            int.from_bytes(each.trace_id), int.from_bytes(each.span_id), each.end_ns,
            each.dimensions, each.user, each.session, each.task, each.sums.totals, each.sums.parts,
            row_id=each.row_id,
        )
        for each in sorted(plan.charges, key=lambda each: each.row_id)
        if not each.sums.is_zero
    ]  # fmt: skip
