"""The catalog as a value: its version, its age, what it remembers."""

from __future__ import annotations

from datetime import UTC, datetime

from processor.core.pricing import compile_catalog, parse_prices
from processor.core.pricing.catalog import Memo
from processor.core.pricing.shapes import Match


def catalog_of(text: str):
    return compile_catalog(parse_prices(text, "pricing.yaml"))


def ns(year, month, day, hour=0, minute=0):
    return int(datetime(year, month, day, hour, minute, tzinfo=UTC).timestamp()) * 10**9


def test_the_version_names_file_and_catalogue():
    plain = catalog_of("")
    assert len(plain.version) == 8
    assert plain.version == catalog_of("").version
    assert plain.version != catalog_of("version: 1").version
    assert plain.version != catalog_of("catalogue: {source: none}").version


def test_age_is_counted_from_the_newest_price_in_force():
    catalog = catalog_of("catalogue: {warn_if_older_than_days: 60}")
    now = ns(2026, 11, 20)
    age = catalog.age_days(now)
    assert 0 <= age < 60
    assert not catalog.is_stale(now)
    assert catalog.is_stale(ns(2027, 6, 1))
    assert catalog.age_days(0) is None
    assert catalog_of("catalogue: {source: none}").age_days(now) is None


def test_cache_semantics_are_handed_on():
    catalog = catalog_of("providers: {cache_semantics: {default: auto, aws: exclusive}}")
    assert catalog.cache_semantics == {"default": "auto", "aws": "exclusive"}


def test_cache_semantics_of_a_provider_hold_for_all_its_spellings():
    rules = "{aws.bedrock: exclusive, google: inclusive, gemini: exclusive, my-scope: auto}"
    semantics = catalog_of(f"providers: {{cache_semantics: {rules}}}").cache_semantics
    assert semantics["aws"] == semantics["aws.bedrock"] == "exclusive"
    assert (semantics["google"], semantics["gemini"]) == ("inclusive", "exclusive")
    assert semantics["my-scope"] == "auto"


def test_provider_spellings_have_one_id():
    catalog = catalog_of("providers: {aliases: {acme: azure}}")
    spellings = ["Azure.AI.OpenAI", "acme", "az.ai.inference", "azure_openai.chat"]
    found = {catalog.match(spelling, ("gpt-4o",), "").provider for spelling in spellings}
    assert found == {"azure"}
    assert catalog.match("my-own", ("gpt-4o",), "").provider == "my-own"
    assert catalog.match("litellm", (), "").provider == ""


def test_what_was_asked_is_remembered_misses_too():
    catalog = catalog_of("")
    assert catalog.match("openai", ("gpt-4o",), "") is catalog.match("openai", ("gpt-4o",), "")
    missing = catalog.match("openai", ("nope",), "")
    assert catalog.match("openai", ("nope",), "") is missing


def test_memory_is_bounded_and_keeps_what_is_asked_again():
    memo = Memo(limit=10)
    answer = Match("unpriced", "", "", "")
    hot = ("openai", ("gpt-4o",), "")
    memo.put(hot, answer)
    for n in range(1000):
        memo.put(("openai", (f"m{n}",), ""), answer)
        assert memo.get(hot) is answer
        assert len(memo) <= 20
    assert memo.get(("openai", ("m0",), "")) is None


def test_a_stream_of_invented_names_does_not_fill_the_catalog():
    catalog = catalog_of("catalogue: {source: none}")
    for n in range(9000):
        catalog.match("openai", (f"m{n}",), "")
    assert len(catalog._memo) <= 2 * 4096


def test_a_name_of_absurd_length_is_neither_priced_nor_remembered():
    catalog = catalog_of("")
    for text in ("x" * 10**6, "a." * 10**5):
        match = catalog.match(text, (text,), text)
        assert match.status == "unpriced"
        assert len(match.model) + len(match.provider) < 2000
    assert len(catalog._memo) == 0
