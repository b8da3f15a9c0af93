"""The calls of the ledger's benchmark: what batches would bring to the ledger, without the wire.

Traces of five to ten calls, with a root, the span of an agent, often a plain span between, and a
tool. Sessions of ten calls on the average, in the rhythm of days and weeks. Of some traces the
parents come later, some come twice. Everything depends on the seed and the number of calls alone.
"""

from __future__ import annotations

import random
from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from ledger_population import Agent, Population, User

from processor.core import pricing
from processor.core.model import (
    NOBODY,
    NS_PER_S,
    Call,
    Charge,
    Intake,
    Mark,
    Owner,
    Spans,
    Unpriced,
)

START_S: Final = 1_772_409_600
"""Monday, 2 March 2026, 00:00 UTC; the change to daylight saving in Europe is on the 29th."""
DAYS: Final = 30
END_S: Final = START_S + DAYS * 86_400
TRACES_PER_TURN: Final = 64
_CALLS: Final = (5, 10)
_CALLS_ON_AVERAGE: Final = sum(_CALLS) / 2
_DAY: Final = (
    12, 9, 7, 6, 7, 12, 25, 48, 80, 96, 100, 98, 84, 92, 98, 96, 90, 78, 60, 46, 38, 30, 24, 17,
)  # fmt: skip
"""Traffic of the hours of a day, relative to each other; on Saturdays and Sundays a third."""
_SESSIONS_OPEN: Final = 256
_CONTINUED: Final = 0.25
"""Share of traces that go on with a session: four traces make three sessions."""
_WITH_TASK: Final = 0.1
_LATE: Final = ((0.0005, 3_000), (0.005, 50), (0.05, 1))
"""Shares of traces whose parents come later, and how many turns later."""
_REPEATED: Final = 0.005
_CHAINED: Final = 0.15
"""Share of traces with a plain span between agent and calls."""


class Shape(NamedTuple):
    """How many calls a trace has, and whether anything of it may come late or twice."""

    calls: tuple[int, int] = _CALLS
    """Least and most."""
    is_plain: bool = False
    """Nothing late, nothing twice, no plain span in between: root, agent, tool and calls."""


MIXED: Final = Shape()
LARGE: Final = Shape((5, 5), is_plain=True)
"""Traces of eight spans; 64 of them make a turn of 512."""
SMALL: Final = Shape((7, 7), is_plain=True)
"""A trace of ten spans."""


class _Session(NamedTuple):
    user: User
    whole: Owner
    """What agents of it say, but for themselves."""
    brief: Owner
    """What calls of it say where their instrumentation knows session and user."""


class _Span(NamedTuple):
    """A span that is about to come."""

    trace_id: bytes
    span_id: bytes
    parent_id: bytes
    mark: Mark | None = None
    charge: Charge | Unpriced | None = None
    is_tool: bool = False


