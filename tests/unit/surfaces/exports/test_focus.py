"""FOCUS 1.2: what the specification asks of each column, held to rows of random ledgers.

Source: https://focus.finops.org/focus-specification/v1-2, "Columns", and the rules of its
validator 2.2.1 for version 1.2.0.1.
"""

import json
from decimal import Decimal

import pytest
from asked.tables import dimensions

from processor.core.model import NO_PARTS, Parts, Totals
from processor.core.questions import CellRow, PricedBy
from processor.surfaces.exports import ExportRequest
from processor.surfaces.exports.focus import Period, rows_of
from processor.surfaces.exports.focus_columns import COLUMNS
from processor.surfaces.exports.focus_names import publisher_of, service_of
from processor.surfaces.queries import TimeRange

RULES = {
    # Column: (type, whether it may be null, allowed values where there is a list)
    "BilledCost": ("usd", False, None),
    "BillingAccountId": ("text", False, None),
    "BillingAccountName": ("text", True, None),
    "BillingAccountType": ("text", False, None),
    "BillingCurrency": ("text", False, {"USD"}),
    "BillingPeriodEnd": ("time", False, None),
    "BillingPeriodStart": ("time", False, None),
    "ChargeCategory": ("text", False, {"Usage", "Purchase", "Tax", "Credit", "Adjustment"}),
    "ChargeClass": ("text", True, {"Correction"}),
    "ChargeDescription": ("text", True, None),
    "ChargeFrequency": ("text", False, {"One-Time", "Recurring", "Usage-Based"}),
    "ChargePeriodEnd": ("time", False, None),
    "ChargePeriodStart": ("time", False, None),
    "ConsumedQuantity": ("quantity", True, None),
    "ConsumedUnit": ("text", True, None),
    "ContractedCost": ("usd", False, None),
    "ContractedUnitPrice": ("decimal", True, None),
    "EffectiveCost": ("usd", False, None),
    "InvoiceId": ("text", True, None),
    "InvoiceIssuerName": ("text", False, None),
    "ListCost": ("usd", False, None),
    "ListUnitPrice": ("decimal", True, None),
    "PricingCategory": ("text", True, {"Standard", "Dynamic", "Committed", "Other"}),
    "PricingCurrency": ("text", False, {"USD"}),
    "PricingQuantity": ("decimal", True, None),
    "PricingUnit": ("text", True, None),
    "ProviderName": ("text", False, None),
    "PublisherName": ("text", False, None),
    "RegionId": ("text", True, None),
    "RegionName": ("text", True, None),
    "ResourceId": ("text", True, None),
    "ResourceName": ("text", True, None),
    "ResourceType": ("text", True, None),
    "ServiceCategory": ("text", False, {"AI and Machine Learning"}),
    "ServiceName": ("text", False, None),
    "ServiceSubcategory": ("text", False, {"Generative AI"}),
    "SkuId": ("text", True, None),
    "SkuMeter": ("text", True, None),
    "SkuPriceDetails": ("text", True, None),
    "SkuPriceId": ("text", True, None),
    "SubAccountId": ("text", True, None),
    "SubAccountName": ("text", True, None),
    "SubAccountType": ("text", True, None),
    "Tags": ("text", True, None),
}
"""Columns of offers that no provider of models has (commitments, capacity, zones) are not there, as
the specification allows, nor are prices in another currency than that of the bill."""
TOGETHER = (
    ("ConsumedQuantity", "ConsumedUnit"),
    ("PricingQuantity", "PricingUnit"),
    ("SkuId", "SkuMeter"),
    ("SkuId", "SkuPriceId"),
    ("SubAccountId", "SubAccountName"),
    ("SubAccountId", "SubAccountType"),
)
"""Each is null where the other is."""
PRICED = ("PricingCategory", "PricingQuantity", "SkuId", "SkuPriceId", "ConsumedQuantity")
"""May be null for usage of unknown price alone: to say 0 would be a price."""
PYTHON = {"usd": int, "quantity": int, "count": int, "time": int, "decimal": Decimal, "text": str}
DAY = Period(86_400, 2 * 86_400, 0, 31 * 86_400)


