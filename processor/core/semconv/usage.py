"""From the counts that a span reports to quantities that do not overlap.

`evidence` finds out what is inside what; here that becomes disjoint quantities, and the rules
that decided and whatever stays doubtful are named.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from processor.core.model import Usage
from processor.core.semconv.counts import COUNT_FIELDS, Counts, UsageRules
from processor.core.semconv.dialects.instrumentations import Inclusion
from processor.core.semconv.division import divide
from processor.core.semconv.evidence import ASSUMED_INSIDE, interpret
from processor.core.semconv.interpretation import (
    INPUT_MISSING,
    OUTPUT_MISSING,
    Interpretation,
)
from processor.core.semconv.values import COUNT_MAX, PLAIN_MAX

UNREADABLE = "unreadable tokens"
TOTAL_ONLY = "only a total"
ALL_ZERO = "zero tokens"

INPUT_ONLY_KINDS = frozenset({"embedding", "rerank", "moderation"})
"""Calls without output, whose total is their input."""


BILLED = "tokens: as billed"
ASSUMED_LIFETIME = "cache writes: assumed 5 minutes"


class Normalised(NamedTuple):
    """A call's usage and how it was read."""

    usage: Usage | None
    """None when the counts do not say what was used."""
    rule: str = ""
    """The rules that were not the plain ones; without a usage, the reason."""
    doubt: str = ""
    """What is doubtful about the counts, as in `model.Call.doubt`."""


ONE_IMAGE = Normalised(Usage(images=1), "images: assumed one", OUTPUT_MISSING)
"""A call that made images and does not say how many, where one is what the API makes by default."""

USUAL = ("input", "output", "total", "cache_read", "cache_write", "reasoning")
"""Counts of most calls that report more than input and output."""
_USUAL = tuple(map(COUNT_FIELDS.index, USUAL))


def read_usual(found: Sequence[int | None], rules: UsageRules) -> Normalised | None:
    """What `normalise_usage` gives for counts that agree and of which none but `USUAL` are there.

    `found` has the order of `Counts`. None where there is anything to weigh.
    """
    input_count, output_count, total, read, write, reasoning = [found[at] or 0 for at in _USUAL]
    cached = read + write
    whole = input_count + output_count
    if (
        found[_USUAL[0]] is None
        or found[_USUAL[1]] is None
        or not input_count
        or whole > PLAIN_MAX
        or (total and total != whole)
        or cached > input_count
        or reasoning > output_count
        or (cached and (rules.cache == "exclusive" or not rules.is_certain))
        or (reasoning and rules.reasoning == "exclusive")
    ):
        return None
    rule = "" if not cached or rules.cache == "inclusive" else ASSUMED_INSIDE
    if write and rules.has_lifetimes:
        rule = f"{rule}; {ASSUMED_LIFETIME}" if rule else ASSUMED_LIFETIME
    usage = Usage(
        input_count - cached, read, write, output=output_count - reasoning, reasoning=reasoning
    )
    return Normalised(usage, rule)


def normalise_usage(
    counts: Counts,
    rules: UsageRules,
    operator: Inclusion | None = None,
    *,
    are_buckets: bool = False,
    unknown: tuple[str, ...] = (),
    doubts: Sequence[str] = (),
) -> Normalised:
    """Work out disjoint quantities, and name the rules that were not the plain ones.

    `operator` is what the operator says about cached tokens in this emitter's input;
    `are_buckets` that the emitter's counts exclude one another already; `unknown` are the names
    of the counts that nobody knows, and `doubts` what was doubtful before they were weighed.
    """
    input_count, output_count, gap_rule = _fill(counts, rules)
    if input_count is None:
        return Normalised(None, gap_rule)
    sides = (input_count, output_count)
    meant = interpret(counts, rules, sides, operator, are_buckets=are_buckets, unknown=unknown)
    meant.doubts[:0] = (*doubts, *_missing(counts, rules))
    is_chat = rules.kind == "llm" and rules.has_output
    if is_chat and meant.whole_output() and not meant.whole_input():
        meant.doubts.append(INPUT_MISSING)  # No chat has an empty prompt.
    usage = divide(meant)
    if sum(usage) > COUNT_MAX:
        return Normalised(None, UNREADABLE)
    if sum(usage) == usage.requests and rules.kind != "moderation":
        return Normalised(None, TOTAL_ONLY if counts.total else ALL_ZERO)
    fired = (
        BILLED if counts.are_billed else "",
        gap_rule,
        meant.cache_rule,
        _name_lifetime(meant),
        meant.reasoning_rule,
        *meant.other_rules,
    )
    return Normalised(usage, "; ".join(filter(None, fired)), ",".join(dict.fromkeys(meant.doubts)))


def _fill(counts: Counts, rules: UsageRules) -> tuple[int | None, int, str]:
    """Input and output, where need be with the help of the total, and the rule that helped.

    Without an input the rule is the reason.
    """
    stated_input, stated_output, total = counts.input, counts.output, counts.total
    if not stated_input and not stated_output and total and rules.kind in INPUT_ONLY_KINDS:
        return total, 0, ""
    if stated_input is None and stated_output is None:
        # What is billed by other units needs no tokens.
        if total is None and counts.has_units:
            return 0, 0, ""
        return None, 0, UNREADABLE if total is None else TOTAL_ONLY
    input_count, output_count = stated_input or 0, stated_output or 0
    if stated_input is None and total is not None and total >= output_count:
        return total - output_count, output_count, "input from total"
    if stated_output is None and total is not None and total > input_count:
        return input_count, total - input_count, "output from total"
    return input_count, output_count, ""


def _missing(counts: Counts, rules: UsageRules) -> Iterator[str]:
    """Name a side of which nothing is known, neither by a count nor from the total.

    The characters that were spoken and the seconds that were heard stand for the tokens of audio.
    """
    if counts.total is not None or (rules.kind == "audio" and counts.has_units):
        return
    if counts.output is None and counts.input and rules.has_output:
        yield OUTPUT_MISSING
    if counts.input is None and counts.output:
        yield INPUT_MISSING


def _name_lifetime(meant: Interpretation) -> str:
    """The rule, where the lifetime of what was written to a cache had to be assumed.

    An hour costs more than the five minutes that are Anthropic's default, so the true cost may
    be above what is written.
    """
    counts = meant.counts
    is_stated = counts.cache_write_5m is not None or counts.cache_write_1h is not None
    if not counts.cache_write or is_stated or not meant.rules.has_lifetimes:
        return ""
    return ASSUMED_LIFETIME
