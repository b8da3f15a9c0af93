"""Calls that make totals say "at least"."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from typing import Final

import apsw

from processor.core.model import NS_PER_S, UnpricedCalls
from processor.core.questions import UnknownAnswer
from processor.io.ledger.reading.sums import Row, rows_of
from processor.io.ledger.tables import VERSION

_QUANTITIES: Final = ("input", "cache_read", "cache_write", "cache_write_1h", "output", "reasoning")
_TOKENS: Final = 2 + len(_QUANTITIES)
DELETED: Final = "no longer kept one by one, or sent after that (ledger.retention)"
_DELETED: Final = "SELECT SUM(unpriced), MIN(start_s), MAX(start_s) FROM deleted_days"
_ALIKE: Final = "c.status, c.asked_provider, c.asked_models, c.reason, c.service"


def _unknown(function: str) -> str:
    """The statement that lists them, with the function to add tokens up with.

    Tokens that nobody believes are in no sum, so that those that were reported are listed. A log
    record that knows what a span does not has fewer such calls than none: all of these are listed,
    and of the others those with most calls. Rows of one kind are few after the first step, which
    goes through all of them, and names none.
    """
    added = ", ".join(f"{function}(s.{name}) AS {name}" for name in _QUANTITIES)
    reported = ", ".join(
        f"{function}(CASE c.status WHEN 'implausible' THEN COALESCE(k.{name}, 0) ELSE 0 END)"
        for name in _QUANTITIES
    )
    return f"""
WITH kinds AS MATERIALIZED (
  SELECT s.details_id, SUM(u.unpriced) AS calls, MIN(s.time_ns) AS first_ns,
    MAX(s.time_ns) AS last_ns, {function}(u.input) AS sum_input, {function}(u.output) AS sum_output,
    {added}
  FROM charge_sums u JOIN spans s ON s.id = u.id WHERE u.unpriced <> 0 GROUP BY s.details_id),
alike AS MATERIALIZED (
  SELECT {_ALIKE}, SUM(k.calls) AS calls, MIN(k.first_ns), MAX(k.last_ns),
    {function}(k.sum_input), {function}(k.sum_output), {reported}
  FROM kinds k JOIN call_details c ON c.id = k.details_id GROUP BY {_ALIKE})
SELECT (SELECT COUNT(*) FROM alike WHERE calls > 0), (SELECT SUM(calls) FROM alike), listed.*
FROM (SELECT * FROM alike WHERE calls > 0 ORDER BY calls DESC, 8 DESC LIMIT ?) listed
UNION ALL SELECT 0, 0, known.* FROM (SELECT * FROM alike WHERE calls < 0) known
"""


def read_unknown(database: apsw.Connection, limit: int) -> UnknownAnswer:
    """Calls whose cost is unknown as they stand now, alike ones together, most calls first.

    At most `limit` kinds are listed.
    """
    found = list(rows_of(database, _unknown, (limit,), _TOKENS))
    unknown = [_calls(row) for row in found if row[0]]
    left = _without_known(unknown, [_calls(row) for row in found if not row[0]])
    kinds, calls = (found[0][0], found[0][1]) if unknown else (0, 0)
    if deleted := _deleted(database):
        left, calls = [*left, deleted], calls + deleted.calls
    left.sort(key=lambda calls: (-calls.calls, -calls.last_ns, calls))
    return UnknownAnswer(left, kinds - len(unknown) + len(left), calls)


def _deleted(database: apsw.Connection) -> UnpricedCalls | None:
    """Calls of which no row is kept, or ever was since they came too late; None without any."""
    # Tables 7, which a command may read before they are brought up, have deleted nothing.
    if int(str(database.pragma("user_version"))) < VERSION:
        return None
    [row] = database.execute(_DELETED).fetchall()
    count, first_s, last_s = (int(str(each or 0)) for each in row)
    if count <= 0:
        return None
    return UnpricedCalls(
        "", (), DELETED, "", count, 0, first_s * NS_PER_S, last_s * NS_PER_S, status="deleted"
    )


def _calls(row: Row) -> UnpricedCalls:
    _, _, status, provider, models, reason, service, calls, first_ns, last_ns, *tokens = row
    return UnpricedCalls(
        provider or "", tuple(json.loads(models or "[]")), reason or "", service or "",
        calls, sum(tokens), first_ns, last_ns, status=status,
    )  # fmt: skip


def _without_known(
    unknown: list[UnpricedCalls], found: Iterable[UnpricedCalls]
) -> list[UnpricedCalls]:
    """Take off the calls that a span reports without a price and a log record with one.

    The record adds one unknown call less than none, so that both together are a known one.
    """
    counts = [each.calls for each in unknown]
    alike = defaultdict[tuple[str, ...], list[int]](list)
    for at, each in enumerate(unknown):
        alike[each.models].append(at)
    first = 0
    for known in found:
        left = -known.calls
        for at in alike[known.models]:
            taken = min(counts[at], left)
            counts[at] -= taken
            left -= taken
        while left and first < len(counts):
            taken = min(counts[first], left)
            counts[first] -= taken
            left -= taken
            first += not counts[first]
    return [
        each._replace(calls=count) for each, count in zip(unknown, counts, strict=True) if count
    ]
