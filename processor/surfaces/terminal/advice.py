"""Suggestions with what each would save, and days that were unlike those before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

from rich.console import Group, RenderableType
from rich.text import Text

from processor.core.amounts import marked, share_percent, short_usd, usd_column
from processor.surfaces.api.documents import (
    AdviceDocument,
    AnomalyDocument,
    EfficiencyDocument,
    SuggestionDocument,
)
from processor.surfaces.terminal.figures import counted, tokens
from processor.surfaces.terminal.grid import Column, Row, grid
from processor.surfaces.terminal.moments import span
from processor.surfaces.terminal.paint import plain, rule, wrap

_WHAT: Final = {
    "cheaper_model": "as {other}",
    "past_tier": "below the dearer size",
    "unread_cache_writes": "cached, never read",
    "repeated_calls": "the same request again",
    "resent_input": "cache what is sent again",
}
_CONDITION: Final = "what if a smaller model answers well enough? (insight.low_quality says where)"
_COLUMNS: Final = (
    Column("saves USD"),
    Column("of USD", keep=5),
    Column("calls", keep=6),
    Column("what", "name"),
    Column("model", "name"),
    Column("agent", "name", keep=7),
)
_DAY_COLUMNS: Final = (
    Column("day", "word"),
    Column("of", "name"),
    Column("cost USD"),
    Column("", "word"),
    Column("lowest", keep=5),
    Column("highest", keep=6),
)


def draw_advice(document: AdviceDocument, width: int) -> RenderableType:
    """The picture of a document, in `width` cells."""
    title = f"advice · {span(document.starting_at, document.ending_at)} · {document.time_zone}"
    lines = [Text(rule(plain(title), width), "bold")]
    certain = [each for each in document.data if not each.what_if]
    conditional = [each for each in document.data if each.what_if]
    calls = counted(document.calls, "call")
    if certain:
        lines.append(Text(f" what {calls} could have cost less", "bold"))
        lines += _table(certain, width)
    else:
        lines.append(Text(f" nothing in {calls} that would have cost less without a condition"))
    if conditional:
        lines += [Text(), *(Text(f" {line}", "bold") for line in wrap(_CONDITION, width - 1))]
        lines += _table(conditional, width)
    if document.anomalies:
        lines += [Text(), Text(" days unlike the same weekday in four weeks before", "bold")]
        lines += _days(document.anomalies, width)
    lines += [Text(f" {line}", style) for style, line in _remarks(document, width)]
    return Group(*lines)


def draw_efficiency(document: EfficiencyDocument, width: int) -> RenderableType:
    """How a task compares with others of its type, and what would have cost less in it."""
    name = document.task_title or document.task
    lines = [Text(rule(plain(f"task · {name}"), width), "bold")]
    cost = marked(document.cost_usd, short_usd(document.cost_usd), at_least=document.at_least)
    said = f"{cost} for {counted(document.calls, 'call')}, {tokens(document.total_tokens)} tokens"
    lines.append(Text(f" {said}", "bold"))
    baseline, score = document.baseline, document.efficiency_score
    if baseline is not None:
        usual = f"{short_usd(baseline.median_usd)} and {tokens(baseline.median_tokens)} tokens"
        of = f"median of {baseline.tasks} tasks of type {plain(document.task_type or '')}"
        line = f"usual: {usual} ({of})"
        lines += [Text(f" {part}") for part in wrap(line, width - 1, hang=2)]
    if score is not None:
        style = "green" if score >= 1 else "orange"
        line = f"efficiency {score:.2f}: 1 is as usual, 2 half of the cost, 0.5 twice as much"
    else:
        style, line = "dim", f"no efficiency score: {document.reason}"
    lines += [Text(f" {part}", style) for part in wrap(line, width - 1, hang=2)]
    for heading, some in (
        ("what could have cost less", [each for each in document.suggestions if not each.what_if]),
        (_CONDITION, [each for each in document.suggestions if each.what_if]),
    ):
        if some:
            lines += [Text(), *(Text(f" {each}", "bold") for each in wrap(heading, width - 1))]
            lines += _table(some, width)
    for reason in document.partial:
        lines += [Text(f" {each}", "orange") for each in wrap(plain(reason), width - 1, hang=2)]
    return Group(*lines)


def _table(found: Sequence[SuggestionDocument], width: int) -> list[Text]:
    savings = usd_column([each.saving_usd for each in found])
    costs = usd_column([each.cost_usd for each in found])
    rows = [
        Row(
            (
                Text(saving, "bold"),
                f"{cost} ({share_percent(each.saving_usd, each.cost_usd)})",
                f"{each.calls:,}",
                _WHAT[each.kind].format(other=each.other_model),
                each.model or "",
                each.agent or each.service or "",
            )
        )
        for each, saving, cost in zip(found, savings, costs, strict=True)
    ]
    return grid(_COLUMNS, rows, width)


def _days(found: Sequence[AnomalyDocument], width: int) -> list[Text]:
    amounts = [
        usd_column([getattr(each, name) for each in found])
        for name in ("cost_usd", "lowest_usd", "highest_usd")
    ]
    rows = [
        Row(
            (
                _day(each),
                f"{each.dimension} {each.value}" if each.dimension else "everything",
                cost,
                Text("▼", "green") if each.difference_usd.startswith("-") else Text("▲", "orange"),
                low,
                high,
            )
        )
        for each, cost, low, high in zip(found, *amounts, strict=True)
    ]
    return grid(_DAY_COLUMNS, rows, width)


def _day(found: AnomalyDocument) -> str:
    if found.starting_at is None:
        return ""
    return f"{datetime.fromisoformat(found.starting_at):%a %Y-%m-%d}"


def _remarks(document: AdviceDocument, width: int) -> Iterator[tuple[str, str]]:
    """What is to be known of the figures above."""
    lines = list(map(plain, document.partial))
    if document.suggestions_left_out:
        more = counted(document.suggestions_left_out, "suggestion")
        lines.append(f"and {more} more; --limit lists more")
    for line in lines:
        yield from (("orange", part) for part in wrap(line, width - 1, hang=2))
    if document.data:
        largest = short_usd(document.data[0].saving_usd)
        note = (
            f"how each was found, such as the {largest}, and of which calls: --json. Two may be of "
            "the same tokens, so they do not add up"
        )
        yield from (("dim", part) for part in wrap(note, width - 1, hang=2))
