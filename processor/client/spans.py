"""The id of a reservation on the spans of its call, where OpenTelemetry is installed.

Everything here works without OpenTelemetry, and then does nothing.
"""

from __future__ import annotations

from typing import Any, Final

ATTRIBUTE: Final = "llm.budget.reservation"
_KEY: Final = "llm-cost-reservation"
_OF_CALLS: Final = ("gen_ai.", "llm.request", "llm.model", "llm.provider", "openinference.", "ai.")
"""How attributes begin by which a span is known as a call."""


class Carried:
    """A reservation, and whether the span of a call has its id."""

    def __init__(self, reservation_id: str) -> None:
        self.reservation_id: Final = reservation_id
        self._spans_open = 0
        self._has_call = False
        self._around: Any = None
        """The span that is current outside."""
        self._token: Any = None

    @property
    def is_taken(self) -> bool:
        """Whether a charge will release it: a call had it, or a span that goes on may be one."""
        return self._has_call or self._spans_open > 0

    def attach(self) -> None:
        """Write the id on the current span, and have spans that start from now on get it."""
        try:
            from opentelemetry import context, trace  # noqa: PLC0415 - it may not be installed
        except ImportError:
            return
        self._around = trace.get_current_span()
        if self._around.is_recording():
            self._around.set_attribute(ATTRIBUTE, self.reservation_id)
        self._token = context.attach(context.set_value(_KEY, self))

    def detach(self) -> None:
        """Undo `attach`, and look whether the span around it is the one of the call."""
        if self._token is None:
            return
        from opentelemetry import context  # noqa: PLC0415 - it is there, as `attach` has found

        context.detach(self._token)
        self._token = None
        self._has_call = self._has_call or _is_call(self._around)

    def note_start(self, span: Any) -> None:  # noqa: ANN401 - of OpenTelemetry
        """Write the id on a span that starts."""
        span.set_attribute(ATTRIBUTE, self.reservation_id)
        self._spans_open += 1

    def note_end(self, span: Any) -> None:  # noqa: ANN401 - of OpenTelemetry
        """Look whether a span that has ended is a call."""
        self._spans_open -= 1
        self._has_call = self._has_call or _is_call(span)


def _is_call(span: Any) -> bool:  # noqa: ANN401 - of OpenTelemetry
    return any(key.startswith(_OF_CALLS) for key in getattr(span, "attributes", None) or {})


class ReservationSpanProcessor:
    """Writes the id of a reservation on every span that starts inside a `BudgetGuard`.

    The span of the call is made by an instrumentation, which knows nothing of budgets; on other
    spans the attribute does nothing. Add it to the tracer provider of the application:

        provider.add_span_processor(ReservationSpanProcessor())
    """

    def __init__(self) -> None:
        self._open: dict[int, Carried] = {}

    def on_start(self, span: Any, parent_context: Any = None) -> None:  # noqa: ANN401 - of OpenTelemetry
        """Write the id, where a guard is around the span."""
        from opentelemetry import context  # noqa: PLC0415 - whoever calls this has it

        carried = context.get_value(_KEY, parent_context)
        if isinstance(carried, Carried):
            carried.note_start(span)
            self._open[span.get_span_context().span_id] = carried

    def _on_ending(self, span: Any) -> None:  # noqa: ANN401 - likewise
        """Nothing is to be done then."""

    def on_end(self, span: Any) -> None:  # noqa: ANN401 - likewise
        """Note that it has ended."""
        carried = self._open.pop(span.get_span_context().span_id, None)
        if carried is not None:
            carried.note_end(span)

    def shutdown(self) -> None:
        """Nothing is kept."""

    def force_flush(self, timeout_millis: int = 30000) -> bool:  # noqa: ARG002 - as OpenTelemetry has it
        """Nothing is kept back."""
        return True
