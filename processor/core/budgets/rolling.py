"""Rolling windows: the sum of the quarter hours up to now, crossed again once it had fallen.

A crossing of a rolling budget stands until the sum is below its share of the limit at the start of
a quarter hour. That is found from the sums and the crossings that are kept, so that it is the same
after a restart. Within one quarter hour a share is crossed once, whatever corrections do.
"""

from __future__ import annotations

from collections.abc import Mapping

from processor.core.budgets.policy import amount_at
from processor.core.budgets.window import BUCKET_S
from processor.core.model import Totals

Mark = tuple[str, int, str, float]
"""(budget, limit, unit, threshold) of a crossing."""


def standing_marks(
    last: Mapping[Mark, int], sums: Mapping[int, Totals], length_s: int, now_s: int
) -> set[Mark]:
    """Those crossings that stand, of the last ones of each share by the end of their window.

    `sums` are those of the quarter hours by their start, of the last two lengths of the window
    that ends at `now_s`.
    """
    amounts = {
        "usd": {start_s: total.cost_nano_usd for start_s, total in sums.items()},
        "tokens": {start_s: total.tokens for start_s, total in sums.items()},
    }
    return {
        mark
        for mark, crossed_s in last.items()
        if has_stayed(amounts[mark[2]], length_s, crossed_s, now_s, amount_at(mark[1], mark[3]))
    }


def has_stayed(
    amounts: Mapping[int, int], length_s: int, crossed_s: int, now_s: int, least: int
) -> bool:
    """Whether a sum has never been below `least` since it was crossed.

    `amounts` are by the start of their quarter hours; `crossed_s` is the end of the window in which
    it was crossed, and `now_s` that of the one now. It is enough to look back one length: what has
    stayed for so long has been crossed before.
    """
    latest_s = now_s - BUCKET_S
    quarter_s = max(crossed_s, latest_s - length_s)
    if quarter_s > latest_s:
        return True
    first_s = quarter_s + BUCKET_S - length_s
    before = sum(amount for start_s, amount in amounts.items() if first_s <= start_s < quarter_s)
    while before >= least:
        if quarter_s == latest_s:
            return True
        before += amounts.get(quarter_s, 0) - amounts.get(quarter_s + BUCKET_S - length_s, 0)
        quarter_s += BUCKET_S
    return False
