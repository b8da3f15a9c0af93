"""A travel application with several agents, instrumented as applications are.

It uses the OpenTelemetry SDK and its OTLP exporter and knows nothing of the processor, except
where to send its spans. No model is called: the tokens and seconds of their answers are in the code
below. Ids are the same in every run.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import SpanKind

from processor.cli.demo.instrumentation import Attributes, Instrumentation, RepeatableIds

_NO_PROXY: Any = (("grpc.enable_http_proxy", 0),)
"""A proxy of the environment must not stand between two programs on one machine. The exporter's
annotation allows texts only; gRPC wants a number here."""

DURATION_S = 120
"""All requests together, in simulated time, take less."""


class TravelApplication:
    """The application. `requests` are its traces, each to be called once and in order."""

    def __init__(self, endpoint: str, start_ns: int) -> None:
        """Send spans to ``host:port``; the first request begins at `start_ns`."""
        self._provider = TracerProvider(
            sampler=ALWAYS_ON,
            resource=Resource({"service.name": "travel"}),
            id_generator=RepeatableIds("travel"),
            shutdown_on_exit=False,
        )
        exporter = OTLPSpanExporter(
            endpoint=endpoint,
            insecure=True,
            channel_options=_NO_PROXY,
        )
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._spans = Instrumentation(self._provider.get_tracer("travel", "1.0"), start_ns)
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
        with (
            self._spans.span("POST /trips", ada, SpanKind.SERVER),
            self._spans.agent("trip-planner") as agent,
        ):
            self._spans.chat("anthropic", "claude-sonnet-4-5", 6_240, 412, 3.1, cache_write=4_096)
            with self._spans.tool("search_flights"), self._spans.agent("flight-researcher"):
                self._spans.chat("gcp.gemini", "gemini-2.5-flash", 18_420, 655, 2.4)
                with self._spans.tool("fare_api"):
                    self._spans.wait(0.8)
                self._spans.chat("gcp.gemini", "gemini-2.5-flash", 21_907, 512, 2.0, cached=16_384)
            self._spans.chat("anthropic", "claude-sonnet-4-5", 9_870, 780, 4.6, cached=4_096)
            # Many frameworks repeat on the agent what its calls have used.
            agent.set_attribute("gen_ai.usage.input_tokens", 56_437)
            agent.set_attribute("gen_ai.usage.output_tokens", 2_359)

    def _find_hotels(self) -> None:
        ada = {"session.id": "trip-42", "user.id": "ada", "organization.id": "acme"}
        with (
            self._spans.span("POST /trips/42/hotels", ada, SpanKind.SERVER),
            self._spans.agent("hotel-finder"),
        ):
            with self._spans.tool("search_reviews"):
                self._spans.embed("openai", "text-embedding-3-small", 1_204)
            self._spans.fail("openai", "gpt-5-mini", "429 rate limit reached, try again in 2 s")
            self._spans.wait(2)
            self._spans.chat(
                "openai", "gpt-5-mini", 14_310, 1_866, 6.2, cached=11_008, thought=1_216
            )
            self._openinference_chat("gpt-4.1-mini", 3_985, 301)

    def _sum_up(self) -> None:
        ada = {"session.id": "trip-42", "user.id": "ada", "organization.id": "acme"}
        with (
            self._spans.span("POST /trips/42/summary", ada, SpanKind.SERVER),
            self._spans.agent("writer"),
        ):
            self._plain_call("gpt-4o-mini", 5_120, 640)
            self._spans.chat("acme", "house-translator-v2", 640, 655, 1.1)

    def _audit_contracts(self) -> None:
        bob = {"session.id": "audit-7", "user.id": "bob", "organization.id": "acme"}
        with (
            self._spans.span("POST /audits", bob, SpanKind.SERVER),
            self._spans.agent("contract-auditor"),
        ):
            self._spans.chat("anthropic", "claude-opus-4-5", 21_300, 1_640, 9.5)
            with self._spans.tool("load_contracts"):
                self._spans.wait(0.4)
            self._spans.chat("anthropic", "claude-opus-4-5", 29_480, 2_115, 12.2)
            self._spans.chat("anthropic", "claude-opus-4-5", 33_905, 2_380, 13.8)

    def _compare_offers(self) -> None:
        bob = {"session.id": "audit-7", "user.id": "bob", "organization.id": "acme"}
        path = "POST /audits/7/offers"
        with self._spans.span(path, bob, SpanKind.SERVER), self._spans.agent("offer-comparer"):
            self._spans.chat("openai", "gpt-5.1", 12_660, 1_450, 7.7, cached=8_192)

    def _openinference_chat(self, model: str, input_tokens: int, output_tokens: int) -> None:
        """The same as OpenInference writes it."""
        names: Attributes = {
            "openinference.span.kind": "LLM",
            "llm.provider": "openai",
            "llm.model_name": model,
            "llm.token_count.prompt": input_tokens,
            "llm.token_count.completion": output_tokens,
        }
        with self._spans.span("ChatCompletion", names, tracer=self._openinference):
            self._spans.wait(1.9)

    def _plain_call(self, model: str, input_tokens: int, output_tokens: int) -> None:
        """The same under an application's own attribute names."""
        names: Attributes = {
            "llm.model": model,
            "llm.tokens.input": input_tokens,
            "llm.tokens.output": output_tokens,
            "cost.feature": "summaries",
            "cost.task": "summarise-trip",
        }
        with self._spans.span("summarise_trip", names):
            self._spans.wait(2.2)
