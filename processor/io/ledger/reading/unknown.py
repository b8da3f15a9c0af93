"""Calls that make totals say "at least"."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Final

import apsw

from processor.core.model import UnpricedCalls
from processor.io.ledger.reading.sums import rows_of

_TOKENS: Final = ("input", "cache_read", "cache_write", "cache_write_1h", "output", "reasoning")
_ALIKE: Final = "c.status, c.asked_provider, c.asked_models, c.reason, c.service"


def _unknown(function: str) -> str:
    """The statement that lists them, with the function to add tokens up with.

    Tokens that nobody believes are in no sum, so that those that were reported are listed.
    """
    tokens = f"{function}(u.input), {function}(u.output), " + ", ".join(
        f"{function}(CASE c.status WHEN 'implausible' THEN COALESCE(s.{name}, 0) ELSE 0 END)"
        for name in _TOKENS
    )
    return f"""
SELECT {_ALIKE}, SUM(u.unpriced), MIN(s.time_ns), MAX(s.time_ns), {tokens}
FROM charge_sums u JOIN spans s ON s.id = u.id JOIN call_details c ON c.id = s.details_id
WHERE u.unpriced <> 0 GROUP BY {_ALIKE}
"""


def read_unknown(database: apsw.Connection) -> list[UnpricedCalls]:
    """Calls whose cost is unknown as they stand now, alike ones together, most calls first."""
    found = [
        UnpricedCalls(
            provider or "", tuple(json.loads(models or "[]")), reason or "", service or "",
            calls, sum(tokens), first_ns, last_ns, status=status,
        )
        for status, provider, models, reason, service, calls, first_ns, last_ns, *tokens
        in rows_of(database, _unknown, (), 2 + len(_TOKENS))
    ]  # fmt: skip
    found.sort(key=lambda calls: (-calls.calls, -calls.last_ns, calls))
    return _without_known([each for each in found if each.calls > 0], found)


def _without_known(
    unknown: list[UnpricedCalls], found: Iterable[UnpricedCalls]
) -> list[UnpricedCalls]:
    """Take off the calls that a span reports without a price and a log record with one.

    The record adds one unknown call less than none, so that both together are a known one.
    """
    for known in found:
        left = -known.calls
        for like in (known.models, None):
            for at, each in enumerate(unknown):
                taken = min(each.calls, left) if left > 0 and like in {each.models, None} else 0
                unknown[at] = each._replace(calls=each.calls - taken)
                left -= taken
    return [each for each in unknown if each.calls]
