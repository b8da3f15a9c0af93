"""Which dimensions metrics may have."""

import pytest

from processor.config import load_settings
from processor.core.errors import ConfigError


@pytest.fixture
def load(tmp_path):
    def loaded(text):
        path = tmp_path / "processor.yaml"
        path.write_text(text, "utf-8")
        return load_settings(path, {}, {}).telemetry.metrics.spend

    return loaded


def spend(dimensions, rest=""):
    return f"telemetry: {{metrics: {{spend: {{dimensions: {dimensions}}}}}}}\n{rest}"


def test_models_and_providers_unless_something_else_is_chosen(load):
    assert load("{}").dimensions == ("model", "provider")


def test_dimensions_of_ones_own_can_be_chosen(load):
    assert load(spend("[model, team]", "dimensions: {team: [team]}")).dimensions == (
        "model", "team",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("dimensions", "words"),
    [
        ("[user]", "has user, which has too many values"),
        ("[session]", "has session, which has too many values"),
        ("[team]", "or declare it under dimensions"),
        ("[type]", "is a label of Prometheus or of these metrics already"),
        ("[a, b, c, d, e, f, g]", "must be at most 6, has 7"),
        ("model", r"write \[model, provider\]"),
    ],
)
def test_what_cannot_be_a_label_is_refused_with_the_fix(load, dimensions, words):
    with pytest.raises(ConfigError, match=words):
        load(spend(dimensions))