class Traffic:
    """An endless row of turns."""

    def __init__(self, population: Population, seed: int) -> None:
        self._population = population
        self._rng = random.Random(seed)
        self._sessions: deque[_Session] = deque(maxlen=_SESSIONS_OPEN)
        self._later: defaultdict[int, list[_Span]] = defaultdict(list)
        self._turns = 0
        self.calls = 0
        """How many there were so far; repeats do not count."""

    def month(self, calls: int, traces_per_turn: int = TRACES_PER_TURN) -> Iterator[Intake]:
        """Turns with so many calls over `DAYS` days; a few more, since traces are whole."""
        weights = [_DAY[hour % 24] / (3 if hour // 24 % 7 >= 5 else 1) for hour in range(DAYS * 24)]
        per_weight = calls / _CALLS_ON_AVERAGE / sum(weights)
        times_ns, due, first = list[int](), 0.0, self.calls
        for hour, weight in enumerate(weights):
            due += weight * per_weight
            count, begin_ns = int(due), (START_S + hour * 3600) * NS_PER_S
            due -= count
            times_ns += [begin_ns + at * 3600 * NS_PER_S // count for at in range(count)]
            while len(times_ns) >= traces_per_turn:
                yield self.turn(times_ns[:traces_per_turn])
                del times_ns[:traces_per_turn]
        while self.calls - first < calls:
            times_ns = [*times_ns, END_S * NS_PER_S - 60 * NS_PER_S][-traces_per_turn:]
            yield self.turn(times_ns)
            times_ns = []
        late = [span for spans in self._later.values() for span in spans]
        self._later.clear()
        yield _intake(late, END_S * NS_PER_S)

    def turn(self, times_ns: list[int], shape: Shape = MIXED) -> Intake:
        """A batch of traces that begin at these times, and what was late for earlier ones."""
        spans = self._later.pop(self._turns, [])
        owners = self._population.users
        users = self._rng.choices(
            range(len(owners)), cum_weights=self._population.shares, k=len(times_ns)
        )
        end_ns = 0
        for user, begin_ns in zip(users, times_ns, strict=True):
            session = self._session(owners[user])
            end_ns = max(end_ns, self._trace(session, begin_ns, shape, spans))
        self._turns += 1
        return _intake(spans, end_ns + 2 * NS_PER_S)

    def _session(self, user: User) -> _Session:
        rng, sessions = self._rng, self._sessions
        if sessions and rng.random() < _CONTINUED:
            return sessions[rng.randrange(len(sessions))]
        text = rng.randbytes(16).hex()
        session_id = f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
        task = f"TASK-{rng.randrange(10**7)}" if rng.random() < _WITH_TASK else None
        whole = Owner(
            session=session_id,
            user=user.id,
            org=user.org,
            task=task,
            task_title=f"Ticket {task} of {user.org}" if task else None,
        )
        session = _Session(user, whole, Owner(session=session_id, user=user.id))
        sessions.append(session)
        return session

    def _trace(self, session: _Session, begin_ns: int, shape: Shape, spans: list[_Span]) -> int:
        """Append the spans of a trace, or keep some for later; returns when it ends."""
        rng = self._rng
        chances = rng.random(), rng.random(), rng.random()
        agents = session.user.agents
        agent = agents[int(chances[0] * chances[0] * len(agents))]
        ids = rng.randbytes(48)
        trace_id, root_id, agent_id, chain_id = ids[:16], ids[16:24], ids[24:32], ids[32:40]
        is_chained = chances[1] < _CHAINED and not shape.is_plain
        parent_id = chain_id if is_chained else agent_id
        own = session.brief if chances[1] < 0.5 else NOBODY
        made, end_ns = list[_Span](), begin_ns
        for span_id, length_ns in self._calls(shape):
            at_ns, end_ns = end_ns, end_ns + length_ns
            mark = Mark(0, end_ns, False, own, agent.origin, agent.service, start_ns=at_ns)
            charge = self._charge(agent, mark, length_ns)
            made.append(_Span(trace_id, span_id, parent_id, mark, charge))
        made.append(_Span(trace_id, ids[40:], agent_id, is_tool=True))
        parents = [_Span(trace_id, chain_id, agent_id)] if is_chained else []
        whole = session.whole
        about = Owner(
            whole.session, whole.user, whole.org, agent.name, agent.feature, whole.task,
            agent.task_types[trace_id[0] & 1], agent.purpose, whole.task_title,
        )  # fmt: skip
        mark = Mark(0, end_ns, True, about, agent.origin, agent.service, start_ns=begin_ns)
        total = _sum_of(made, mark) if agent.reports_sum else None
        priced = [] if total is None else pricing.price([total], self._population.catalog)
        parents += (
            _Span(trace_id, agent_id, root_id, mark, priced[0] if priced else None),
            _Span(trace_id, root_id, b""),
        )
        self._send(made, parents, 1.0 if shape.is_plain else chances[2], spans)
        return end_ns

    def _calls(self, shape: Shape) -> Iterator[tuple[bytes, int]]:
        """Span ids of calls, and how long each takes in nanoseconds."""
        count = self._rng.randint(*shape.calls)
        self.calls += count
        ids = self._rng.randbytes(12 * count)
        for at in range(0, 12 * count, 12):
            length_ns = 300_000_000 + int.from_bytes(ids[at + 8 : at + 12])
            yield ids[at : at + 8], length_ns

    def _charge(self, agent: Agent, mark: Mark, chance: int) -> Charge | Unpriced:
        """A call of one of the agent's models; two of three are of the first."""
        population, models = self._population, agent.models
        model = models[0 if chance % 3 else chance // 3 % len(models)]
        priced = population.priced[model]
        like = priced[chance // 16 % len(priced)]
        prefix, digits = population.models[model].response_id
        asked = like.call
        call = Call(
            mark,
            asked.kind,
            asked.provider,
            asked.models,
            asked.usage,
            response_id=prefix + self._rng.randbytes(25).hex()[:digits] if digits else "",
            failed=asked.failed,
        )
        if isinstance(like, Charge):
            return Charge(
                call, like.amount, like.status, like.provider, like.model,
                like.price_version, like.rates, like.reason, like.saved_nano_usd,
            )  # fmt: skip
        return Unpriced(
            call, like.status, like.reason, like.provider, like.model, like.price_version
        )

    def _send(
        self, made: list[_Span], parents: list[_Span], chance: float, spans: list[_Span]
    ) -> None:
        for share, turns in _LATE:
            if chance < share:
                spans += made
                self._later[self._turns + turns] += parents
                return
        spans += made
        spans += parents
        if chance > 1.0 - _REPEATED and chance < 1.0:
            self._later[self._turns + 1] += map(_copy, (*made, *parents))


def _sum_of(made: Sequence[_Span], mark: Mark) -> Call | None:
    """The call that the span of an agent is which reports what all calls below it used."""
    calls = [span.charge.call for span in made if span.charge is not None]
    usages = [call.usage for call in calls if call.usage is not None]
    if not usages:
        return None
    first = next(call for call in calls if call.usage is not None)
    usage = usages[0]
    for other in usages[1:]:
        usage = usage.plus(other)
    return Call(mark, first.kind, first.provider, first.models, usage, aggregate="sum")


def _copy(span: _Span) -> _Span:
    """A span once more, as a sender that has had no answer sends it."""
    mark = None if span.mark is None else replace(span.mark)
    charge = span.charge
    if charge is not None and mark is not None:
        charge = replace(charge, call=replace(charge.call, mark=mark))
    return span._replace(mark=mark, charge=charge)


def _intake(prepared: list[_Span], received_ns: int) -> Intake:
    """What a batch of these spans would be, once read and priced."""
    charges, marks, tools = list[Charge | Unpriced](), list[Mark](), set[int]()
    for row, (_, _, _, mark, charge, is_tool) in enumerate(prepared):
        if mark is not None:
            mark.row = row
            if charge is not None:
                charges.append(charge)
            else:
                marks.append(mark)
        elif is_tool:
            tools.add(row)
    count = len(prepared)
    spans = Spans(
        b"",
        [span.trace_id for span in prepared],
        [span.span_id for span in prepared],
        [span.parent_id for span in prepared],
        [""] * count,
        [0] * count,
        [0] * count,
        [1] * count,
        [0] * count,
        [False] * count,
    )
    return Intake(spans, charges, marks, received_ns, tools)
