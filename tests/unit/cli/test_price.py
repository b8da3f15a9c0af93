import json

import pytest

from processor.cli import main

PRICES = """\
catalogue: {source: none}
models:
  - provider: acme
    model: house-7b
    prices: [{input: 2, output: 6, cache_read: 0.5, cache_write: 2.5}]
    tiers: [{above: 100000, input: 4, output: 12, cache_read: 1}]
    service_tiers: {batch: {multiplier: 0.5}}
"""


@pytest.fixture
def prices(tmp_path):
    path = tmp_path / "prices.yaml"
    path.write_text(PRICES)
    return str(path)


def ask(capsys, prices, *flags):
    code = main(["price", "house-7b", "--provider", "acme", "--pricing", prices, *flags])
    return code, capsys.readouterr().out


def test_the_answer_shows_the_match_the_rates_each_part_and_the_total(capsys, prices):
    code, out = ask(capsys, prices, "--input", "12,000", "--output", "800", "--cached", "9_000")
    assert code == 0
    version = out.partition("version ")[2].partition("\n")[0]
    assert (
        out
        == f"""\
house-7b costs $0.0153

  provider  acme
  model     house-7b
  status    exact
  rule      acme:house-7b
  tier      base
  prices    {prices}, version {version}

                              quantity      USD per 1M             USD
  input, uncached                3,000             2.0          0.0060
  input, read from cache         9,000             0.5          0.0045
  output                           800             6.0          0.0048
  total                                                         0.0153
  saved by the cache                                            0.0135
"""
    )


def test_json_has_exact_decimal_texts(capsys, prices):
    flags = ("--input", "1", "--output", "0", "--cached", "1", "--json")
    code, out = ask(capsys, prices, *flags)
    answer = json.loads(out)
    assert code == 0
    assert answer["total_usd"] == "0.0000005"
    assert answer["saved_usd"] == "0.0000015"
    assert answer["components"] == [
        {
            "name": "cache_read",
            "quantity": 1,
            "rate_usd": "0.5",
            "per": 1_000_000,
            "amount_usd": "0.0000005",
        }
    ]


def test_the_whole_input_chooses_the_long_context_tier(capsys, prices):
    flags = ("--input", "100001", "--output", "0", "--cached", "100001")
    _, out = ask(capsys, prices, *flags)
    assert "house-7b costs $0.100001" in out
    assert "tier      above 100,000 input tokens" in out


def test_a_service_tier_is_applied(capsys, prices):
    _, out = ask(capsys, prices, "--input", "1000", "--output", "0", "--tier", "batch")
    assert "house-7b costs $0.001\n" in out


def test_tokens_written_to_a_cache_have_their_own_line(capsys, prices):
    flags = ("--input", "1000", "--output", "0", "--cache-write", "400")
    _, out = ask(capsys, prices, *flags)
    assert "house-7b costs $0.0022" in out
    assert "input, written to cache" in out


def test_more_cached_than_input_tokens_is_refused(capsys):
    code = main(["price", "m", "--input", "5", "--output", "1", "--cached", "6"])
    assert code == 2
    assert capsys.readouterr().err.startswith("llm-cost: --input: is 5, less than --cached")


@pytest.mark.parametrize("count", ["-1", "1.5", "many", "9" * 20])
def test_what_is_no_number_of_tokens_is_refused(count, capsys):
    with pytest.raises(SystemExit) as end:
        main(["price", "m", f"--input={count}", "--output", "1"])
    assert end.value.code == 2
    assert "must be a whole number of tokens" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("model", "provider"),
    [("house-13b", "acme"), ("house-13b", ""), ('odd "name": {x}', "acme"), ("#1 - model", "")],
)
def test_a_model_without_a_price_comes_with_the_lines_that_would_price_it(
    model, provider, capsys, tmp_path
):
    asked = ["price", model, "--provider", provider, "--input", "1000000", "--output", "0"]
    assert main(asked) == 1
    out = capsys.readouterr().out
    assert f"{model} is unpriced: " in out
    assert "$0" not in out
    suggested = tmp_path / "suggested.yaml"
    lines = out.splitlines()
    suggested.write_text("\n".join(line[2:] for line in lines[lines.index("  models:") :]))
    assert main([*asked, "--pricing", str(suggested)]) == 0
    assert f"{model} costs $1.00" in capsys.readouterr().out


def test_json_of_a_model_without_a_price_says_null_and_why(capsys):
    code = main(["price", "house-13b", "--input", "1", "--output", "1", "--json"])
    answer = json.loads(capsys.readouterr().out)
    assert code == 1
    assert answer["total_usd"] is None
    assert answer["status"] == "unpriced"
    assert answer["reason"]


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        (["hosue-7b", "--provider", "acme"], "Did you mean house-7b (acme)?"),
        (["hosue-7b"], "Did you mean house-7b (acme)?"),
        (["house-7b", "--provider", "acne"], "Did you mean house-7b (acme)?"),
    ],
)
def test_a_misspelt_model_or_provider_is_answered_with_what_was_meant(capsys, prices, asked, meant):
    assert main(["price", *asked, "--pricing", prices, "--input", "1", "--output", "1"]) == 1
    assert capsys.readouterr().out.splitlines()[1] == meant


def test_several_models_that_may_be_meant_are_all_named(capsys):
    assert main(["price", "gpt-4oo", "--input", "1", "--output", "1"]) == 1
    line = capsys.readouterr().out.splitlines()[1]
    assert line.startswith("Did you mean gpt-4o (openai)")
    assert " or " in line


def test_a_misspelt_tier_is_priced_as_standard_and_what_was_meant_is_said(capsys, prices):
    flags = ("--input", "1000", "--output", "0", "--tier", "bacth")
    code, out = ask(capsys, prices, *flags)
    assert code == 0
    assert "house-7b costs $0.002\n" in out
    assert out.splitlines()[-1] == "No price has a service tier 'bacth'; did you mean batch?"


def test_json_names_what_was_meant(capsys, prices):
    asked = ["price", "hosue-7b", "--tier", "bacth", "--pricing", prices, "--json"]
    assert main([*asked, "--input", "1", "--output", "1"]) == 1
    assert json.loads(capsys.readouterr().out)["did_you_mean"] == {
        "models": [{"provider": "acme", "model": "house-7b"}],
        "tier": "batch",
    }
    _, out = ask(capsys, prices, "--input", "1", "--output", "1", "--json")
    assert json.loads(out)["did_you_mean"] == {"models": [], "tier": ""}


def test_a_models_name_cannot_steer_the_terminal(capsys):
    main(["price", "\x1b[2Jevil", "--input", "1", "--output", "1"])
    assert "\x1b" not in capsys.readouterr().out


def test_a_price_file_that_cannot_be_read_is_one_line(capsys, tmp_path):
    missing = str(tmp_path / "none.yaml")
    assert main(["price", "m", "--input", "1", "--output", "1", "--pricing", missing]) == 2
    shown = capsys.readouterr()
    assert shown.err == f"llm-cost: {missing}: cannot be read: No such file or directory\n"


def test_prices_of_the_settings_file_are_used(capsys, prices, tmp_path):
    config = tmp_path / "processor.yaml"
    config.write_text(f"pricing: {{file: '{prices}'}}\n")
    flags = ["--provider", "acme", "--input", "1000000", "--output", "0"]
    assert main(["price", "house-7b", *flags, "--config", str(config)]) == 0
    assert "house-7b costs $4.00" in capsys.readouterr().out
