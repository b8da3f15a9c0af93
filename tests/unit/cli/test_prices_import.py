"""``llm-cost prices import``."""

from __future__ import annotations

import json

import pytest

from processor.cli import main
from processor.core.pricing import parse_prices

MODELS = {
    "gpt-x": {
        "litellm_provider": "openai", "mode": "chat",
        "input_cost_per_token": 2e-06, "output_cost_per_token": 8e-06,
    },
    "together_ai/Qwen/Qwen-X": {
        "litellm_provider": "together_ai", "mode": "chat",
        "input_cost_per_token": 3e-07, "output_cost_per_token": 3e-07,
    },
    "together_ai/Nothing": {"litellm_provider": "together_ai", "mode": "chat"},
}  # fmt: skip


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "model_prices.json"
    path.write_text(json.dumps(MODELS))
    return path


def imported(capsys, file, *flags):
    code = main(["prices", "import", str(file), *flags])
    return code, capsys.readouterr()


def test_all_of_a_file_is_printed_as_a_price_file(capsys, file):
    """Guarantees: what is printed can be used as it is."""
    code, shown = imported(capsys, file)
    found = parse_prices(shown.out, "pricing.yaml")
    assert code == 0
    assert [(each.provider, each.model) for each in found.entries] == [
        ("openai", "gpt-x"),
        ("together", "qwen/qwen-x"),
    ]
    assert "2 of 3 models that match have a price" in shown.out


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (("--provider", "together_ai"), ["qwen/qwen-x"]),
        (("--model", "GPT-*"), ["gpt-x"]),
        (("--provider", "openai", "--model", "qwen*"), []),
        (("--model", "nothing"), []),
    ],
)
def test_a_part_can_be_chosen(capsys, file, flags, expected):
    code, shown = imported(capsys, file, *flags)
    assert [each.model for each in parse_prices(shown.out, "x").entries] == expected
    assert code == (0 if expected else 1)


def test_a_misspelt_provider_is_answered_with_what_was_meant(capsys, file):
    code, shown = imported(capsys, file, "--provider", "toghether")
    assert (code, shown.out) == (2, "")
    assert "did you mean together?" in shown.err


def test_a_file_that_is_none_is_refused(capsys, tmp_path):
    code, shown = imported(capsys, tmp_path / "no.json")
    assert code == 2
    assert "cannot be read" in shown.err
