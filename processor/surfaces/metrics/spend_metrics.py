"""What was spent, by the dimensions that the settings choose, as Prometheus text.

It is written here and not by prometheus_client, which would append ``_total`` to the first name,
and takes several times as long.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from operator import attrgetter
from typing import Final, NamedTuple

from processor.core.model import Totals
from processor.core.money import NANO_PER_USD
from processor.core.questions import Spend, SpendRow
from processor.surfaces.metrics.declaration import Metric

OTHER: Final = "other"
"""Every label of the combinations that have no series of their own."""
_LINES_CACHED_MAX: Final = 16_384
_ESCAPES: Final = str.maketrans({"\\": r"\\", "\n": r"\n", '"': r"\""})


class _Quantity(NamedTuple):
    """A counter, what it counts, and the counter of what has corrected it."""

    metric: Metric
    labels: tuple[tuple[str, str], ...]
    """Beside the dimensions."""
    value: Callable[[Totals], int]
    per: int = 1
    """How many of `value` are one of the metric's unit."""
    corrections: Metric | None = None


_COST: Final = Metric(
    "llm_cost_total_dollars",
    "counter",
    "What LLM calls have cost when they were charged first, of all that the ledger has. With the "
    "corrections up, less those down, it is what they cost now.",
)
_CORRECTIONS: Final = (
    "By how much {} changed after that: late spans, reprices, exclusions, and what moved from one "
    "owner to another, which goes down there and up here."
)
_COST_CORRECTIONS: Final = Metric(
    "llm_cost_corrections_dollars_total", "counter", _CORRECTIONS.format("costs"), ("direction",)
)
_REQUESTS: Final = Metric("llm_requests_total", "counter", "LLM calls that were charged.")
_REQUESTS_CORRECTIONS: Final = Metric(
    "llm_requests_corrections_total", "counter", _CORRECTIONS.format("their number"), ("direction",)
)
_UNPRICED: Final = Metric(
    "llm_unpriced_calls_total",
    "counter",
    "Those of them whose cost was unknown: while it is, costs are at least what they are.",
)
_UNPRICED_CORRECTIONS: Final = Metric(
    "llm_unpriced_calls_corrections_total",
    "counter",
    _CORRECTIONS.format("their number"),
    ("direction",),
)
_RESPONSES: Final = Metric(
    "llm_cache_hits_total",
    "counter",
    "Those of them that an application's own cache of responses answered, at no cost.",
)
_PROMPTS: Final = Metric(
    "llm_prompt_cache_reads_total",
    "counter",
    "Those of them that a prompt cache of the provider gave a part of their input.",
)
_TOKENS: Final = Metric(
    "llm_tokens_total",
    "counter",
    "Tokens: of input, of input that a prompt cache gave (cached), and of output.",
    ("type",),
)
_TOKENS_CORRECTIONS: Final = Metric(
    "llm_tokens_corrections_total",
    "counter",
    _CORRECTIONS.format("their number"),
    ("type", "direction"),
)
_SAVINGS: Final = Metric(
    "llm_savings_dollars_total",
    "counter",
    "What calls would have cost more without a cache: of prompts, or of responses.",
    ("cache",),
)
METRICS: Final = (
    _COST,
    _COST_CORRECTIONS,
    _REQUESTS,
    _REQUESTS_CORRECTIONS,
    _UNPRICED,
    _UNPRICED_CORRECTIONS,
    _RESPONSES,
    _PROMPTS,
    _TOKENS,
    _TOKENS_CORRECTIONS,
    _SAVINGS,
)
"""In the order in which they are served; beside their labels they have the dimensions'."""

_QUANTITIES: Final = (
    _Quantity(_COST, (), attrgetter("cost_nano_usd"), NANO_PER_USD, _COST_CORRECTIONS),
    _Quantity(_REQUESTS, (), attrgetter("calls"), 1, _REQUESTS_CORRECTIONS),
    _Quantity(_UNPRICED, (), attrgetter("unpriced"), 1, _UNPRICED_CORRECTIONS),
    _Quantity(_RESPONSES, (), attrgetter("response_cache_hits")),
    _Quantity(_PROMPTS, (), attrgetter("cache_hits")),
    *(
        _Quantity(_TOKENS, (("type", name),), attrgetter(field), 1, _TOKENS_CORRECTIONS)
        for name, field in (
            ("input", "input_tokens"),
            ("cached", "cached_tokens"),
            ("output", "output_tokens"),
        )
    ),
    *(
        _Quantity(_SAVINGS, (("cache", name),), attrgetter(field), NANO_PER_USD)
        for name, field in (
            ("prompt", "saved_nano_usd"),
            ("response", "response_cache_saved_nano_usd"),
        )
    ),
)


def render_spend(spend: Spend) -> bytes:
    """The text of all these metrics; with no calls so far, of one combination of zeros."""
    lines: Mapping[str, list[str]] = {metric.name: [] for metric in METRICS}
    rows = spend.rows or [SpendRow(("",) * len(spend.dimensions), Totals(), Totals(), Totals())]
    for row in rows:
        for name, start, value in _samples(spend.dimensions, row):
            lines[name].append(f"{start} {value!r}\n")
    text = "".join(
        f"# HELP {metric.name} {metric.sentence}\n# TYPE {metric.name} {metric.kind}\n"
        + "".join(lines[metric.name])
        for metric in METRICS
    )
    return text.encode()


def _samples(dimensions: tuple[str, ...], row: SpendRow) -> Iterator[tuple[str, str, float]]:
    """Name, beginning of the line, and value. A double is the nearest one to what is exact."""
    values = (OTHER,) * len(dimensions) if row.values is None else row.values
    for quantity, starts in zip(_QUANTITIES, _starts(dimensions, values), strict=True):
        parts = (row.first, row.up, row.down)
        for (name, start), part in zip(starts, parts, strict=False):
            yield name, start, quantity.value(part) / quantity.per


@lru_cache(maxsize=_LINES_CACHED_MAX)
def _starts(
    dimensions: tuple[str, ...], values: tuple[str, ...]
) -> Sequence[Sequence[tuple[str, str]]]:
    """For each quantity the names and beginnings of its lines: itself, and corrections up, down."""
    found = []
    shared = tuple(zip(dimensions, values, strict=True))
    for metric, labels, _, _, corrections in _QUANTITIES:
        all_labels = (*shared, *labels)
        lines = [(metric.name, _start(metric.name, all_labels))]
        if corrections is not None:
            lines += [
                (corrections.name, _start(corrections.name, (*all_labels, ("direction", way))))
                for way in ("up", "down")
            ]
        found.append(lines)
    return found


def _start(name: str, labels: Sequence[tuple[str, str]]) -> str:
    listed = ",".join(f'{label}="{value.translate(_ESCAPES)}"' for label, value in labels)
    return f"{name}{{{listed}}}" if listed else name
