"""A company whose services send spans for weeks: the runs of the demo's history, played.

As in `application`, the services use the OpenTelemetry SDK and know nothing of the processor. Only
the way of the spans is shorter: an exporter of their SDK would take hours of its own clock.
"""

from __future__ import annotations

import random
from contextlib import ExitStack
from typing import Final

from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import SpanKind, Tracer

from processor.cli.demo.instrumentation import Instrumentation, RepeatableIds
from processor.cli.demo.month import Run, random_of
from processor.cli.demo.population import TEAMS, Step, Team

_FAILED: Final = 0.012
_SPREAD: Final = 0.45
"""Standard deviation of the logarithm of token counts."""
_TOKENS_PER_S: Final = 90
_CALL_S_MAX: Final = 25.0


class Company:
    """All services. Played runs are kept as spans until they are taken."""

    def __init__(self) -> None:
        self._ids = RepeatableIds("")
        self._kept = _Kept()
        self._providers = [self._provider(team) for team in TEAMS]
        self._tracers: dict[str, Tracer] = {
            team.name: provider.get_tracer(team.service, "1.0")
            for team, provider in zip(TEAMS, self._providers, strict=True)
        }

    def play(self, run: Run) -> int:
        """Make the spans of a run; returns when it is over, in nanoseconds since 1970."""
        self._ids.begin(run.name)
        spans = Instrumentation(self._tracers[run.team.name], run.begin_ns)
        about = {
            "session.id": run.session,
            "user.id": run.user,
            "organization.id": run.org,
            "cost.feature": run.team.feature,
            "cost.task_type": run.agent.task_type,
        }
        if run.task is not None:
            about |= {"cost.task_id": run.task.id, "cost.task_title": run.task.title}
        if run.agent.purpose:
            about["cost.purpose"] = run.agent.purpose
        rng = random_of(f"{run.name} steps")
        name = f"POST /{run.team.feature}"
        with spans.span(name, about, SpanKind.SERVER), spans.agent(run.agent.name):
            for step in run.agent.steps:
                _play(step, spans, rng)
        return spans.now_ns

    def take(self) -> bytes:
        """What was played since the last time, as an OTLP export request."""
        spans, self._kept.spans = self._kept.spans, []
        return encode_spans(spans).SerializeToString()

    def close(self) -> None:
        """Stop the SDK."""
        for provider in self._providers:
            provider.shutdown()

    def _provider(self, team: Team) -> TracerProvider:
        resource = {
            "service.name": team.service,
            "team": team.name,
            "deployment.environment.name": "production",
        }
        provider = TracerProvider(
            sampler=ALWAYS_ON,
            resource=Resource(resource),
            id_generator=self._ids,
            shutdown_on_exit=False,
        )
        provider.add_span_processor(self._kept)
        return provider


class _Kept(SpanProcessor):
    """Keeps the spans that have ended."""

    def __init__(self) -> None:
        self.spans: list[ReadableSpan] = []

    def on_end(self, span: ReadableSpan) -> None:
        """Keep one more."""
        self.spans.append(span)


def _play(step: Step, spans: Instrumentation, rng: random.Random) -> None:
    with ExitStack() as stack:
        if step.sub_agent:
            stack.enter_context(spans.agent(step.sub_agent))
        for number in range(rng.randint(*step.calls)):
            _call(step, spans, rng, is_first=number == 0)
            if step.tool:
                with spans.tool(step.tool):
                    spans.wait(rng.uniform(0.1, 1.5))


def _call(step: Step, spans: Instrumentation, rng: random.Random, *, is_first: bool) -> None:
    input_tokens = int(step.input_tokens * rng.lognormvariate(0, _SPREAD)) + 1
    if not step.output_tokens:
        spans.embed(step.provider, step.model, input_tokens)
        return
    if rng.random() < _FAILED:
        spans.fail(step.provider, step.model, "429 rate limit reached, try again in 2 s")
        spans.wait(2)
    chance = rng.random()
    output_tokens = int(step.output_tokens * rng.lognormvariate(0, _SPREAD)) + 1
    duration_s = min(0.4 + output_tokens / _TOKENS_PER_S, _CALL_S_MAX)
    if chance < step.without_usage:
        with spans.call("chat", step.provider, step.model):
            spans.wait(duration_s)
        return
    if chance < step.answered_by_cache:
        with spans.call("chat", step.provider, step.model) as span:
            span.set_attributes(
                {
                    "gen_ai.usage.input_tokens": input_tokens,
                    "gen_ai.usage.output_tokens": output_tokens,
                    "semantic_cache.hit": True,
                }
            )
        return
    of_cache = int(input_tokens * step.cached)
    # The first call of a run finds in the cache what an earlier run has written, or writes it.
    is_written = is_first and rng.random() < 0.3 and step.provider == "anthropic"
    spans.chat(
        step.provider,
        step.model,
        input_tokens,
        output_tokens,
        duration_s,
        cached=0 if is_written else of_cache,
        cache_write=of_cache if is_written else 0,
        thought=int(output_tokens * step.thought),
    )
