"""What the counts of a span mean, by the evidence there is.

Does the reported input contain the cached tokens, does the output contain the reasoning? Nothing
on a span answers outright, so evidence is weighed in a fixed order, and what decided is named.
"""

from __future__ import annotations

from typing import NamedTuple

from processor.core.semconv.counts import Counts, UsageRules
from processor.core.semconv.dialects.instrumentations import Inclusion
from processor.core.semconv.interpretation import (
    BY_EMITTER,
    CACHE_PARTS,
    INPUT_PARTS,
    OUTPUT_PARTS,
    SPLIT_ASSUMED,
    UNKNOWN_BUCKET,
    UNKNOWN_PARTS,
    Interpretation,
)
from processor.core.semconv.totals import compare_total

ASSUMED_INSIDE = "cache: assumed inside input"
_NAMED_MAX = 4


def _broken_down(meant: Interpretation) -> frozenset[str]:
    """Parts that are inside their side although the map's counts exclude one another.

    Parts with a text among them that add up to their side exactly are its breakdown: nothing
    would be left for the side's own bucket. If the modalities alone do, then what is cached, or
    reasoning, is a part of these. A total would tell, and where none does, counts of different
    kinds that do not fit into their side together may overlap. Gemini's thoughts have no modality.
    """
    if meant.counts.total:
        return frozenset()
    is_google = meant.rules.family == "google"
    inside: set[str] = set()
    for count, text, names, others in (
        (meant.input, "text_input", INPUT_PARTS, CACHE_PARTS),
        (meant.output, "text_output", OUTPUT_PARTS, ("reasoning",)),
    ):
        present = [name for name in names if name in meant.parts]
        kinds = [name for name in present if name not in others]
        other = sum(meant.parts[name] for name in present if name in others)
        of_kinds = sum(meant.parts[name] for name in kinds)
        if text in kinds and of_kinds + other == count:
            inside.update(present)
        elif other and kinds and other <= count and of_kinds <= count < of_kinds + other:
            meant.doubts.append(SPLIT_ASSUMED)
            if text in kinds and of_kinds == count:
                inside.update(kinds if "reasoning" in others and is_google else present)
        elif text in kinds and of_kinds == count:
            inside.update(kinds)
    return frozenset(inside)


class _Declared(NamedTuple):
    """What is known of cached tokens or of reasoning before the total is asked."""

    is_beside: bool
    rule: str = ""
    is_fixed: bool = False


def interpret(
    counts: Counts,
    rules: UsageRules,
    sides: tuple[int, int],
    operator: Inclusion | None,
    *,
    are_buckets: bool,
    unknown: tuple[str, ...] = (),
) -> Interpretation:
    """Find out how counts are meant; `sides` are input and output, with gaps filled.

    `operator` is what the operator says about cached tokens in this emitter's input;
    `are_buckets` that the emitter's counts exclude one another; `unknown` are the names of
    counts that nobody knows.
    """
    meant = Interpretation(counts, rules, are_buckets, _parts_of(counts), *sides)
    inside = _broken_down(meant) if are_buckets else frozenset()
    cache, reasoning = _declare_cache(meant, operator, inside), _declare_reasoning(meant, inside)
    beside = set(meant.parts.keys() - {"other"} - inside) if are_buckets else set()
    if inside:
        meant.other_rules.append("buckets: add up to their side")
    for names, declared in ((CACHE_PARTS, cache), (("reasoning",), reasoning)):
        present = [name for name in names if name in meant.parts]
        if declared.is_beside and not are_buckets:
            beside.update(present)
        elif not declared.is_beside:
            beside.difference_update(present)
        if declared.is_fixed:
            meant.fixed |= frozenset(present)
    meant.beside = frozenset(beside)
    meant.cache_rule = cache.rule if meant.cached() else ""
    meant.reasoning_rule = reasoning.rule if "reasoning" in meant.parts else ""
    compare_total(meant)
    if not rules.is_certain and meant.cache_rule in {BY_EMITTER, ASSUMED_INSIDE}:
        meant.doubts.append(SPLIT_ASSUMED)
    _name_unknown(meant, unknown)
    return meant


def _parts_of(counts: Counts) -> dict[str, int]:
    found = {name: getattr(counts, name) or 0 for name in (*INPUT_PARTS, *OUTPUT_PARTS)}
    written = (counts.cache_write_5m or 0) + (counts.cache_write_1h or 0)
    found["cache_write"] = max(found["cache_write"], written)
    return {name: count for name, count in found.items() if count}


def _declare_cache(
    meant: Interpretation, operator: Inclusion | None, inside: frozenset[str]
) -> _Declared:
    cached = meant.cached()
    if cached == 0:
        return _Declared(is_beside=False)
    # The operator decides, but nobody can take out of the input more than is in it.
    if operator is not None and not (operator == "inclusive" and cached > meant.input):
        return _Declared(operator == "exclusive", "cache: operator", is_fixed=True)
    if not inside.isdisjoint(CACHE_PARTS):
        return _Declared(is_beside=False)
    if meant.are_buckets:
        return _Declared(is_beside=True, rule="cache: buckets")
    if cached > meant.input:
        return _Declared(is_beside=True, rule="cache: exceeds input")
    return _declare_by_emitter(meant)


def _declare_by_emitter(meant: Interpretation) -> _Declared:
    is_apart = _stated_uncached(meant)
    if is_apart is not None:
        return _Declared(is_apart, "cache: provider usage", is_fixed=True)
    # A Gemini total leaves open whether cached tokens or thoughts are missing in it.
    is_fixed = meant.rules.family == "google"
    if meant.rules.cache == "exclusive":
        return _Declared(is_beside=True, rule=BY_EMITTER, is_fixed=is_fixed)
    is_known = meant.rules.cache == "inclusive" and meant.rules.is_certain
    rule = "" if is_known else ASSUMED_INSIDE
    return _Declared(is_beside=False, rule=rule, is_fixed=is_fixed)


def _stated_uncached(meant: Interpretation) -> bool | None:
    """The provider's own uncached input says it, where the span carries that too."""
    counts = meant.counts
    if counts.uncached is not None:
        return counts.uncached == meant.input
    if counts.raw_input in {meant.input, meant.input - meant.cached()}:
        return counts.raw_input == meant.input
    return None


def _declare_reasoning(meant: Interpretation, inside: frozenset[str]) -> _Declared:
    count = meant.parts.get("reasoning", 0)
    if count == 0 or "reasoning" in inside:
        return _Declared(is_beside=False)
    if meant.are_buckets:
        return _Declared(is_beside=True, rule="reasoning: buckets")
    if count > meant.output:
        return _Declared(is_beside=True, rule="reasoning: exceeds output")
    raw = meant.counts.raw_output
    if raw in {meant.output, meant.output - count}:
        return _Declared(raw == meant.output, "reasoning: provider usage", is_fixed=True)
    if meant.rules.reasoning == "exclusive":
        return _Declared(is_beside=True, rule="reasoning: instrumentation")
    return _Declared(is_beside=False)


def _name_unknown(meant: Interpretation, names: tuple[str, ...]) -> None:
    """Name counts that nobody knows: that they were charged, or that they may be missing."""
    present = [name for name in UNKNOWN_PARTS if name in meant.parts]
    charged = meant.beside.intersection(present)
    if charged:
        meant.other_rules.append(f"buckets: {', '.join(names[:_NAMED_MAX]) or 'unknown'}")
    is_settled = meant.counts.total == meant.whole()
    if "other" in charged or (len(charged) < len(present) and not is_settled):
        meant.doubts.append(UNKNOWN_BUCKET)
