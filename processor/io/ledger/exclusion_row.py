"""What the row of an exclusion, or of its undo, in ``jobs`` has as text."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from processor.core.model import ExclusionRequest, Selection
from processor.io.ledger.reprice_sums import RepriceSums


def to_json(asked: ExclusionRequest, audit: int) -> str:
    """What is to be done, and the number of its line in the audit, as text."""
    trace_id, span_id, *rest = asked.selection
    selection = [trace_id.hex(), span_id.hex(), *rest]
    return json.dumps(asked._asdict() | {"selection": selection, "audit": audit})


def from_json(text: str) -> tuple[ExclusionRequest, int]:
    """What `to_json` has written."""
    values = json.loads(text)
    trace, span, *rest = values["selection"]
    audit = values.pop("audit")
    selection = Selection(bytes.fromhex(trace), bytes.fromhex(span), *rest)
    return ExclusionRequest(**values | {"selection": selection}), audit


@dataclass(slots=True)
class Counts:
    """What was taken out, or put back, so far."""

    calls: int = 0
    agents: int = 0
    lost: int = 0
    sums: RepriceSums = field(default_factory=RepriceSums)

    def to_json(self) -> str:
        """As text."""
        counts = {"calls": self.calls, "agents": self.agents, "lost": self.lost}
        return json.dumps(counts | {"sums": self.sums.to_json()})

    @classmethod
    def from_json(cls, text: str) -> Counts:
        """What `to_json` has written."""
        values = json.loads(text)
        return cls(**values | {"sums": RepriceSums.from_json(values["sums"])})
