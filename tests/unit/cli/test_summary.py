import re

import pytest

from processor.cli.demo.summary import Account, Summary, render_summary
from processor.surfaces.grpc.generated.cost_service_pb2 import (
    CheckBudgetResponse,
    GetTotalsResponse,
)
from processor.surfaces.terminal.paint import Paint, cells

NANO = 10**9


def account(scope, scope_id, cost_usd, calls, unpriced=0, tokens=(0, 0, 0), saved_usd=0.0):
    totals = GetTotalsResponse(
        cost_nano_usd=round(cost_usd * NANO),
        at_least=unpriced > 0,
        calls=calls,
        unpriced_calls=unpriced,
        input_tokens=tokens[0],
        cached_tokens=tokens[1],
        output_tokens=tokens[2],
        saved_nano_usd=round(saved_usd * NANO),
    )
    return Account(scope, scope_id, totals)


ACCOUNTS = [
    account("model", "gpt-5.1", 0.5, 2, tokens=(9000, 4000, 800), saved_usd=0.01),
    account("model", "house-7b", 0, 1, unpriced=1, tokens=(640, 0, 20)),
    account("user", "ada\x1b[2J", 0.5, 3, unpriced=1, tokens=(9640, 4000, 820)),
    account("total", "", 0.5, 3, unpriced=1, tokens=(9640, 4000, 820), saved_usd=0.01),
]
VERDICTS = {
    "ada": CheckBudgetResponse(allowed=True),
    "bob": CheckBudgetResponse(allowed=False, message="Budget exceeded: daily of user bob"),
}
GOLDEN = """\
── totals in the ledger ────────────────────────────────────────────────────────────────────────────
                    calls  input  cached  output    cost USD  saved USD
 model  gpt-5.1         2  9,000   4,000     800    0.500000   0.010000
        house-7b        1    640              20     unknown
 user   ada\\x1b[2J      3  9,640   4,000     820  ≥ 0.500000
 total  everything      3  9,640   4,000     820  ≥ 0.500000   0.010000

 2 spans carry a cost; together $0.500000, exactly the total above.
 1 call has no known price: every total that holds one says ≥.
 May ada make another call? yes
 May bob make another call? no. Budget exceeded: daily of user bob"""


def rendered(summary, paint=None, width=100):
    return list(render_summary(summary, paint or Paint(enabled=False), width))


def test_the_summary_looks_as_it_should():
    lines = rendered(Summary(ACCOUNTS, VERDICTS, 2, NANO // 2))
    assert "\n".join(lines) == GOLDEN
    assert max(map(cells, lines)) <= 100


def test_colours_change_nothing_but_colours():
    painted = rendered(Summary(ACCOUNTS, VERDICTS, 2, NANO // 2), Paint(enabled=True))
    assert "\n".join(re.sub(r"\x1b\[[0-9;]*m", "", line) for line in painted) == GOLDEN


def test_spans_that_do_not_add_up_to_the_ledger_are_not_glossed_over():
    assert " 2 spans carry a cost; together $0.400000, NOT the total above." in rendered(
        Summary(ACCOUNTS, VERDICTS, 2, 400_000_000)
    )


@pytest.mark.parametrize("width", [40, 60, 80])
def test_narrow_terminals_keep_calls_costs_and_whole_names(width):
    lines = rendered(Summary(ACCOUNTS, VERDICTS, 2, NANO // 2), width=width)
    assert max(map(cells, lines)) <= width
    assert "…" not in "".join(lines)
    [model] = [line.split() for line in lines if "gpt-5.1" in line]
    assert {"gpt-5.1", "2", "0.500000"} <= set(model)
