"""What a price file may say, and what is reported to be wrong with it."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest

from processor.core.errors import ConfigError
from processor.core.pricing import parse_prices

ROOT = Path(__file__).parents[4]
MILLION = 10**6


def parse(text: str):
    return parse_prices(text, "pricing.yaml")


def problems(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        parse(text)
    return str(caught.value)


def only_rates(text: str) -> dict[str, int]:
    (entry,) = parse(text).entries
    (step,) = entry.steps
    return dict(step.rates)


def test_an_empty_file_is_usable():
    file = parse("")
    assert file.entries == ()
    assert file.use_catalogue
    assert file.fallback is None


@pytest.mark.parametrize("name", ["processor/config/defaults/pricing.yaml", "config/pricing.yaml"])
def test_the_shipped_file_has_no_problems_and_no_warnings(name):
    file = parse((ROOT / name).read_text())
    assert file.warnings == ()
    assert len(file.entries) > 20


@pytest.mark.parametrize(
    "prices",
    [
        "unit: per_1m, prices: [{input: 2.5, output: 10}]",
        "unit: per_1k, prices: [{input: 0.0025, output: 0.01}]",
        "unit: per_token, prices: [{input: 0.0000025, output: 0.00001}]",
        'unit: per_token, prices: [{input: "2.5e-6", output: 1.0e-5}]',
        "prices: [{input_per_1k: 0.0025, output_per_1k: 0.01}]",
        "prices: {input_per_token: 0.0000025, output_per_token: 0.00001}",
    ],
)
def test_units_of_entry_and_key_mean_the_same_price(prices):
    rates = only_rates(f"models: [{{provider: openai, model: m, {prices}}}]")
    assert rates == {"input": 2_500_000_000, "output": 10_000_000_000}


def test_the_unit_of_the_file_holds_where_an_entry_names_none():
    text = "unit: per_1k\nmodels: [{model: m, prices: [{input: 1, output: 2}]}]"
    assert only_rates(text) == {"input": 10**12, "output": 2 * 10**12}


@pytest.mark.parametrize(
    "entry",
    [
        "prices: [{input_per_1k: 0.0025, output_per_1m: 10}]",
        "prices: [{input: 2.5, output_per_1k: 0.01}]",
        "unit: per_1k, prices: [{input_per_1m: 2.5, output_per_1m: 10}]",
        "prices: [{input: 2, output: 6}], tiers: [{above: 10, input_per_1k: 0.004}]",
    ],
)
def test_units_cannot_be_mixed_within_an_entry(entry):
    assert "mixes prices per_" in problems(f"models: [{{model: m, {entry}}}]")


def test_fees_are_for_one_request_whatever_the_unit():
    rates = only_rates(
        "models: [{model: m, unit: per_1k, prices: [{request: 0.002, web_search_per_1k: 10}]}]"
    )
    assert rates == {"requests": 2 * 10**12, "web_searches": 10**13}


def test_the_short_form_is_per_1k_and_knows_free_providers():
    text = (
        "providers:\n"
        "  openai: {gpt-4o: {input: 0.0025, output: 0.01}}\n"
        '  ollama: {"*": {input: 0, output: 0}}\n'
    )
    priced, free = parse(text).entries
    assert (priced.provider, priced.model) == ("openai", "gpt-4o")
    assert dict(priced.steps[0].rates) == {"input": 2_500_000_000, "output": 10**10}
    assert (free.provider, free.model, dict(free.steps[0].rates)) == (
        "ollama", "*", {"input": 0, "output": 0},
    )  # fmt: skip


def test_the_short_form_follows_the_unit_of_the_file():
    text = "unit: per_1m\nproviders: {openai: {gpt-4o: {input: 2.5, output: 10}}}"
    assert only_rates(text)["input"] == 2_500_000_000


def test_another_currency_is_turned_into_usd():
    text = "currency: EUR\nusd_rate: 1.08\nmodels: [{model: m, prices: [{input: 1, output: 2}]}]"
    assert only_rates(text) == {"input": 1_080_000_000, "output": 2_160_000_000}


def test_prices_are_read_exactly():
    rates = only_rates("models: [{model: m, prices: [{input: 0.1234567, output: 0}]}]")
    assert rates["input"] == int(Decimal("0.1234567") * 10**9)


def test_dates_are_midnights_and_datetimes_instants():
    text = """
