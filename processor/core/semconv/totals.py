"""Comparing the counts with the reported total: it shows what it was added up from.

An interpretation that cannot make the total gives way to the nearest one that can.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import combinations

from processor.core.semconv.interpretation import (
    BY_EMITTER,
    CACHE_PARTS,
    CONTRADICT,
    INPUT_PARTS,
    LIFETIMES,
    OUTPUT_PARTS,
    SPLIT_ASSUMED,
    UNKNOWN_PARTS,
    Interpretation,
)

_UNFIXED_MAX = 10
"""Counts whose place the total may decide; of more, the rarest keep theirs."""


def compare_total(meant: Interpretation) -> None:
    """Compare with the total, and change what has to be changed to make it."""
    total, sum_of_sides = meant.counts.total, meant.input + meant.output
    if not total or total == meant.whole():
        if total and total != sum_of_sides:
            _name_confirmed(meant)
    elif not (
        _is_added_by_emitter(meant, total) or any(change(meant, total) for change in _CHANGES)
    ) and total not in {sum_of_sides, meant.whole() + (meant.counts.citations or 0)}:
        meant.doubts.append(CONTRADICT)


def _is_added_by_emitter(meant: Interpretation, total: int) -> bool:
    """Whether the total is the sum that emitters add up themselves, which is no evidence.

    Some of those that keep counts apart add up the two sides; so do people who report the counts
    of Anthropic's API by hand. Some that put cached tokens into the input leave them out of it.
    """
    if total == meant.input + meant.output:
        is_by_hand = meant.rules.family in LIFETIMES and meant.cached() > 0
        is_added = is_by_hand if meant.are_buckets else meant.rules.adds_total
        return bool(meant.beside) and is_added
    cached = frozenset(CACHE_PARTS) & meant.parts.keys()
    is_known = meant.rules.cache == "inclusive" or cached <= meant.fixed
    return total == meant.whole() - meant.cached() and is_known and cached.isdisjoint(meant.beside)


def _name_confirmed(meant: Interpretation) -> None:
    """Name the total where it shows what would only have been known of the emitter."""
    if meant.cache_rule == BY_EMITTER:
        meant.cache_rule = "cache: total"
    if meant.reasoning_rule == "reasoning: instrumentation":
        meant.reasoning_rule = "reasoning: total"


def _move_parts(meant: Interpretation, total: int) -> bool:
    """Put the fewest parts elsewhere so that the sum is the total."""
    order = (*OUTPUT_PARTS, *INPUT_PARTS)
    free = [name for name in order if name in meant.parts and name not in meant.fixed]
    for moved in _choices(free[:_UNFIXED_MAX]):
        beside = meant.beside ^ moved
        if meant.whole(beside) == total and meant.is_possible(beside):
            meant.beside = beside
            _name_moved(meant, moved)
            return True
    return False


def _choices(names: list[str]) -> Iterator[frozenset[str]]:
    for size in range(1, len(names) + 1):
        yield from map(frozenset, combinations(names, size))


def _name_moved(meant: Interpretation, moved: frozenset[str]) -> None:
    cached = [name for name in CACHE_PARTS if name in meant.parts]
    if moved.issuperset(cached):
        meant.cache_rule = "cache: total" if cached else ""
    elif "cache_read" in moved:
        meant.other_rules.append("cache reads: total")
    elif "cache_write" in moved:
        meant.other_rules.append("cache writes: total")
    if "reasoning" in moved:
        meant.reasoning_rule = "reasoning: total"
    rest = moved - {*CACHE_PARTS, *UNKNOWN_PARTS, "reasoning"}
    meant.other_rules += [f"{name.replace('_', ' ')}: total" for name in sorted(rest)]


def _output_is_total(meant: Interpretation, total: int) -> bool:
    """Some versions of emitters wrote the total where the output belongs."""
    reasoning = meant.parts.get("reasoning", 0)
    room = total - meant.whole_input()
    raw = meant.counts.raw_output
    output = room if raw is None else raw + reasoning
    if not (total == meant.output > meant.input > 0 and reasoning < output <= room):
        return False
    meant.output = output
    meant.gap_input = room - output
    meant.beside -= frozenset(OUTPUT_PARTS)
    meant.reasoning_rule = ""
    meant.other_rules.append("output: was the total")
    return True


def _reasoning_in_twice(meant: Interpretation, total: int) -> bool:
    """Some emitters add reasoning to an output that contains it already."""
    count = meant.parts.get("reasoning", 0)
    beside = meant.beside - {"reasoning"}
    if not count or 2 * count > meant.output or meant.whole(beside) - count != total:
        return False
    meant.output -= count
    meant.beside = beside
    meant.reasoning_rule = "reasoning: was counted twice"
    return True


def _taken_out_wrongly(meant: Interpretation, total: int) -> bool:
    """Some callbacks take out of a side what was never in it, and keep it apart as well."""
    gap = total - meant.whole()
    if not meant.are_buckets or gap <= 0:
        return False
    if gap == meant.parts.get("reasoning", 0):
        meant.output += gap
        meant.other_rules.append("output: total, reasoning was taken out of it")
        return True
    if gap == meant.cached():
        meant.input += gap
        meant.other_rules.append("input: total, cached tokens were taken out of it")
        return True
    return False


def _fill_gemini_gap(meant: Interpretation, total: int) -> bool:
    """Gemini's total also counts thoughts and what tools put into the prompt.

    What is missing is thoughts only where nobody has reported or added them.
    """
    gap = total - meant.whole()
    if meant.rules.family != "google" or gap <= 0 or meant.rules.kind != "llm":
        return False
    if gap == meant.cached():
        # As likely, somebody added the cached tokens to a total that has them already.
        meant.doubts.append(SPLIT_ASSUMED)
    count = meant.parts.get("reasoning", 0)
    # The AI SDK adds thoughts since the version that reports the uncached input, too.
    is_known = meant.rules.reasoning == "inclusive" or meant.counts.uncached is not None
    if meant.counts.reasoning is None and not is_known:
        meant.gap_reasoning = gap
        meant.reasoning_rule = "reasoning: from total"
        return True
    is_raw = not is_known and "reasoning" not in meant.fixed
    if is_raw and "reasoning" not in meant.beside and 0 < count <= gap:
        meant.beside |= {"reasoning"}
        meant.reasoning_rule = "reasoning: total"
        gap -= count
    meant.gap_input = gap
    meant.other_rules.append("tool use: from total")
    return True


_CHANGES: tuple[Callable[[Interpretation, int], bool], ...] = (
    _move_parts,
    _output_is_total,
    _reasoning_in_twice,
    _taken_out_wrongly,
    _fill_gemini_gap,
)
"""Interpretations other than the declared one, the nearest first."""
