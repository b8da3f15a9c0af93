"""Requests of one run that each send again what the one before has sent."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Final

from processor.core.insight.advice.suggestion import IDS_MAX, Findings, Priced
from processor.core.model import Usage
from processor.core.money import Rates, round_to_nano
from processor.core.questions import CallRow

_CALLS_MIN: Final = 4
_SENT_MIN: Final = 1_024
"""Providers cache nothing shorter."""
_WAITING_MAX: Final = 5_000
_INPUT, _READ, _WRITE = map(Usage._fields.index, ("input", "cache_read", "cache_write"))


@dataclass(slots=True)
class _Chain:
    """Calls so far, the last input, and what a cache would have saved, in femto-USD."""

    calls: list[CallRow]
    end_ns: int
    sent: int
    saving: int


@dataclass(slots=True)
class Chains:
    """Follows the requests of one model below each span."""

    _open: OrderedDict[Hashable, _Chain] = field(default_factory=OrderedDict)

    def add(self, call: Priced, findings: Findings) -> None:
        """Look at one more call."""
        row, usage, rates = call.row, call.usage, call.rates
        if not 0 < rates[_READ] < rates[_INPUT] or not row.start_ns:
            return
        key = row.trace, row.parent_id, call.entry.asked
        chain = self._open.pop(key, None)
        if chain is not None and not self._goes_on(chain, call):
            self._close(chain, findings)
            chain = None
        if chain is None:
            chain = _Chain([], 0, 0, 0)
        chain.saving += _saving(usage, rates, chain.sent)
        chain.calls.append(row)
        chain.end_ns, chain.sent = row.end_ns, usage.input_tokens
        self._open[key] = chain
        if len(self._open) > _WAITING_MAX or len(chain.calls) >= IDS_MAX:
            at = key if len(chain.calls) >= IDS_MAX else next(iter(self._open))
            self._close(self._open.pop(at), findings)

    def close(self, findings: Findings) -> None:
        """No more calls follow."""
        for chain in self._open.values():
            self._close(chain, findings)
        self._open.clear()

    @staticmethod
    def _goes_on(chain: _Chain, call: Priced) -> bool:
        """Whether a request may have all in it that the one before has sent."""
        return call.row.start_ns >= chain.end_ns and call.usage.input_tokens >= chain.sent

    @staticmethod
    def _close(chain: _Chain, findings: Findings) -> None:
        if len(chain.calls) >= _CALLS_MIN and chain.saving > 0:
            findings.add("resent_input", chain.calls, round_to_nano(chain.saving))


def _saving(usage: Usage, rates: Rates, sent: int) -> int:
    """What a cache would have saved of one request, less what writing would have cost."""
    cached = usage.cache_read + usage.cache_write + usage.cache_write_1h
    again = min(usage.input, max(sent - cached, 0)) if sent >= _SENT_MIN else 0
    written = usage.input - again
    extra = max(rates[_WRITE] - rates[_INPUT], 0)
    return again * (rates[_INPUT] - rates[_READ]) - written * extra
