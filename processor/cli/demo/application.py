"""A travel application with several agents, instrumented as applications are.

It uses the OpenTelemetry SDK and its OTLP exporter and knows nothing of the processor, except
where to send its spans. No model is called: the tokens and seconds of their answers are in the code
below. Ids are the same in every run.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import count
from typing import Any

from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer

Attributes = Mapping[str, str | int]

_NS_PER_S = 10**9
_STEP_S = 0.05
"""What the application itself needs between two steps."""

_NO_PROXY: Any = (("grpc.enable_http_proxy", 0),)
"""A proxy of the environment must not stand between two programs on one machine. The exporter's
annotation allows texts only; gRPC wants a number here."""

DURATION_S = 120
"""All requests together, in simulated time, take less."""


class TravelApplication:
    """The application. `requests` are its traces, each to be called once and in order."""

    def __init__(self, endpoint: str, start_ns: int) -> None:
        """Send spans to ``host:port``; the first request begins at `start_ns`."""
        self._now_ns = start_ns
        self._provider = TracerProvider(
            sampler=ALWAYS_ON,
            resource=Resource({"service.name": "travel"}),
            id_generator=_SameEveryTime(),
            shutdown_on_exit=False,
        )
        exporter = OTLPSpanExporter(
            endpoint=endpoint,
            insecure=True,
            channel_options=_NO_PROXY,
        )
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("travel", "1.0")
        self._openinference = self._provider.get_tracer("openinference.instrumentation.openai")
        self.requests: Sequence[Callable[[], None]] = (
            self._plan_a_trip,
            self._find_hotels,
            self._sum_up,
            self._audit_contracts,
            self._compare_offers,
        )

    def flush(self) -> None:
        """Return once everything has been sent."""
        self._provider.force_flush()

    def close(self) -> None:
        """Send what is left, and stop."""
        self._provider.shutdown()

    # The requests: one trace each. As in most applications, only the root says who is asking.

    def _plan_a_trip(self) -> None:
        ada = {"session.id": "trip-42", "user.id": "ada", "organization.id": "acme"}
        with self._span("POST /trips", ada, SpanKind.SERVER), self._agent("trip-planner") as agent:
            self._chat("anthropic", "claude-sonnet-4-5", 6_240, 412, 3.1, cache_write=4_096)
            with self._tool("search_flights"), self._agent("flight-researcher"):
                self._chat("gcp.gemini", "gemini-2.5-flash", 18_420, 655, 2.4)
                with self._tool("fare_api"):
                    self._wait(0.8)
                self._chat("gcp.gemini", "gemini-2.5-flash", 21_907, 512, 2.0, cached=16_384)
            self._chat("anthropic", "claude-sonnet-4-5", 9_870, 780, 4.6, cached=4_096)
            # Many frameworks repeat on the agent what its calls have used.
            agent.set_attribute("gen_ai.usage.input_tokens", 56_437)
            agent.set_attribute("gen_ai.usage.output_tokens", 2_359)

    def _find_hotels(self) -> None:
        ada = {"session.id": "trip-42", "user.id": "ada", "organization.id": "acme"}
        with self._span("POST /trips/42/hotels", ada, SpanKind.SERVER), self._agent("hotel-finder"):
            with self._tool("search_reviews"):
                self._embed("openai", "text-embedding-3-small", 1_204)
            self._fail("openai", "gpt-5-mini", "429 rate limit reached, try again in 2 s")
            self._wait(2)
            self._chat("openai", "gpt-5-mini", 14_310, 1_866, 6.2, cached=11_008, thought=1_216)
            self._openinference_chat("gpt-4.1-mini", 3_985, 301)

    def _sum_up(self) -> None:
        ada = {"session.id": "trip-42", "user.id": "ada", "organization.id": "acme"}
        with self._span("POST /trips/42/summary", ada, SpanKind.SERVER), self._agent("writer"):
            self._plain_call("gpt-4o-mini", 5_120, 640)
            self._chat("acme", "house-translator-v2", 640, 655, 1.1)

    def _audit_contracts(self) -> None:
        bob = {"session.id": "audit-7", "user.id": "bob", "organization.id": "acme"}
        with self._span("POST /audits", bob, SpanKind.SERVER), self._agent("contract-auditor"):
            self._chat("anthropic", "claude-opus-4-5", 21_300, 1_640, 9.5)
            with self._tool("load_contracts"):
                self._wait(0.4)
            self._chat("anthropic", "claude-opus-4-5", 29_480, 2_115, 12.2)
            self._chat("anthropic", "claude-opus-4-5", 33_905, 2_380, 13.8)

    def _compare_offers(self) -> None:
        bob = {"session.id": "audit-7", "user.id": "bob", "organization.id": "acme"}
        path = "POST /audits/7/offers"
        with self._span(path, bob, SpanKind.SERVER), self._agent("offer-comparer"):
            self._chat("openai", "gpt-5.1", 12_660, 1_450, 7.7, cached=8_192)

    # The instrumentation: https://opentelemetry.io/docs/specs/semconv/gen-ai/

    def _chat(
        self,
        provider: str,
        model: str,
        input_tokens: int,
        output_tokens: int,
        duration_s: float,
        *,
        cached: int = 0,
        cache_write: int = 0,
        thought: int = 0,
    ) -> None:
        counts = {
            "gen_ai.usage.input_tokens": input_tokens,
            "gen_ai.usage.output_tokens": output_tokens,
            "gen_ai.usage.cache_read.input_tokens": cached,
            "gen_ai.usage.cache_creation.input_tokens": cache_write,
            "gen_ai.usage.reasoning.output_tokens": thought,
        }
        with self._call("chat", provider, model) as span:
            self._wait(duration_s)
            span.set_attributes({key: tokens for key, tokens in counts.items() if tokens})
            span.set_attribute("gen_ai.response.model", model)

    def _embed(self, provider: str, model: str, input_tokens: int) -> None:
        with self._call("embeddings", provider, model) as span:
            self._wait(0.3)
            span.set_attribute("gen_ai.usage.input_tokens", input_tokens)

    def _fail(self, provider: str, model: str, message: str) -> None:
        with self._call("chat", provider, model) as span:
            self._wait(0.2)
            span.set_attribute("error.type", "RateLimitError")
            span.set_status(Status(StatusCode.ERROR, message))

    def _openinference_chat(self, model: str, input_tokens: int, output_tokens: int) -> None:
        """The same as OpenInference writes it."""
        names: Attributes = {
            "openinference.span.kind": "LLM",
            "llm.provider": "openai",
            "llm.model_name": model,
            "llm.token_count.prompt": input_tokens,
            "llm.token_count.completion": output_tokens,
        }
        with self._span("ChatCompletion", names, tracer=self._openinference):
            self._wait(1.9)

    def _plain_call(self, model: str, input_tokens: int, output_tokens: int) -> None:
        """The same under an application's own attribute names."""
        names: Attributes = {
            "llm.model": model,
            "llm.tokens.input": input_tokens,
            "llm.tokens.output": output_tokens,
            "cost.feature": "summaries",
            "cost.task": "summarise-trip",
        }
        with self._span("summarise_trip", names):
            self._wait(2.2)

    @contextmanager
    def _agent(self, name: str) -> Iterator[Span]:
        names = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": name}
        with self._span(f"invoke_agent {name}", names) as span:
            yield span

    @contextmanager
    def _tool(self, name: str) -> Iterator[Span]:
        names = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": name}
        with self._span(f"execute_tool {name}", names) as span:
            yield span

    @contextmanager
    def _call(self, operation: str, provider: str, model: str) -> Iterator[Span]:
        names = {
            "gen_ai.operation.name": operation,
            "gen_ai.provider.name": provider,
            "gen_ai.request.model": model,
        }
        with self._span(f"{operation} {model}", names, SpanKind.CLIENT) as span:
            yield span

    @contextmanager
    def _span(
        self,
        name: str,
        attributes: Attributes,
        kind: SpanKind = SpanKind.INTERNAL,
        tracer: Tracer | None = None,
    ) -> Iterator[Span]:
        """A span in simulated time."""
        self._wait(_STEP_S)
        with (tracer or self._tracer).start_as_current_span(
            name, kind=kind, attributes=attributes, start_time=self._now_ns, end_on_exit=False
        ) as span:
            yield span
            self._wait(_STEP_S)
            span.end(self._now_ns)

    def _wait(self, seconds: float) -> None:
        self._now_ns += int(seconds * _NS_PER_S)


class _SameEveryTime(IdGenerator):
    """Ids that look random and are not, so that two runs can be compared."""

    def __init__(self) -> None:
        self._numbers = count()

    def generate_span_id(self) -> int:
        return self._id(8)

    def generate_trace_id(self) -> int:
        return self._id(16)

    def _id(self, size_bytes: int) -> int:
        digest = hashlib.sha256(f"travel {next(self._numbers)}".encode()).digest()
        return int.from_bytes(digest[:size_bytes], "big")
