"""A standalone OpenTelemetry span processor that prices LLM calls."""

__version__ = "0.1.0"
