"""A price file with the catalogues that it names."""

from __future__ import annotations

import json

import pytest

from processor.config import load_prices
from processor.core.errors import ConfigError

MODELS = {
    "x": {
        "litellm_provider": "openai", "mode": "chat",
        "input_cost_per_token": 2e-06, "output_cost_per_token": 8e-06,
    },
}  # fmt: skip


def test_a_catalogue_is_read_from_the_folder_of_the_price_file(tmp_path):
    (tmp_path / "more.json").write_text(json.dumps(MODELS))
    text = "version: 1\ncatalogues:\n  - genai-prices\n  - litellm: more.json\n"
    prices = load_prices(text, str(tmp_path / "pricing.yaml"))
    assert prices.catalog.match("openai", ("x",), "").rule == "litellm openai:x"
    assert [name.partition(" ")[0] for name in prices.catalog.catalogue_names] == [
        "genai-prices",
        "litellm",
    ]


def test_a_catalogue_that_cannot_be_read_is_named_with_its_line(tmp_path):
    """Guarantees: a reload with a missing file is refused, and says where it is named."""
    text = "version: 1\ncatalogues:\n  - genai-prices\n  - litellm: no.json\n"
    with pytest.raises(ConfigError) as caught:
        load_prices(text, str(tmp_path / "pricing.yaml"))
    [problem] = caught.value.problems
    assert "pricing.yaml:4: catalogues[1]" in problem.where
    assert "no.json" in problem.what
