"""What is sent by a channel, whichever it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from processor.core.model import Crossing
from processor.core.notices.document import crossing_document
from processor.core.notices.identity import crossing_id, folded_id
from processor.core.notices.message import Message, Quote, Rules, crossings_message


class Notice(NamedTuple):
    """One message, for people and for programs."""

    id: str
    """The same each time that it is sent."""
    type: str
    """``budget.exceeded``, ``budget.warning`` …."""
    written_s: int
    """When what it is about was found, in epoch seconds."""
    message: Callable[[Quote], Message]
    data: Mapping[str, Any]
    """Of several crossings only the first one: programs are sent one at a time."""


def crossings_notice(
    crossings: Sequence[Crossing], rules: Rules, written_s: int, now_s: int
) -> Notice:
    """The notice of one or more crossings."""

    def message(quote: Quote) -> Message:
        return crossings_message(crossings, rules, now_s, quote)

    is_reached = any(each.threshold >= 1.0 for each in crossings)
    return Notice(
        folded_id(map(crossing_id, crossings)),
        "budget.exceeded" if is_reached else "budget.warning",
        written_s,
        message,
        crossing_document(crossings[0], rules),
    )


def trial_notice(channel: str, now_s: int) -> Notice:
    """A notice that says that it is a test."""
    found = f"test-{channel}-{now_s}"
    title = f"A test of the channel {channel}: notifications about budgets arrive here."

    def message(_: Quote) -> Message:
        return Message(title, ("It was asked for by `llm-cost notify --test`.",))

    return Notice(found, "test", now_s, message, {"id": found, "message": title})
