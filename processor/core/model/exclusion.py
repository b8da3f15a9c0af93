"""Calls that are taken out of all sums, and put back."""

from __future__ import annotations

from typing import NamedTuple

from processor.core.model.total import Difference

TIME_NS_MAX = 2**63 - 1
"""The end of all time, in nanoseconds since the Unix epoch."""


class Selection(NamedTuple):
    """Which calls and agents: all that is given has to hold, and something has to be given."""

    trace_id: bytes = b""
    span_id: bytes = b""
    """Together with a trace."""
    session: str = ""
    user: str = ""
    start_ns: int = 0
    end_ns: int = TIME_NS_MAX
    """Those that ended in ``[start, end)``."""

    def describe(self) -> dict[str, str]:
        """What is given beside times, by name."""
        given = {
            "trace": self.trace_id.hex(),
            "span": self.span_id.hex(),
            "session": self.session,
            "user": self.user,
        }
        return {name: value for name, value in given.items() if value}


class ExclusionRequest(NamedTuple):
    """Take calls out of all sums, or put back what was taken out."""

    selection: Selection
    reason: str
    actor: str
    """Who asks, in words."""
    now_ns: int
    undoes: int = 0
    """The number of the exclusion that is undone; 0 where something is excluded."""


class Exclusion(NamedTuple):
    """What an exclusion has taken out of all sums, or an undo has put back; or would."""

    number: int
    """By which it is undone; of an undo, the number of what it has undone. 0 for a dry run."""
    calls: int
    agents: int
    """Agent runs that are no calls themselves."""
    before_nano_usd: int
    """What these cost before, together with what changed with them; and after that."""
    after_nano_usd: int
    models: tuple[Difference, ...]
    """The largest differences first; those that are small beside many others are left out."""
    budgets: tuple[Difference, ...]
    """Likewise."""
    lost: int = 0
    """Of an undo: spans that stay out, since their rows are deleted by now."""
    is_partial: bool = False
    """`models` and `budgets` may lack a part."""
    kept_from_s: int = 0
    """Calls that ended before, in epoch seconds, are no longer kept one by one, so that those which
    match still count; 0 where all that may match are kept."""


class AuditEntry(NamedTuple):
    """Who has changed what, and when."""

    time_ns: int
    actor: str
    action: str
    subject: str
    before: str
    """A JSON object of text, as `after`."""
    after: str
    number: int = 0
    """Of its row; they rise with time."""
