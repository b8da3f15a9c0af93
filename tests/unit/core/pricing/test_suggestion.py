import pytest
import yaml

from processor.core.model import Call, Charge, Mark, Usage
from processor.core.pricing import compile_catalog, parse_prices, price, suggest_entry

ARN = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc123"


def file_of(*entries):
    return "\n".join(["models:", *(f"  {line}" for entry in entries for line in entry)])


def charge(text, provider, *models):
    catalog = compile_catalog(parse_prices(text, "p.yaml"))
    call = Call(Mark(0, 1_800_000_000 * 10**9), "llm", provider, models, Usage(input=1_000_000))
    return price([call], catalog)[0]


@pytest.mark.parametrize(
    ("provider", "models"),
    [
        ("openai", ("brand-new",)),
        ("OpenAI", ("Brand-New", "other")),
        ("", ("brand-new",)),
        ("my-gateway", ("org/brand-new:7b",)),
        ("openai", ("unknown", "brand-new")),
        ("openai", ('odd "name": {x}',)),
        ("openai", ("#1 - model", "x" * 600)),
        ("openai", ("x" * 600, "short")),
        ("my-gateway", ()),
    ],
)
def test_the_lines_give_the_very_call_a_price(provider, models):
    entry = suggest_entry(provider, models)
    assert charge("models: []", provider, *models).status == "unpriced"
    found = charge(file_of(entry), provider, *models)
    assert isinstance(found, Charge)
    assert found.amount.total == 10**9


@pytest.mark.parametrize(
    ("provider", "model", "seller"),
    [
        ("azure.ai.openai", "my-prod", "azure.ai.openai"),
        ("azure", "team:prod", "azure"),
        ("aws.bedrock", ARN, "aws.bedrock"),
        ("", ARN, "aws"),
    ],
)
def test_a_name_that_a_customer_gave_becomes_an_alias(provider, model, seller):
    entry = suggest_entry(provider, (model,))
    [item] = yaml.safe_load("\n".join(entry))
    assert item["aliases"] == [f"{seller}:{model}"]
    known = "gpt-4o" if "azure" in seller else "anthropic.claude-3-haiku-20240307-v1:0"
    text = file_of(entry).replace(f"put in the model behind {model}", known)
    found = charge(text, provider, model)
    assert isinstance(found, Charge)
    inferred = "" if provider else "provider inferred from the model, "
    assert found.reason == f"{inferred}operator alias"


def test_several_suggestions_make_one_file():
    entries = [
        suggest_entry("azure", ("one",)), suggest_entry("azure", ("two",)),
        suggest_entry("openai", ("new",)), suggest_entry("groq", ()),
    ]  # fmt: skip
    assert len(parse_prices(file_of(*entries), "p.yaml").offers) == 4


def test_where_nothing_is_named_nothing_is_suggested():
    assert suggest_entry("", ()) == ()
    assert suggest_entry("", ("unknown", " ")) == ()
