"""What a call would cost that is not made yet."""

from __future__ import annotations

from typing import NamedTuple

from processor.core.model import Call, Charge, Mark, Status, Usage
from processor.core.pricing import Catalog, price


class CallEstimate(NamedTuple):
    """A price for expected tokens, and where it is from."""

    cost_nano_usd: int | None
    """None where it is not known."""
    tokens: int
    """Input and output together."""
    provider: str
    model: str
    """As the prices name it; as it was asked where they do not."""
    status: Status
    reason: str
    """How the price was found, when the status is not ``exact``, or why none was."""


def estimate_call(
    provider: str, model: str, usage: Usage, time_ns: int, catalog: Catalog
) -> CallEstimate:
    """What a call of a model would cost at a time; `provider` may be ``""``."""
    mark = Mark(row=0, time_ns=time_ns)
    [charge] = price([Call(mark, "llm", provider.lower(), (model,), usage)], catalog)
    return CallEstimate(
        charge.amount.total if isinstance(charge, Charge) else None,
        usage.input_tokens + usage.output_tokens,
        charge.provider,
        charge.model or model,
        charge.status,
        charge.reason,
    )
