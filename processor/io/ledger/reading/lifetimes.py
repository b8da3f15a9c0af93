"""Whether single calls that are kept are all that something ever had."""

from __future__ import annotations

import apsw

from processor.core.model import NOTHING
from processor.core.questions import UsageAnswer, UsageQuestion
from processor.io.ledger.reading.sql import placeholders
from processor.io.ledger.reading.sums import rows_of, totals_of
from processor.io.ledger.tables import SUMS


def is_whole(database: apsw.Connection, question: UsageQuestion, answer: UsageAnswer) -> bool:
    """Whether an answer has all that sessions, tasks or traces ever cost.

    Single calls may be deleted, though none of theirs.
    """
    if not question.is_all_time or len(question.filters) != 1:
        return False
    [(dimension, values)] = question.filters
    if dimension == "trace":
        where = f"FROM traces u WHERE u.trace_id IN {placeholders(values)}"
        bindings: tuple[str | bytes, ...] = tuple(map(bytes.fromhex, values))
    elif dimension in {"session", "task"}:
        where = f"FROM totals u WHERE u.scope = ? AND u.id IN {placeholders(values)}"
        bindings = dimension, *values
    else:
        return False
    [whole] = rows_of(
        database,
        lambda function: f"SELECT {', '.join(f'{function}(u.{name})' for name in SUMS)} {where}",
        bindings,
        len(SUMS),
    )
    found = NOTHING
    for row in answer.totals:
        found = found.plus(row.totals)
    return totals_of(whole) == found
