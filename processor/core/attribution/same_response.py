"""One call that spans of two traces report: an SDK's own span, in another trace than a framework's.

Only one of the two is charged where all this holds: they name the same response and are the only
two that do within seconds of each other; different instrumentations wrote them, of the same model
and with counts that fit; and they come from one service, or name one organisation. Which one is
charged is a function of the two. The other one adds nothing, and explains what it used to the
spans above it.

Everything else that shares a response between traces is charged, and named as doubt: a server for
tests repeats its ids, and a stranger who sends the id of somebody's response suppresses no charge.
So is a call where the other one would have to be corrected in a trace that is too large to be read
again for that.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from hashlib import blake2b
from typing import Final, NamedTuple

from processor.core.attribution.node import Node
from processor.core.attribution.reported import REPEATED, Reported, best_report, family_of
from processor.core.attribution.same_call import have_fitting_counts
from processor.core.attribution.trace import is_of_logs
from processor.core.model import Entry

APART_MAX_NS: Final = 5 * 10**9
"""Between the ends of two reports of one call: both are written when the answer is there."""
REPORTS_MAX: Final = 8
"""Reports of one response that are looked at. More than two are no reports of one call."""


SpanKey = tuple[bytes, bytes]
"""(trace id, span id)."""


class Report(NamedTuple):
    """A call, and the trace that it is in."""

    trace_id: bytes
    node: Node
    is_settled: bool = False
    """True where its trace is not at hand, so that it stays as it is."""


class KnownReports(NamedTuple):
    """Spans that are known to report a response."""

    spans: Mapping[SpanKey, int]
    """With the id of the row in which each was kept last."""
    are_all: bool = True
    """False where there are more about then than are looked at."""


Restated = dict[Node, Node]
"""Older calls that are charged otherwise from now on, with the call that came and changed that."""


@lru_cache(maxsize=4096)  # A turn asks for each twice.
def digest_of(response_id: str) -> int:
    """What is kept of a response's id, to compare it: 64 bits with a sign; 0 for none."""
    if not response_id:
        return 0
    return int.from_bytes(blake2b(response_id.encode(), digest_size=8).digest(), signed=True)


def response_of(node: Node) -> int:
    """The response by which a call may be known in another trace; 0 for none."""
    entry = node.entry
    if entry is None or entry.aggregate is not None or node.is_reference:
        return 0
    return entry.response


def restate(
    arriving: Iterable[Report],
    older: Mapping[int, Sequence[Report]],
    crowded: Container[int] = (),
) -> dict[bytes, Restated]:
    """Decide for the responses of the calls that arrive which reports of each are charged.

    `older` has the reports of these responses that are in their traces already. Of a response in
    `crowded` it has only some, so nobody knows which are the only two: all that is at hand is
    charged, with doubt. Notes on the nodes what is decided, those that are settled aside; returns
    those of `older` for which that has changed, by trace.
    """
    found: dict[int, dict[Node, Report]] = {}
    arrived: dict[int, list[Node]] = {}
    for report in arriving:
        response = response_of(report.node)
        if response and not is_of_logs(report.trace_id):
            found.setdefault(response, {})[report.node] = report
            arrived.setdefault(response, []).append(report.node)
    changed: dict[bytes, Restated] = {}
    for response, reports in found.items():
        for report in older.get(response, ()):
            if not is_of_logs(report.trace_id):
                reports.setdefault(report.node, report)
        is_crowded = response in crowded
        if not is_crowded and len({report.trace_id for report in reports.values()}) == 1:
            continue
        for near in _near_each_other(reports.values()):
            cause = next((each.node for each in near if each.node in arrived[response]), None)
            for report in _decide(near, is_crowded=is_crowded):
                if cause is not None and report.node not in arrived[response]:
                    changed.setdefault(report.trace_id, {})[report.node] = cause
    return changed


def _near_each_other(reports: Iterable[Report]) -> Iterator[list[Report]]:
    """Reports of one response, those together whose ends follow each other closely."""
    near: list[Report] = []
    for report in sorted(reports, key=_by_time):
        if near and report.node.time_ns - near[-1].node.time_ns > APART_MAX_NS:
            yield near
            near = []
        near.append(report)
    if near:
        yield near


def _by_time(report: Report) -> tuple[int, bytes, bytes]:
    return report.node.time_ns, report.trace_id, report.node.span_id


def _decide(near: Sequence[Report], *, is_crowded: bool) -> list[Report]:
    """Note on reports of one response which is charged; returns those where that has changed."""
    uncharged: Node | None = None
    are_repeated = is_crowded
    if not is_crowded and len({report.trace_id for report in near}) > 1:
        first, second, *others = (report.node for report in near)
        if not others and _are_one_call(first, second):
            best = best_report((first, second), _lasted(first, second))
            uncharged = second if best is first else first
        are_repeated = uncharged is None or any(
            report.is_settled and report.node.is_charged_elsewhere != (report.node is uncharged)
            for report in near
        )
    if are_repeated:
        uncharged = None
    return [
        report
        for report in near
        if not report.is_settled
        and _note(report.node, is_uncharged=report.node is uncharged, is_repeated=are_repeated)
    ]


def _are_one_call(first: Node, second: Node) -> bool:
    one, other = first.entry, second.entry
    if one is None or other is None or one.scope == other.scope:
        return False
    if family_of(one.model) != family_of(other.model) or not _have_one_sender(first, second):
        return False
    if one.usage is None or other.usage is None:
        return True
    return have_fitting_counts(Reported(first), Reported(second))


def _have_one_sender(first: Node, second: Node) -> bool:
    if first.service and first.service == second.service:
        return True
    organisations = [node.own.org or node.inherited.org for node in (first, second)]
    return bool(organisations[0]) and organisations[0] == organisations[1]


def _lasted(*nodes: Node) -> dict[str, int]:
    """How long each instrumentation's report lasted."""
    return {
        node.entry.scope: node.time_ns - node.entry.start_ns
        for node in nodes
        if node.entry is not None and node.entry.start_ns
    }


def _note(node: Node, *, is_uncharged: bool, is_repeated: bool) -> bool:
    """Note what is decided about a call; returns whether that is new."""
    entry = node.entry
    if entry is None:
        return False
    doubt = _with_doubt(entry, is_repeated=is_repeated)
    if (node.is_charged_elsewhere, entry.doubt) == (is_uncharged, doubt):
        return False
    node.is_charged_elsewhere = is_uncharged
    if doubt != entry.doubt:
        node.entry = replace(entry, doubt=doubt)
    return True


def _with_doubt(entry: Entry, *, is_repeated: bool) -> str:
    words = [word for word in entry.doubt.split(",") if word and word != REPEATED]
    return ",".join([*words, REPEATED] if is_repeated else words)
