"""What people read of crossings: who is at what, until when, and which trace it was."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from processor.core.amounts import short_usd
from processor.core.budgets.policy import Budget, Policy
from processor.core.budgets.window import rolling_s_of
from processor.core.budgets.wording import window_words
from processor.core.escaping import escape
from processor.core.model import Crossing
from processor.core.money import exact_usd
from processor.core.notices.identity import crossing_id
from processor.core.wording import counted

FOLDED_MAX: Final = 500
"""Crossings that are one message at most."""
LISTED_MAX: Final = 10
"""Of them, those that it lists."""
_NAME_CHARS_MAX: Final = 60
_NOW: Final[dict[str, str]] = {
    "hour": "this hour",
    "day": "today",
    "week": "this week",
    "month": "this month",
}

Quote = Callable[[str], str]
"""Writes a name from outside, so that nothing obeys it."""


class Message(NamedTuple):
    """A notification for people."""

    title: str
    """One line."""
    lines: tuple[str, ...]
    """What follows it."""


class Rules:
    """What the policy in force says of the budgets that crossings name."""

    def __init__(self, policy: Policy) -> None:
        self._budgets: dict[str, Budget] = {each.name: each for each in policy.budgets}
        self._zone = policy.calendar.zone

    def zone(self, budget: str) -> ZoneInfo:
        """The time zone of a budget; that of the file where it is not there any more."""
        found = self._budgets.get(budget)
        return found.calendar.zone if found else self._zone

    def window(self, budget: str) -> str:
        """The window of a budget; ``none`` where it is not there any more."""
        found = self._budgets.get(budget)
        return found.window if found else "none"


def plain_name(text: str) -> str:
    """A name from outside in plain text: one line, without what a reader does not see."""
    return shortened(escape(text))


def shortened(text: str) -> str:
    """At most 60 characters of a name, both ends of a longer one."""
    if len(text) <= _NAME_CHARS_MAX:
        return text
    half = _NAME_CHARS_MAX // 2
    return f"{text[: half - 1]}…{text[-half:]}"


def crossings_message(
    crossings: Sequence[Crossing], rules: Rules, now_s: int, quote: Quote = plain_name
) -> Message:
    """One message about one or more crossings; those of limits and with most spent come first.

    Of several thresholds that one total has crossed only the highest is in it.
    """
    ordered = sorted(
        _highest(crossings), key=lambda each: (-each.threshold, -each.spent / each.limit)
    )
    if len(ordered) == 1:
        [crossing] = ordered
        return Message(headline(crossing, rules, now_s, quote), _details(crossing, rules))
    reached = sum(each.threshold >= 1.0 for each in ordered)
    parts = [(reached, "limit reached", "limits reached"), (len(ordered) - reached, "warning", "")]
    counts = ", ".join(counted(*each) for each in parts if each[0])
    title = f"{counts}: {_names(ordered, quote)}"
    lines = [
        f"- {headline(each, rules, now_s, quote)}{_trace(each)} [{crossing_id(each)}]"
        for each in ordered[:LISTED_MAX]
    ]
    more = len(ordered) - LISTED_MAX
    if more > 0:
        lines.append(f"… and {more} more: `llm-cost budget` shows how all budgets stand.")
    return Message(title, tuple(lines))


def _highest(crossings: Sequence[Crossing]) -> list[Crossing]:
    """Of each total in each window the crossing of the highest threshold."""
    found: dict[tuple[object, ...], Crossing] = {}
    for each in crossings:
        key = each.budget, each.scope, each.scope_id, each.window_start_s, each.unit
        if key not in found or each.threshold >= found[key].threshold:
            found[key] = each
    return list(found.values())


def headline(crossing: Crossing, rules: Rules, now_s: int, quote: Quote) -> str:
    """``per-user-daily: ada is at $41.20 of $50.00 (82 %) today``."""
    at = "at least at" if crossing.at_least else "at"
    ratio = f"{crossing.spent * 100 // crossing.limit} %"
    spent = amount_text(crossing.spent, crossing.unit)
    limit = amount_text(crossing.limit, crossing.unit)
    state = f"has reached the limit, {at}" if crossing.threshold >= 1.0 else f"is {at}"
    when = _when(crossing, rules, now_s)
    budget, who = quote(crossing.budget), _who(crossing, quote)
    return f"{budget}: {who} {state} {spent} of {limit} ({ratio}){when}"


def _who(crossing: Crossing, quote: Quote) -> str:
    scope = crossing.scope
    if scope == "total":
        return "everything together"
    if not crossing.scope_id:
        return f"{quote(scope)} (unknown)"
    name = quote(crossing.scope_id.rpartition(":")[2] if scope == "call" else crossing.scope_id)
    return name if scope == "user" else f"{quote(scope)} {name}"


def amount_text(amount: int, unit: str) -> str:
    """An amount of a budget in its unit, ``usd`` (as nano-USD) or ``tokens``."""
    return short_usd(exact_usd(amount)) if unit == "usd" else f"{amount:,} tokens"


def _when(crossing: Crossing, rules: Rules, now_s: int) -> str:
    start_s, end_s = crossing.window_start_s, crossing.window_end_s
    if not end_s:
        return ""
    window = rules.window(crossing.budget)
    if rolling_s_of(window):
        return f" {window_words(window, '')}"
    if start_s <= now_s < end_s and (words := _NOW.get(window)):
        return f" {words}"
    zone = rules.zone(crossing.budget)
    return f" from {_moment(start_s, zone)} to {_moment(end_s, zone)}"


def _details(crossing: Crossing, rules: Rules) -> tuple[str, ...]:
    lines = []
    end_s = crossing.window_end_s
    if end_s and not rolling_s_of(rules.window(crossing.budget)):
        zone = rules.zone(crossing.budget)
        verb = "ended" if crossing.late else "ends"
        lines.append(f"The window {verb} {_moment(end_s, zone)} ({zone.key}).")
    trace_id, _, span_id = crossing.span.partition(":")
    if trace_id:
        lines.append(f"Reached in trace {trace_id}, span {span_id}.")
    if crossing.at_least:
        lines.append("Calls of unknown cost are not in it: `llm-cost unpriced` lists them.")
    lines.append(f"Id: {crossing_id(crossing)}")
    return tuple(lines)


def _trace(crossing: Crossing) -> str:
    trace_id = crossing.span.partition(":")[0]
    return f", trace {trace_id}" if trace_id else ""


def _names(crossings: Sequence[Crossing], quote: Quote) -> str:
    names = list(dict.fromkeys(each.budget for each in crossings))
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"{', '.join(map(quote, names[:3]))}{more}"


def _moment(time_s: int, zone: ZoneInfo) -> str:
    return f"{datetime.fromtimestamp(time_s, zone):%Y-%m-%d %H:%M}"
