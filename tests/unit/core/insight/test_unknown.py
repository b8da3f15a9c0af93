from processor.core.insight import is_mendable, mark_priced
from processor.core.model import UnpricedCalls
from processor.core.posting import LIFETIME
from processor.core.pricing.charge import OUT_OF_RANGE

A = "{provider: openai, model: a, prices: [{input: 1, output: 2, effective_from: 2026-01-01}]}"
IN_2027 = 1_800_000_000 * 10**9
IN_2020 = 1_600_000_000 * 10**9


def unknown(model="a", reason="model unknown at this provider", last_ns=IN_2027):
    return UnpricedCalls("openai", (model,), reason, "shop", 3, 30, 0, last_ns)


def test_a_model_that_has_a_price_by_now_is_marked(prices):
    found = mark_priced([unknown(), unknown("b"), unknown(last_ns=IN_2020)], prices(A).catalog)
    assert [each.has_price for each in found] == [True, False, False]


def test_what_no_price_can_help_is_never_marked(prices):
    for reason in (LIFETIME, OUT_OF_RANGE):
        [found] = mark_priced([unknown(reason=reason)], prices(A).catalog)
        assert not found.has_price
        assert not is_mendable(found)
    assert is_mendable(unknown())