models:
  - model: m
    prices:
      - {input: 3, output: 0, effective_from: 2026-08-16T16:00:00Z}
      - {input: 1, output: 0}
      - {input: 2, output: 0, effective_from: 2024-05-13}
      - {input: 4, output: 0, effective_from: "2026-08-17T00:00:00+08:00"}
"""
    with_duplicate = problems(text)
    assert "two prices from the same moment" in with_duplicate
    (entry,) = parse(text.replace("+08:00", "+02:00")).entries
    assert [step.start_ns // 10**9 for step in entry.steps][1:] == [
        1715558400, 1786896000, 1786917600,
    ]  # fmt: skip
    assert [step.rates["input"] for step in entry.steps] == [n * 10**9 for n in (1, 2, 3, 4)]


def test_an_inclusive_threshold_is_one_token_lower():
    text = (
        "models: [{model: m, prices: [{input: 1, output: 1}], tiers: "
        "[{above: 200000, input: 2}, {above: 100000, inclusive: true, input: 3}]}]"
    )
    (entry,) = parse(text).entries
    assert [tier.above for tier in entry.steps[0].tiers] == [99_999, 200_000]


def test_aliases_name_a_provider_only_when_one_is_meant():
    text = (
        "models: [{provider: openai, model: gpt-4o, aliases: "
        '["azure:My-Deployment", gpt4o, "llama3.1:8b", "aws.bedrock:arn:aws:x"]}]'
    )
    (entry,) = parse(text).entries
    assert entry.aliases == (
        ("azure", "my-deployment"),
        ("openai", "gpt4o"),
        ("openai", "llama3.1:8b"),
        ("aws", "arn:aws:x"),
    )


def test_settings_are_read():
    file = parse(
        """
catalogue: {source: none, on_error: keep-last, warn_if_older_than_days: 7}
cache_defaults: {read_multiplier: 0.1, write_multiplier: 1.25, write_1h_multiplier: 2}
providers:
  aliases: {my-gateway: x_ai}
  free: [Ollama, my-gateway]
  cache_semantics: {default: auto, aws: exclusive}
