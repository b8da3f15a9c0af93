"""How calls were priced that are in the sums of combinations of dimensions."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise
from typing import Final

import apsw

from processor.core.questions import PricedBy, UsageQuestion
from processor.io.ledger.reading import sql
from processor.io.ledger.reading.sql import Sql

_DETAILS_READ: Final = 1000
_Details = tuple[str, str, str]
"""Version of the prices, rule and service tier."""


def read_pricing(
    database: apsw.Connection, question: UsageQuestion
) -> dict[tuple[int, int], PricedBy]:
    """How the calls of each bucket and set of dimensions were priced, as far as they are kept.

    A step into the index of ends for each bucket, and one to the row of each call: 0.5 s of CPU
    for 405,000 calls.
    """
    found = dict[tuple[int, int], set[int]]()
    for bucket, times_s in enumerate(pairwise(question.edges)):
        statement = Sql("SELECT DISTINCT u.set_id, s.details_id FROM charges u ")
        statement.add("JOIN spans s ON s.id = u.id ")
        if "trace" in dict(question.filters):
            statement.add("JOIN traces t ON t.id = s.trace ")
        statement.add("WHERE u.end_s >= ? AND u.end_s < ?", times_s)
        for condition in sql.conditions(question.filters):
            statement.join(condition, " AND ")
        for set_id, details_id in database.execute(statement.text, tuple(statement.bindings)):
            if details_id is not None:
                found.setdefault((bucket, set_id), set()).add(details_id)
    details = _details_of(database, set().union(*found.values()))
    return {key: _together([details[each] for each in ids]) for key, ids in found.items()}


def _details_of(database: apsw.Connection, ids: set[int]) -> dict[int, _Details]:
    listed, found = sorted(ids), dict[int, _Details]()
    for at in range(0, len(listed), _DETAILS_READ):
        some = listed[at : at + _DETAILS_READ]
        text = (
            "SELECT id, price_version, rule, asked_tier FROM call_details "
            f"WHERE id IN {sql.placeholders(some)}"
        )
        found |= {row[0]: (row[1], row[2], row[3]) for row in database.execute(text, some)}
    return found


def _together(details: list[_Details]) -> PricedBy:
    texts = defaultdict[int, set[str]](set)
    for each in details:
        for at, text in enumerate(each):
            texts[at].add(text)
    return PricedBy(*(tuple(sorted(texts[at])) for at in range(len(PricedBy._fields))))
