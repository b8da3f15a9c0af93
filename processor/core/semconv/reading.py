"""Reading a payload: which of its spans are calls, which are worth a mark, which are refused."""

from __future__ import annotations

from collections.abc import Collection

from processor.core.enrich.names import CORRECTION
from processor.core.model import NOBODY, Group, Mark, Owner, OwnIds, Reading, Spans, is_local_root
from processor.core.semconv.calls import read_call
from processor.core.semconv.dialects.kinds import AGENT_NAME_PREFIXES
from processor.core.semconv.emitter import Emitter
from processor.core.semconv.ids import find_rejected, valid_parents
from processor.core.semconv.options import ReadOptions, inherited_owner
from processor.core.semconv.owners import names_session, read_owner
from processor.core.semconv.recognise import Profile
from processor.core.semconv.signatures import ShapeReader, Signatures
from processor.core.semconv.sources import Row
from processor.core.semconv.times import AHEAD_MAX_NS, EARLIEST_NS, read_times
from processor.core.semconv.values import bound, read_text

_SERVER = 2
_SIGNATURES = Signatures()


def read(
    spans: Spans, received_ns: int, options: ReadOptions, *, is_trusted: bool = False
) -> Reading:
    """Find the calls and the other noteworthy spans of a payload.

    Which spans they are and what they say follows from `spans` and `options` alone; what is
    remembered from one payload to the next only makes it quick. Of `spans` the parent ids that
    cannot be any are replaced by none. Where the sender is another processor and trusted, spans
    on which it has changed older charges have a mark as well.
    """
    rejected = find_rejected(spans)
    spans.parent_ids = valid_parents(spans)
    return _Reader(spans, received_ns, options).read(rejected, is_trusted=is_trusted)


class _GroupContext:
    """What the spans of one group share, read once."""

    __slots__ = ("emitter", "inherited", "readers", "scope", "service")

    def __init__(self, group: Group, options: ReadOptions) -> None:
        self.emitter = Emitter(
            group.scope_name,
            group.scope_version,
            read_text(group.resource.get("telemetry.sdk.name")) or "",
        )
        self.inherited = inherited_owner(group, options)
        self.scope = bound(group.scope_name)
        self.service = read_text(group.resource.get("service.name")) or ""
        self.readers: dict[int, ShapeReader] = {}


class _Reader:
    """The state of one reading."""

    def __init__(self, spans: Spans, received_ns: int, options: ReadOptions) -> None:
        self._spans = spans
        self._received_ns = received_ns
        self._latest_ns = received_ns + AHEAD_MAX_NS
        self._options = options
        self._dimensions = options.dimensions or None
        self._contexts: list[_GroupContext | None] = [None] * len(spans.group)
        self._reading = Reading([], [], [])

    def read(self, rejected: list[int], *, is_trusted: bool) -> Reading:
        """Read every span that carries anything wanted and is not among the rejected."""
        self._reading.rejected.extend(rejected)
        refused = frozenset(rejected)
        for row, shape in enumerate(self._spans.shapes):
            if shape and row not in refused:
                self._read_span(row, shape)
        self._mark_local_roots(refused)
        if is_trusted:
            self._mark_corrections(refused)
        return self._reading

    def _mark_corrections(self, refused: Collection[int]) -> None:
        """Mark spans without a meaning of their own on which older charges were changed."""
        spans = self._spans
        changing = {at for at, keys in enumerate(spans.keys) if CORRECTION in keys}
        if not changing:
            return
        for row in self._unnoted(refused):
            if spans.shapes[row] in changing:
                context = self._context_of(spans.groups[row])
                self._reading.marks.append(self._mark(row, NOBODY, context))

    def _mark_local_roots(self, refused: Collection[int]) -> None:
        """Mark local roots that carry nothing but whose scope or resource names a session.

        The totals of a session stand on these spans, so theirs has to be known.
        """
        spans = self._spans
        if not any(names_session(group) for group in spans.group):
            return  # Most spans say nothing of a call.
        for row in self._unnoted(refused):
            if is_local_root(spans.parent_ids[row], spans.flags[row]):
                context = self._context_of(spans.groups[row])
                if context.inherited.session:
                    self._reading.marks.append(self._mark(row, NOBODY, context))

    def _unnoted(self, refused: Collection[int]) -> list[int]:
        """The rows that are not refused and have neither a call nor a mark so far."""
        noted = {call.mark.row for call in self._reading.calls}
        noted.update(mark.row for mark in self._reading.marks)
        noted.update(refused)
        return [row for row in range(len(self._spans.shapes)) if row not in noted]

    def _read_span(self, row: int, shape: int) -> None:
        spans = self._spans
        context = self._context_of(spans.groups[row])
        reader = context.readers.get(shape)
        if reader is None:
            reader = _SIGNATURES.reader(spans.keys[shape], context.emitter)
            context.readers[shape] = reader
        profile = reader.profile(spans.values[row], spans.names[row])
        if profile.is_tool:
            self._reading.tools.append(row)
        own_ids: OwnIds = ()
        if self._dimensions is not None:
            own_ids = self._dimensions.read(spans.keys[shape], spans.values[row])
        if profile.is_irrelevant and not own_ids:
            return
        contents = Row(spans.values[row])  # One for all: texts of JSON are parsed once.
        own = read_owner(profile.layout.owners, contents, self._options.user_hash_salt)
        if profile.is_agent and own.agent is None:
            own = own._replace(agent=_agent_name(spans.names[row]))
        if own_ids:
            own = own._replace(own_dimensions=own_ids)
        mark = self._mark(row, own, context, is_agent=profile.is_agent)
        if profile.call_kind is not None and not self._repeats_parent(row, profile):
            call = read_call(profile, contents, spans, mark, self._options)
            if call is not None:
                self._reading.calls.append(call)
                return
        if mark.is_agent or any(mark.own):
            self._reading.marks.append(mark)

    def _context_of(self, index: int) -> _GroupContext:
        found = self._contexts[index]
        if found is None:
            found = _GroupContext(self._spans.group[index], self._options)
            self._contexts[index] = found
        return found

    def _mark(
        self, row: int, own: Owner, context: _GroupContext, *, is_agent: bool = False
    ) -> Mark:
        spans = self._spans
        start_ns, end_ns = spans.start_ns[row], spans.end_ns[row]
        is_assumed = is_rescaled = False
        if not EARLIEST_NS <= start_ns <= end_ns <= self._latest_ns:  # Few are implausible.
            start_ns, end_ns, is_assumed, is_rescaled = read_times(
                start_ns, end_ns, self._received_ns
            )
        return Mark(
            row,
            end_ns,
            is_agent,
            own,
            context.inherited,
            context.service,
            is_assumed,
            start_ns,
            context.scope,
            is_rescaled,
        )

    def _repeats_parent(self, row: int, profile: Profile) -> bool:
        """Whether the span is a server's account of a call that its parent accounts for."""
        spans = self._spans
        return (
            profile.repeats_parent and spans.kinds[row] == _SERVER and bool(spans.parent_ids[row])
        )


def _agent_name(span_name: str) -> str | None:
    """The agent's name, from the name of its span."""
    for prefix in AGENT_NAME_PREFIXES:
        span_name = span_name.removeprefix(prefix)
    return read_text(span_name)