fallback: {enabled: true, prices: {input: 1, output: 3}}
reported: {trust: [gen_ai.usage.cost]}
"""
    )
    assert not file.use_catalogue
    assert file.warn_if_older_than_days == 7
    assert file.cache_defaults == (Fraction(1, 10), Fraction(5, 4), Fraction(2))
    assert file.aliases == {"my-gateway": "x-ai"}
    assert file.free == {"ollama", "x-ai"}
    assert file.cache_semantics == {"default": "auto", "aws": "exclusive"}
    assert file.fallback == {"input": 10**9, "output": 3 * 10**9}
    assert file.trusted == {"gen_ai.usage.cost"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("modles: []", "pricing.yaml:1: modles: unknown key (did you mean models?)"),
        ("models: [{model: m, price: []}]", "did you mean prices?"),
        ("models: [{model: m, prices: [{inptu: 1, output: 1}]}]", "did you mean input?"),
        ("models: [{model: m, prices: [{input: -1, output: 1}]}]", "not negative"),
        ("models: [{model: m, prices: [{input: nan, output: 1}]}]", "finite"),
        ("models: [{model: m, prices: [{input: Infinity, output: 1}]}]", "finite"),
        ("models: [{model: m, prices: [{input: cheap, output: 1}]}]", "must be a number"),
        ("models: [{model: m, prices: [{input: true, output: 1}]}]", "must be a number"),
        ("models: [{model: m, prices: [{input: 1.0e+999999, output: 1}]}]", "USD for one unit"),
        ("models: [{model: m, prices: [{input: 1}]}]", "write output: 0"),
        ("models: [{model: m, prices: [{output: 1}]}]", "write input: 0"),
        ("models: [{model: m, prices: [{}]}]", "has no price"),
        ("models: [{model: m}]", "has no prices"),
        (
            "models: [{prices: [{input: 1, output: 1}]}]",
            "models[0].model: is missing (write `model: name`",
        ),
        ("models: {m: 1}", "must be a list"),
        ("models: [7]", "must be a map, got "),
        (
            "models: [{model: m, prices: [{input: 1, output: 1}], adjust: {multiplier: 2}}]",
            "keep one",
        ),
        (
            "models: [{model: m, adjust: {factor: 2}}]",
            "adjust.multiplier: is missing (write `adjust: {",
        ),
        ('models: [{model: "m*", aliases: [x]}]', "name one model"),
        ("models: [{model: m, aliases: [x], tiers: [{above: 5, input: 1}]}]", "write prices"),
        ("models: [{model: m, prices: [{input: 1, output: 1, input_per_1m: 2}]}]", "second price"),
        (
            "models: [{model: m, prices: [{input: 1, output: 1, effective_from: soon}]}]",
            "is not a date",
        ),
        (
            "models: [{model: m, prices: [{input: 1, output: 1}], tiers: [{input: 2}]}]",
            "tiers[0].above: is missing (write `above: 200000`)",
        ),
        (
            (
                "models: [{model: m, prices: [{input: 1, output: 1}], "
                "schedule: [{days: [someday]}]}]"
            ),
            "someday is not a day",
        ),
        (
            "models: [{model: m, prices: [{input: 1, output: 1}], service_tiers: {batch: {}}}]",
            "multiplier: 0.5",
        ),
        ("currency: EUR", "write usd_rate"),
        ("usd_rate: 2", "cannot be 2 for USD"),
        (
            "unit: per_kilo",
            "unknown unit 'per_kilo' (did you mean per_1k? valid: per_1m, per_1k, per_token)",
        ),
        ("version: 2", "version: must be 1, got 2"),
        ("catalogue: {source: litellm}", "unknown source 'litellm' (valid: genai-prices, none)"),
        ("providers: {fre: [ollama]}", "did you mean free?"),
        (
            "providers: {cache_semantics: {aws: outside}}",
            "unknown semantics 'outside' (valid: inclusive, ",
        ),
        ("fallback: {enabled: maybe}", "must be true or false"),
        ("fallback: {enabled: true}", "has no price"),
        ("reported: [cost]", "must be a map, got "),
        (
            (
                "models: [{model: m, prices: [{input: 1, output: 1}]}, "
                "{model: M, prices: [{input: 2, output: 1}]}]"
            ),
            "2 times",
        ),
        (
            (
                "models: [{model: a, aliases: [x], prices: [{input: 1, output: 1}]}, "
                "{model: b, aliases: [x], prices: [{input: 2, output: 1}]}]"
            ),
            "on 2 entries",
        ),
    ],
)
def test_a_mistake_is_refused_with_its_fix(text, expected):
    assert expected in problems(text)


def test_every_problem_is_reported_at_once_with_its_line():
    text = "unit: per_kilo\nmodels:\n  - model: m\n    prices:\n      - {input: -1, outptu: 2}\n"
    found = problems(text).splitlines()
    assert any(line.startswith("pricing.yaml:1: unit:") for line in found)
    assert any(line.startswith("pricing.yaml:5: models[0].prices[0].input:") for line in found)
    assert any("outptu" in line for line in found)


def test_problems_of_the_whole_file_are_reported_with_those_of_its_entries():
    """Guarantees: an entry that cannot be read hides nothing that is wrong with the others."""
    text = (
        "models:\n"
        "  - {model: a, prices: [{input: cheap, output: 1}]}\n"
        "  - {model: b, prices: [{input: 1, output: 1}]}\n"
        "  - {model: b, prices: [{input: 1, output: 1}]}\n"
        "  - {model: c, prices: [{input: 1, output_per_1k: 1}]}\n"
    )
    assert problems(text).splitlines() == [
        (
            "pricing.yaml:2: models[0].prices[0].input: must be a number, got 'cheap' "
            "(write it like 0.15)"
        ),
        "pricing.yaml:5: models[3]: mixes prices per_1k and per_1m (use one unit within an entry)",
        "pricing.yaml:1: models: has *:b 2 times (keep one entry)",
    ]


@pytest.mark.parametrize("written", ["'15%'", "cheap", "true"])
def test_a_multiplier_that_is_none_is_explained_as_a_factor(written):
    """Guarantees: nobody who means 15 % off is led to a factor that leaves 15 %."""
    text = f"models:\n  - {{model: '*', provider: a, adjust: {{multiplier: {written}}}}}\n"
    assert problems(text).endswith("(write a factor: 0.85 takes 15 % off)")


def test_a_currency_without_a_rate_hides_nothing_else():
    text = "currency: EUR\nmodels:\n  - {model: c, prices: [{input: 1, output_per_1k: 1}]}\n"
    first, second = problems(text).splitlines()
    assert first == (
        "pricing.yaml:1: currency: is not USD and has no rate (write usd_rate, the USD for one EUR)"
    )
    assert "mixes prices" in second


@pytest.mark.parametrize(
    ("prices", "problem"),
    [
        ("{inptu: 1, output: 1}", "prices.inptu: unknown key (did you mean input?)"),
        (
            "{input_per_1K: 1, output: 1}",
            "prices.input_per_1K: unknown key (did you mean input_per_1k?)",
        ),
        ("{input: 1, output: 1, teirs: []}", "prices.teirs: unknown key (did you mean tiers?)"),
        ("{input: 1, output: 1, zzz: 1}", "prices.zzz: unknown key (known keys: input, output, "),
        ("{input: 1, output: 1, cache_read: }", "prices.cache_read: must be a number, got nothing"),
        (
            "{input: 1, output: 1, input_per_1m: 2}",
            "prices.input_per_1m: gives input a second price",
        ),
    ],
)
def test_a_mistake_among_prices_has_the_place_that_it_has_in_the_file(prices, problem):
    """Guarantees: a single price that is written without a list is not called the first of one."""
    found = problems(f"models:\n  - model: m\n    prices: {prices}\n")
    assert found.startswith(f"pricing.yaml:3: models[0].{problem}")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "providers:\n  openai:\n    gpt-4o: {inptu: 1, output: 1}\n",
            "3: providers.openai.gpt-4o.inptu: unknown key (did you mean input?)",
        ),
        (
            "providers:\n  openai:\n    gpt-4o: {input: 1}\n",
            "3: providers.openai.gpt-4o: has no output price (write output: 0",
        ),
        ("providers:\n  openai: 5\n", "2: providers.openai: unknown key (known keys: aliases, "),
    ],
)
def test_a_mistake_in_the_short_form_has_its_line_and_fix(text, problem):
    assert problems(text).startswith(f"pricing.yaml:{problem}")


def test_a_key_that_is_set_twice_to_the_same_is_a_warning():
    file = parse("models:\n  - model: m\n    prices: {input: 1, output: 1}\n    model: m\n")
    assert list(map(str, file.warnings)) == [
        (
            "pricing.yaml:4: models[0].model: is set twice to the same value, first in line 2 "
            "(remove one of them)"
        )
    ]


def test_times_and_zones_of_a_schedule_are_checked():
    found = problems(
        "models: [{model: m, prices: [{input: 1, output: 1}], "
        "schedule: [{from: noon, to: '25:00', tz: Mars/Base}]}]"
    )
    assert "in quotes" in found
    assert "not a time of day" in found
    assert "unknown time zone 'Mars/Base'" in found
    assert "multiplier: is missing (write `multiplier: 2`)" in found


@pytest.mark.parametrize(
    ("prices", "expected"),
    [
        ("input: 600, output: 600", "over 500 USD"),
        ("input: 2.5, output: 0.1", "less than a tenth"),
        ("input: 0.1, output: 0.4, cache_read: 0.2", "more expensive than input"),
    ],
)
def test_a_price_that_looks_like_a_slip_is_a_warning(prices, expected):
    file = parse(f"models: [{{model: m, prices: [{{{prices}}}]}}]")
    assert any(expected in str(warning) for warning in file.warnings)


def test_an_embedding_without_output_price_is_no_slip():
    assert parse("models: [{model: m, prices: [{input: 0.1, output: 0}]}]").warnings == ()


def test_prices_of_a_free_provider_are_pointed_out():
    file = parse(
        "providers: {free: [ollama]}\n"
        "models: [{provider: ollama, model: m, prices: [{input: 1, output: 1}]}]"
    )
    assert "never used" in str(file.warnings[0])


def test_the_digest_names_the_content():
    assert parse("version: 1").digest == parse_prices("version: 1", "elsewhere").digest
    assert parse("version: 1").digest != parse("version: 1 ").digest


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("", ["genai-prices"]),
        ("catalogue: {source: none}", []),
        ("catalogue: {source: genai-prices}", ["genai-prices"]),
        ("catalogues: []", []),
        ("catalogues: [genai-prices]", ["genai-prices"]),
        ("catalogues: [genai-prices, {litellm: p.json}]", ["genai-prices", "litellm"]),
        ("catalogues: [{litellm: p.json}, Genai-Prices]", ["litellm", "genai-prices"]),
    ],
)
def test_catalogues_are_those_that_are_named_in_order(text, kinds):
    assert [each.kind for each in parse_prices(text, "p").catalogues] == kinds


@pytest.mark.parametrize(
    ("text", "where", "message"),
    [
        ("catalogues: [genai-price]", "catalogues[0]", "did you mean genai-prices?"),
        ("catalogues: [litellm]", "catalogues[0]", "write `- litellm: model_prices.json`"),
        ("catalogues: [{litelm: p}]", "catalogues[0].litelm", "did you mean litellm?"),
        ("catalogues: [{litellm: 3}]", "catalogues[0].litellm", "must be text"),
        ("catalogues: [{litellm: }]", "catalogues[0].litellm", "must be text"),
        ("catalogues: [{genai-prices: p}]", "catalogues[0].genai-prices", "has no path"),
        ("catalogues: [{a: b, c: d}]", "catalogues[0]", "unknown catalogue a map"),
        ("catalogues: genai-prices", "catalogues", "must be a list"),
        ("catalogues: [genai-prices, genai-prices]", "catalogues[1]", "twice"),
        (
            "catalogue: {source: none}\ncatalogues: [genai-prices]",
            "catalogue.source",
            "remove it",
        ),
        ("models: [{model: m, regions: {us: x}, prices: [{request: 1}]}]", "regions.us", "number"),
        ("models: [{model: m, units: never, prices: [{second: 1}]}]", "units", "without_tokens"),
        (
            "models: [{model: m, prices: [{request: 1}], service_tiers: {flex: {tiers: [{}]}}}]",
            "service_tiers.flex.tiers[0].above",
            "write `above: 200000`",
        ),
    ],
)
def test_mistakes_in_catalogues_regions_and_units_are_named(text, where, message):
    """Guarantees: place, and what to do about it."""
    found = problems(text)
    assert where in found
    assert message in found


def test_regions_and_sizes_of_a_service_tier_hold():
    text = (
        "catalogues: []\n"
        "models: [{provider: x, model: m, prices: [{input: 1, output: 1}], regions: {EU: 1.1}, "
        "service_tiers: {flex: {input: 0.5, tiers: [{above: 1000, input: 0.75}]}}}]"
    )
    [entry] = parse_prices(text, "p").entries
    assert entry.regions == {"eu": Fraction(11, 10)}
    assert entry.service_tiers["flex"].tiers[0].above == 1000


@pytest.mark.parametrize(
    ("written", "multiplier"),
    [("1/3", Fraction(1, 3)), ("3/2", Fraction(3, 2)), ("0.85", Fraction(17, 20)), ("0/1", 0)],
)
def test_a_multiplier_is_a_number_or_a_fraction(written, multiplier):
    file = parse_prices(
        f"models: [{{provider: x, model: m, adjust: {{multiplier: {written}}}}}]", "pricing.yaml"
    )
    assert file.entries[0].adjust == multiplier


@pytest.mark.parametrize("written", ["1/0", "2001/2", "-1/3", "1/3/5", "1 / 3", "1/x", "1.5/2"])
def test_other_fractions_are_refused(written):
    with pytest.raises(ConfigError, match="multiplier: must be"):
        parse_prices(
            f"models: [{{provider: x, model: m, adjust: {{multiplier: {written}}}}}]", "p.yaml"
        )