@pytest.fixture
async def rows(opened, read, charges):
    found, _ = await read(opened(charges).exports, ExportRequest("focus", TimeRange("all"), "hour"))
    assert len(found) > len(charges)
    return found


def test_every_column_of_the_specification_is_there_and_others_begin_with_x():
    found = {column.name: column.kind for column in COLUMNS}
    own = {name for name in found if name.startswith("x_")}
    assert {name: found[name] for name in found.keys() - own} == {
        name: kind for name, (kind, _, _) in RULES.items()
    }
    assert own


def test_columns_hold_what_the_specification_allows(rows):
    for row in rows:
        for name, (kind, may_be_null, allowed) in RULES.items():
            value = row[name]
            if value is None:
                assert may_be_null, name
                continue
            assert isinstance(value, PYTHON[kind]), name
            assert allowed is None or value in allowed, name


def test_columns_that_belong_together_are_null_together(rows):
    for row in rows:
        assert all((row[one] is None) == (row[other] is None) for one, other in TOGETHER)
        assert row["SkuPriceDetails"] is None or row["SkuPriceId"] is not None


def test_only_what_has_no_known_price_lacks_price_and_quantity(rows):
    for row in rows:
        lacks = [name for name in PRICED if row[name] is None]
        assert lacks in ([], list(PRICED))
        if lacks:
            assert row["x_AtLeast"]
            assert row["BilledCost"] == 0
            assert row["x_ConsumedTokens"] is not None


def test_a_unit_price_times_its_quantity_is_the_cost(rows):
    seen = 0
    for row in rows:
        for cost, price in (
            ("ListCost", "ListUnitPrice"),
            ("ContractedCost", "ContractedUnitPrice"),
        ):
            if row[price] is not None:
                assert row[price] >= 0
                product = row[price] * row["PricingQuantity"] * 10**9
                assert abs(product - row[cost]) < Decimal("0.5")
                seen += 1
    assert seen


def test_a_charge_lies_in_its_billing_period(rows):
    for row in rows:
        starts = row["BillingPeriodStart"] <= row["ChargePeriodStart"] < row["ChargePeriodEnd"]
        assert starts
        assert row["ChargePeriodEnd"] <= row["BillingPeriodEnd"]


def test_keys_of_objects_are_texts_and_properties_of_a_draft_begin_with_x(rows):
    for row in rows:
        for name in ("Tags", "SkuPriceDetails"):
            found = json.loads(row[name]) if row[name] else {}
            assert all(isinstance(value, str) and value for value in found.values())
        assert all(key.startswith("x_") for key in json.loads(row["SkuPriceDetails"] or "{}"))


def cell(totals, parts=NO_PARTS, **some):
    return CellRow(0, dimensions(**some), totals, parts)


def made(*arguments, **some):
    names = [column.name for column in COLUMNS]
    return [dict(zip(names, row, strict=True)) for row in
            rows_of(cell(*arguments, **some), DAY, "ours")]  # fmt: skip


def test_each_class_of_tokens_is_a_meter_of_its_own():
    totals = Totals(1000, 700, 40, 300, calls=2, saved_nano_usd=9)
    parts = Parts(100, 5, 300, 400, 100, 150)
    found = made(totals, parts, provider="aws", model="anthropic.claude-opus-4-5", org="acme")
    assert [(row["SkuMeter"], row["ConsumedQuantity"], row["BilledCost"]) for row in found] == [
        ("Input Tokens", 300, 300),
        ("Cache Read Input Tokens", 300, 100),
        ("Cache Write Input Tokens", 100, 150),
        ("Output Tokens", 40, 400),
        ("Requests", 2, 50),
    ]
    assert [row["x_Calls"] for row in found] == [2, 0, 0, 0, 0]
    assert sum(row["x_SavedCost"] for row in found) == 9
    assert sum(row["x_ConsumedTokens"] for row in found) == totals.tokens
    first = found[0]
    assert first["ListUnitPrice"] == Decimal("0.001")
    assert (first["ProviderName"], first["PublisherName"]) == ("Amazon Web Services", "Anthropic")
    assert first["ServiceName"] == "Amazon Bedrock"
    assert first["SubAccountId"] == "acme"
    assert first["BillingAccountId"] == "ours"
    assert first["SkuPriceId"] == "aws/anthropic.claude-opus-4-5/input"


