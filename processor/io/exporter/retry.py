"""When to try again, and for how long. Pure: time and chance come in as arguments.

Which codes may be retried is OTLP's table (specification, "OTLP/gRPC Response" and "OTLP/HTTP
Response"); the delays are exponential with full jitter, so that senders that failed together do not
return together.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

_LONGEST_EXPONENT: Final = 64
_MARGIN_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How a destination is retried."""

    initial_s: float = 1.0
    """The longest first pause; later ones may grow by `factor` up to `max_s`."""
    factor: float = 1.5
    max_s: float = 30.0
    max_elapsed_s: float = 300.0
    """The longest time spent on one payload, whatever its sender's deadline; it may be infinite."""
    unbounded_elapsed_s: float = 60.0
    """The same for a sender without a deadline, who would otherwise hold a place for long."""

    def budget_s(self, timeout_s: float | None) -> float:
        """How long to go on with a payload whose sender gives up after `timeout_s`.

        It ends a second before the sender's own deadline, so that the sender still hears the
        answer; or at half time for a sender that waits less than two seconds.
        """
        if timeout_s is None:
            is_endless = math.isinf(self.max_elapsed_s)
            return math.inf if is_endless else min(self.max_elapsed_s, self.unbounded_elapsed_s)
        margin_s = min(_MARGIN_S, timeout_s / 2)
        return min(self.max_elapsed_s, max(timeout_s - margin_s, 0.0))

    def pause_s(self, failures: int, chance: float, asked_s: float | None = None) -> float:
        """How long to wait after so many failures (1 after the first).

        `chance` is in [0, 1). `asked_s` is what the backend asked for: never less than that.
        """
        exponent = min(failures - 1, _LONGEST_EXPONENT)
        ceiling_s = min(self.max_s, self.initial_s * self.factor**exponent)
        return max(asked_s or 0.0, 0.0) + chance * ceiling_s
