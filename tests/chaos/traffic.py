"""What the senders send in each round, from a seed alone, and what all of it has to come to."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from dataclasses import dataclass, field

from e2e.processes import attributes
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

FIXED, VARYING = "gpt-4o", "varying"
BATCHES = 36
ROUND_S = 2 * 3600
REPEATED_ROUNDS = 6
"""Of so many rounds batches are sent again; of older ones the ids of calls may be deleted."""
START_S = 1_750_000_000
APART_BY = 8
"""By how many batches the halves of some traces are apart."""
USERS = ("ann", "ben", "cleo")
NANO_PER_TOKEN = 2500
"""Of each call of the first model, for each input token."""
VARYING_TOKENS = 1000
LOW_NANO, HIGH_NANO = 1_000_000, 3_000_000
"""What a call of the second model costs at either of its prices."""

SpanId = tuple[bytes, bytes]


def session_of(round_: int, number: int) -> str:
    """One of the sessions that begin and end in a round."""
    return f"session-{round_:04}-{number}"


def user_of(round_: int) -> str:
    """A user who calls in this round only."""
    return f"guest-{round_:04}-only"


@dataclass(frozen=True)
class Call:
    """One call as it has to be charged once all of its parents are there."""

    user: str
    session: str
    model: str
    tokens: int


@dataclass
class Sums:
    """What calls come to; `varying` of them have one of two prices."""

    calls: int = 0
    tokens: int = 0
    fixed_nano: int = 0
    varying: int = 0

    def add(self, call: Call) -> None:
        """Count one more."""
        self.calls += 1
        self.tokens += call.tokens
        if call.model == VARYING:
            self.varying += 1
        else:
            self.fixed_nano += call.tokens * NANO_PER_TOKEN

    def difference(self, calls: int, unpriced: int, tokens: int, nano: int) -> str:
        """Why the numbers of the ledger cannot be these sums; empty where they can."""
        if (calls, unpriced, tokens) != (self.calls, 0, self.tokens):
            return (
                f"{calls} calls, {unpriced} of them unpriced, and {tokens} input tokens; "
                f"expected {self.calls}, 0 and {self.tokens}"
            )
        rest = nano - self.fixed_nano - self.varying * LOW_NANO
        raised, remainder = divmod(rest, HIGH_NANO - LOW_NANO)
        if remainder or not 0 <= raised <= self.varying:
            return (
                f"{nano} nano-USD; expected {self.fixed_nano} and {self.varying} calls at "
                f"{LOW_NANO} or {HIGH_NANO} each"
            )
        return ""


@dataclass
class Traffic:
    """The batches of each round, and the calls that they have."""

    seed: int
    calls: dict[SpanId, Call] = field(default_factory=dict)
    spans: set[SpanId] = field(default_factory=set)
    sent: list[list[bytes]] = field(default_factory=list)

    def round(self) -> list[bytes]:
        """Requests of the next round, repeats of older ones among them."""
        number = len(self.sent)
        chance = random.Random(f"{self.seed} traffic {number}")
        new: list[list[ExportTraceServiceRequest]] = [[] for _ in range(BATCHES + APART_BY)]
        for place in range(BATCHES):
            for _ in range(chance.randint(1, 4)):
                first, rest = self._trace(number, place, chance)
                new[place].append(first)
                if rest:
                    new[place + APART_BY].append(rest)
        payloads = []
        for parts in new:
            request = ExportTraceServiceRequest()
            for part in parts:
                request.resource_spans.extend(part.resource_spans)
            payloads.append(request.SerializeToString())
        self.sent.append(payloads)
        mixed = []
        for payload in payloads:
            mixed.append(payload)
            if chance.random() < 0.25:
                older = chance.randint(max(0, number - REPEATED_ROUNDS), number)
                known = self.sent[older] if older < number else mixed
                mixed.append(chance.choice(known))
        return mixed

    def _trace(
        self, round_: int, place: int, chance: random.Random
    ) -> tuple[ExportTraceServiceRequest, ExportTraceServiceRequest | None]:
        """A new trace; in two parts where its calls and the span above them come apart."""
        trace_id = chance.randbytes(16)
        parent_id = chance.randbytes(8)
        end_s = START_S + round_ * ROUND_S + place * 60
        user = user_of(round_) if chance.random() < 0.2 else chance.choice(USERS)
        session = session_of(round_, chance.randrange(4))
        owner = {"user.id": user, "session.id": session}
        is_apart = chance.random() < 0.5
        now, above = ExportTraceServiceRequest(), ExportTraceServiceRequest()
        for _ in range(chance.randint(1, 4)):
            model = chance.choice((FIXED, VARYING))
            tokens = chance.randint(1, 5000) if model == FIXED else VARYING_TOKENS
            texts = {
                "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai",
                "gen_ai.request.model": model, **({} if is_apart else owner),
            }  # fmt: skip
            span_id = chance.randbytes(8)
            _add(now, (trace_id, span_id, parent_id), end_s, texts, tokens)
            self.calls[trace_id, span_id] = Call(user, session, model, tokens)
            self.spans.add((trace_id, span_id))
        agent = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "planner"}
        # A plain span has no row of its own until a call below it comes.
        texts = owner if chance.random() < 0.7 else agent | owner
        _add(above, (trace_id, parent_id, b""), end_s + 1, texts, 0)
        self.spans.add((trace_id, parent_id))
        if is_apart:
            return (now, above) if chance.random() < 0.5 else (above, now)
        now.MergeFrom(above)
        return now, None

    def sums(self, excluded: set[str], forgotten: set[str]) -> dict[tuple[str, str], Sums]:
        """What each scope has to come to, by scope and id, without the sessions `excluded`.

        Users that are forgotten count together, as the user "".
        """
        found: dict[tuple[str, str], Sums] = defaultdict(Sums)
        for call in self.calls.values():
            user = "" if call.user in forgotten else call.user
            places = ("total", ""), ("user", user), ("session", call.session), ("model", call.model)
            for place in places:
                sums = found[place]
                if call.session not in excluded:
                    sums.add(call)
        return found


def _add(
    request: ExportTraceServiceRequest,
    ids: tuple[bytes, bytes, bytes],
    end_s: int,
    texts: dict[str, str],
    tokens: int,
) -> None:
    resource = request.resource_spans.add()
    resource.resource.attributes.add(key="service.name").value.string_value = "chaos"
    trace_id, span_id, parent_id = ids
    span = resource.scope_spans.add().spans.add(
        trace_id=trace_id, span_id=span_id, parent_span_id=parent_id,
        name=texts.get("gen_ai.request.model", "above"),
        start_time_unix_nano=(end_s - 1) * 10**9, end_time_unix_nano=end_s * 10**9,
    )  # fmt: skip
    for key, value in texts.items():
        span.attributes.add(key=key).value.string_value = value
    if tokens:
        for kind, count in (("input", tokens), ("output", 0)):
            span.attributes.add(key=f"gen_ai.usage.{kind}_tokens").value.int_value = count


def repeated_crossings(payloads: list[bytes]) -> list[str]:
    """Crossings that stand as events on more than one span that the backend has got."""
    found: dict[tuple, set[SpanId]] = defaultdict(set)
    on_one = Counter[tuple]()
    for payload in payloads:
        for resource in ExportTraceServiceRequest.FromString(payload).resource_spans:
            for scope in resource.scope_spans:
                for span in scope.spans:
                    keys = [key for event in span.events if (key := _crossing(event))]
                    for key, count in Counter(keys).items():
                        found[key].add((span.trace_id, span.span_id))
                        on_one[key] = max(on_one[key], count)
    return [
        f"on {len(spans)} spans: {' '.join(map(str, key))}"
        for key, spans in found.items()
        if len(spans) > 1 or on_one[key] > 1
    ]


def _crossing(event) -> tuple:
    if not event.name.startswith("llm.budget."):
        return ()
    values = attributes(event)
    parts = ("name", "scope", "scope_id", "window_start", "limit_usd", "threshold")
    return event.name, *(values.get(f"budget.{part}", "") for part in parts)
