"""Why calls are in no sum, and who has changed what."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final

import apsw

from processor.core.attribution.node import EXCLUDED
from processor.core.model import SPAN_ID_BYTES, AuditEntry
from processor.core.questions import CallRow
from processor.io.ledger.reading.sums import Row

IS_EXCLUDED_CALL: Final = (
    f"u.set_id IN (SELECT id FROM dimension_sets WHERE status = '{EXCLUDED}' AND kind <> 'agent')"
)
"""Whether a charge `u` is of a call that is excluded, and so adds nothing."""
_OF_TRACE: Final = """
SELECT j.id, j.parameters, e.span_ids FROM exclusions e JOIN jobs j ON j.id = e.job
WHERE e.trace = ? ORDER BY e.job
"""
_AUDIT: Final = """
SELECT time_ns, actor, action, subject, before, after, seq FROM audit
WHERE time_ns >= ? AND seq < ? ORDER BY seq DESC LIMIT ?
"""


def with_reasons(database: apsw.Connection, calls: Sequence[CallRow]) -> list[CallRow]:
    """The same; those that are excluded say by what and why."""
    reasons: dict[int, dict[bytes, str]] = {}
    found = []
    for call in calls:
        if call.dimensions.status != EXCLUDED:
            found.append(call)
            continue
        if call.trace not in reasons:
            reasons[call.trace] = _reasons_in(database, call.trace)
        found.append(call._replace(reason=reasons[call.trace].get(call.span_id, "")))
    return found


def _reasons_in(database: apsw.Connection, trace: int) -> dict[bytes, str]:
    """By span, which exclusion has taken it out, and the reason that was given."""
    rows: list[Row] = database.execute(_OF_TRACE, (trace,)).fetchall()
    found: dict[bytes, str] = {}
    for number, parameters, span_ids in rows:
        reason = json.loads(parameters)["reason"]
        text = f"exclusion {number}: {reason}" if reason else f"exclusion {number}"
        for at in range(0, len(span_ids), SPAN_ID_BYTES):
            found[span_ids[at : at + SPAN_ID_BYTES]] = text
    return found


def read_audit(
    database: apsw.Connection, since_ns: int, limit: int, before: int | None
) -> list[AuditEntry]:
    """Lines of the audit from a time on, the latest first; those before a number where given."""
    bindings = since_ns, before or 2**63 - 1, limit
    rows: list[Row] = database.execute(_AUDIT, bindings).fetchall()
    return [AuditEntry(*row) for row in rows]