def test_a_sum_that_somebody_reported_is_one_row():
    [row] = made(Totals(1000, calls=1), provider="openai", model="gpt-4o", status="reported")
    assert (row["SkuMeter"], row["ConsumedQuantity"], row["BilledCost"]) == ("Requests", 1, 1000)
    assert row["x_CostStatus"] == "reported"


def test_a_call_that_cost_nothing_is_counted_and_a_run_of_an_agent_is_none():
    [row] = made(Totals(calls=3), provider="openai", model="gpt-4o", status="failed")
    assert (row["x_Calls"], row["BilledCost"]) == (3, 0)
    assert made(Totals(agent_runs=1), kind="agent") == []


def test_tags_are_who_it_was_for():
    [row] = made(Totals(calls=1), agent="coder", own=(("team", "red"),))
    assert json.loads(row["Tags"]) == {"agent": "coder", "team": "red"}


@pytest.mark.parametrize(
    ("provider", "model", "service", "publisher"),
    [
        ("openai", "gpt-4o", "OpenAI API", "OpenAI"),
        ("azure", "gpt-4o", "Azure AI Foundry", "OpenAI"),
        ("google", "claude-opus-4-5", "Google Vertex AI and Gemini API", "Anthropic"),
        ("aws", "amazon.nova-pro-v1:0", "Amazon Bedrock", "Amazon"),
        ("aws", "meta.llama3-70b-instruct-v1:0", "Amazon Bedrock", "Meta"),
        ("groq", "llama-3.3-70b-versatile", "Groq API", "Groq"),
        ("cerebras", "some-model", "Cerebras API", "Cerebras"),
        ("", "", "Unknown", "Unknown"),
    ],
)
def test_names_of_services_and_makers(provider, model, service, publisher):
    assert service_of(provider).service == service
    assert publisher_of(provider, model) == publisher


def test_prices_rules_and_tiers_are_said_and_another_tier_than_the_standard_one_is_another_price():
    """Guarantees: one tier is a price of its own; of several in a sum none is claimed."""
    totals, parts = Totals(100, 10, calls=2), Parts(input_nano_usd=100)
    plain = cell(totals, parts, provider="openai", model="gpt-4o")
    names = [column.name for column in COLUMNS]

    def row(*priced_by):
        given = plain._replace(priced_by=PricedBy(*priced_by))
        return dict(zip(names, next(iter(rows_of(given, DAY, "ours"))), strict=True))

    said = ("x_PriceVersion", "x_CostRule", "x_ServiceTier", "PricingCategory", "SkuPriceId")
    for priced_by, expected in (
        ((), (None, None, None, "Standard", "openai/gpt-4o/input")),
        ((("v1",), ("",), ("",)), ("v1", None, None, "Standard", "openai/gpt-4o/input")),
        (
            (("v1", "v2"), ("", "cache_added"), ("batch",)),
            ("v1, v2", "cache_added", "batch", "Other", "openai/gpt-4o/input/batch"),
        ),
        (
            (("v1",), ("",), ("", "flex")),
            ("v1", None, "standard, flex", "Other", "openai/gpt-4o/input"),
        ),
    ):
        assert tuple(row(*priced_by)[name] for name in said) == expected


def test_usage_without_a_price_has_no_category_whatever_its_tier():
    unknown = cell(Totals(0, 10, calls=1, unpriced=1), provider="openai", model="new")
    [found] = rows_of(unknown._replace(priced_by=PricedBy((), (), ("batch",))), DAY, "ours")
    named = dict(zip([column.name for column in COLUMNS], found, strict=True))
    assert (named["PricingCategory"], named["x_ServiceTier"]) == (None, "batch")
