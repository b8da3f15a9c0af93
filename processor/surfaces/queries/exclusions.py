"""Calls that are to be taken out of all sums, and who has changed what."""

from __future__ import annotations

from typing import Final

from processor.core.errors import InvalidQuestionError
from processor.core.model import TIME_NS_MAX, Selection
from processor.core.ports import LedgerView
from processor.surfaces.queries import checks
from processor.surfaces.queries.answers import AuditPage, as_of
from processor.surfaces.queries.cursors import read_cursor, write_cursor
from processor.surfaces.queries.requests import ExcludeRequest

AUDIT_MAX: Final = 1000
"""Lines of a page."""
_REASON_MAX_CHARS: Final = 500


def check_exclude(request: ExcludeRequest) -> Selection:
    """Which calls are meant. Raises InvalidQuestionError."""
    start_ns, end_ns = request.start_ns, request.end_ns or TIME_NS_MAX
    trace_id = span_id = b""
    if request.trace:
        trace_id = checks.check_trace_id("trace", request.trace)
    if request.span:
        found = checks.check_span("span", request.span)
        if trace_id and trace_id != found[0]:
            raise InvalidQuestionError("span", "is of another trace than the one that is named")
        trace_id, span_id = found
    if not (trace_id or request.session or request.user or start_ns or end_ns < TIME_NS_MAX):
        message = "say which calls: name a trace, span, session or user, or give a time"
        raise InvalidQuestionError("trace", message)
    if not 0 <= start_ns < end_ns <= TIME_NS_MAX:
        raise InvalidQuestionError("end", "must be after the start")
    if len(request.reason) > _REASON_MAX_CHARS:
        raise InvalidQuestionError("reason", f"has more than {_REASON_MAX_CHARS} characters")
    return Selection(trace_id, span_id, request.session, request.user, start_ns, end_ns)


def audit_page(view: LedgerView, since_ns: int, cursor: str, limit: int, now_ns: int) -> AuditPage:
    """Who has changed what, latest first. Raises InvalidQuestionError."""
    before = read_cursor(cursor, "audit")[0] if cursor else None
    found = view.audit(since_ns, limit, before)
    more = write_cursor((found[-1].number,), "audit") if len(found) == limit else ""
    return AuditPage(found, more, as_of(view.freshness(), now_ns))
