"""The same request again in one trace: all but the last were of no use."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Final

from processor.core.insight.advice.suggestion import Findings, Priced

_WAIT_NS: Final = 60 * 10**9
_INPUT_MIN: Final = 500
"""Short requests are often as long as others by chance."""
_WAITING_MAX: Final = 20_000


@dataclass(slots=True)
class Repeats:
    """Remembers the last request of each kind below each span."""

    _last: OrderedDict[Hashable, Priced] = field(default_factory=OrderedDict)

    def add(self, call: Priced, findings: Findings) -> None:
        """Look at one more call."""
        row, usage = call.row, call.usage
        if usage.input_tokens < _INPUT_MIN or not row.start_ns:
            return
        sent = usage._replace(output=0, reasoning=0, audio_output=0, image_output=0)
        key = row.trace, row.parent_id, call.entry.asked, sent
        before = self._last.pop(key, None)
        # One that begins before the other has ended is another answer that is wanted.
        if before is not None and 0 <= row.start_ns - before.row.end_ns <= _WAIT_NS:
            findings.add("repeated_calls", [before.row], before.cost_nano_usd)
        self._last[key] = call
        if len(self._last) > _WAITING_MAX:
            self._last.popitem(last=False)
