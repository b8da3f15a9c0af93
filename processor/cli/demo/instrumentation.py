"""Spans as instrumented applications make them, in simulated time and with the same ids each time.

No model is called: whoever plays an application says how many tokens and seconds an answer took.
The attributes are those of https://opentelemetry.io/docs/specs/semconv/gen-ai/.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import count

from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer

from processor.core.model import NS_PER_S

Attributes = Mapping[str, str | int]

_STEP_S = 0.05
"""What an application itself needs between two steps."""


class Instrumentation:
    """Makes the spans of an application whose clock it keeps. `tracer` may be replaced."""

    def __init__(self, tracer: Tracer, now_ns: int) -> None:
        self.tracer = tracer
        self.now_ns = now_ns

    def wait(self, seconds: float) -> None:
        """Let so much time pass."""
        self.now_ns += int(seconds * NS_PER_S)

    def chat(
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
        """A call that was answered; `input_tokens` includes those of the cache."""
        counts = {
            "gen_ai.usage.input_tokens": input_tokens,
            "gen_ai.usage.output_tokens": output_tokens,
            "gen_ai.usage.cache_read.input_tokens": cached,
            "gen_ai.usage.cache_creation.input_tokens": cache_write,
            "gen_ai.usage.reasoning.output_tokens": thought,
        }
        with self.call("chat", provider, model) as span:
            self.wait(duration_s)
            span.set_attributes({key: tokens for key, tokens in counts.items() if tokens})
            span.set_attribute("gen_ai.response.model", model)

    def embed(self, provider: str, model: str, input_tokens: int) -> None:
        """A call for embeddings."""
        with self.call("embeddings", provider, model) as span:
            self.wait(0.3)
            span.set_attribute("gen_ai.usage.input_tokens", input_tokens)

    def fail(self, provider: str, model: str, message: str) -> None:
        """A call that was refused."""
        with self.call("chat", provider, model) as span:
            self.wait(0.2)
            span.set_attribute("error.type", "RateLimitError")
            span.set_status(Status(StatusCode.ERROR, message))

    @contextmanager
    def agent(self, name: str) -> Iterator[Span]:
        """The run of an agent."""
        names = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": name}
        with self.span(f"invoke_agent {name}", names) as span:
            yield span

    @contextmanager
    def tool(self, name: str) -> Iterator[Span]:
        """The use of a tool."""
        names = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": name}
        with self.span(f"execute_tool {name}", names) as span:
            yield span

    @contextmanager
    def call(self, operation: str, provider: str, model: str) -> Iterator[Span]:
        """A call of a model, about whose answer nothing is said yet."""
        names = {
            "gen_ai.operation.name": operation,
            "gen_ai.provider.name": provider,
            "gen_ai.request.model": model,
        }
        with self.span(f"{operation} {model}", names, SpanKind.CLIENT) as span:
            yield span

    @contextmanager
    def span(
        self,
        name: str,
        attributes: Attributes,
        kind: SpanKind = SpanKind.INTERNAL,
        tracer: Tracer | None = None,
    ) -> Iterator[Span]:
        """A span in simulated time."""
        self.wait(_STEP_S)
        with (tracer or self.tracer).start_as_current_span(
            name, kind=kind, attributes=attributes, start_time=self.now_ns, end_on_exit=False
        ) as span:
            yield span
            self.wait(_STEP_S)
            span.end(self.now_ns)


class RepeatableIds(IdGenerator):
    """Ids that look random and follow from a name, so that two runs can be compared."""

    def __init__(self, name: str) -> None:
        self.begin(name)

    def begin(self, name: str) -> None:
        """Go on with the ids of another name, from its first one."""
        self._name = name
        self._numbers = count()

    def generate_span_id(self) -> int:
        """Eight bytes."""
        return self._id(8)

    def generate_trace_id(self) -> int:
        """Sixteen bytes."""
        return self._id(16)

    def _id(self, size_bytes: int) -> int:
        digest = hashlib.sha256(f"{self._name} {next(self._numbers)}".encode()).digest()
        return int.from_bytes(digest[:size_bytes], "big")
