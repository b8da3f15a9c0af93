"""How a metric is declared, and what one value of it is."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

PREFIX: Final = "llm_cost_processor_"


class Metric(NamedTuple):
    """A metric: calling it with a value, and one text for each label, gives a sample."""

    name: str
    """As it is served."""
    kind: Literal["counter", "gauge"]
    sentence: str
    labels: tuple[str, ...] = ()
    """Whose values are words of ours, or the operator's; never a sender's text."""

    def __call__(self, value: float, *labels: str) -> Sample:
        """One value."""
        return Sample(self, value, labels)


class Sample(NamedTuple):
    """One value of a metric."""

    metric: Metric
    value: float
    labels: tuple[str, ...]


def counter(name: str, sentence: str, *labels: str) -> Metric:
    """Declare what only grows. `name` is without prefix and ``_total``, and ends in its unit."""
    return Metric(f"{PREFIX}{name}_total", "counter", sentence, labels)


def gauge(name: str, sentence: str, *labels: str) -> Metric:
    """Declare what goes up and down. `name` is without prefix, and ends in its unit."""
    return Metric(f"{PREFIX}{name}", "gauge", sentence, labels)
