"""How a metric is declared, and how its values are read from counters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, Literal, NamedTuple

PREFIX: Final = "llm_cost_processor_"


class Metric(NamedTuple):
    """A metric: calling it with a value, and one text for each label, gives a sample."""

    name: str
    """As it is served."""
    kind: Literal["counter", "gauge"]
    sentence: str
    labels: tuple[str, ...] = ()
    """Their values are words of ours, or the operator's; never a sender's text."""
    always: tuple[str, ...] = ()
    """Values of the last label that are served even at 0, so that the first one is an increase."""

    def __call__(self, value: float, *labels: str) -> Sample:
        """One value."""
        return Sample(self, value, labels)


class Sample(NamedTuple):
    """One value of a metric."""

    metric: Metric
    value: float
    labels: tuple[str, ...]


Table = Mapping[str, Metric]
"""The metric for each field of a class of counters. What a table names is all that is served."""


def counter(name: str, sentence: str, *labels: str) -> Metric:
    """Declare what only grows. `name` is without prefix and ``_total``, and ends in its unit."""
    return Metric(f"{PREFIX}{name}_total", "counter", sentence, labels)


def gauge(name: str, sentence: str, *labels: str) -> Metric:
    """Declare what goes up and down. `name` is without prefix, and ends in its unit."""
    return Metric(f"{PREFIX}{name}", "gauge", sentence, labels)


def read_table(table: Table, counts: object, *labels: str) -> Iterator[Sample]:
    """The values of all fields that a table names.

    A field that is a mapping gives one for each key, which is the value of the last label; `labels`
    are the values of the others.
    """
    for field, metric in table.items():
        value: float | Mapping[str, float] = getattr(counts, field)
        if isinstance(value, Mapping):
            for key in dict.fromkeys((*metric.always, *value)):
                yield metric(value.get(key, 0), *labels, key)
        else:
            yield metric(value, *labels)
