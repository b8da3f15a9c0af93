"""What was written to a prompt cache, and never read while it was kept."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from processor.core.insight.advice.suggestion import Findings, Priced
from processor.core.money import price_usage
from processor.core.questions import CallRow

_KEPT_NS: Final = 5 * 60 * 10**9
_KEPT_LONG_NS: Final = 60 * 60 * 10**9
"""For how long what is written is kept: see `Usage.cache_write` and `Usage.cache_write_1h`."""
_WAITING_MAX: Final = 20_000

_Key = tuple[str, str, str, str]


class _Written(NamedTuple):
    row: CallRow
    extra_nano_usd: int
    """What writing cost beyond plain input."""
    until_ns: int


@dataclass(slots=True)
class CacheWrites:
    """Waits for a read after each write."""

    _waiting: dict[_Key, deque[_Written]] = field(default_factory=dict)
    _count: int = 0

    def add(self, call: Priced, findings: Findings) -> None:
        """Look at one more call."""
        row, usage = call.row, call.usage
        of = row.dimensions
        key = of.provider, of.model, of.agent, of.service
        if usage.cache_read and key in self._waiting:
            self._read(key, row.start_ns or row.end_ns, findings)
        written = usage.cache_write + usage.cache_write_1h
        if not written or self._count >= _WAITING_MAX:
            return
        plain = usage._replace(input=usage.input + written, cache_write=0, cache_write_1h=0)
        extra = call.cost_nano_usd - price_usage(plain, call.rates).total
        if extra > 0:
            kept_ns = _KEPT_LONG_NS if usage.cache_write_1h else _KEPT_NS
            waiting = self._waiting.setdefault(key, deque())
            waiting.append(_Written(row, extra, row.end_ns + kept_ns))
            self._count += 1

    def _read(self, key: _Key, at_ns: int, findings: Findings) -> None:
        """What is still kept has been of use; what is not was not."""
        waiting = self._waiting.pop(key)
        self._count -= len(waiting)
        self._not_read(waiting, at_ns, findings)

    def close(self, now_ns: int, findings: Findings) -> None:
        """No more calls follow, up to a moment."""
        for waiting in self._waiting.values():
            self._not_read(waiting, now_ns, findings)
        self._waiting.clear()

    @staticmethod
    def _not_read(waiting: deque[_Written], at_ns: int, findings: Findings) -> None:
        for each in waiting:
            if each.until_ns < at_ns:
                findings.add("unread_cache_writes", [each.row], each.extra_nano_usd)
