"""Where a smaller model is good enough, as the settings say it."""

from __future__ import annotations

import pytest

from processor.config.insight import low_quality_of
from processor.config.load import load_settings
from processor.core.errors import ConfigError


def settings(tmp_path, text):
    path = tmp_path / "s.yaml"
    path.write_text(text)
    return load_settings(path, {}, {})


def test_values_of_dimensions_and_what_spans_say_themselves(tmp_path):
    found = settings(
        tmp_path,
        """
dimensions: {quality: [model.quality_requirement], team: [team]}
insight: {low_quality: {task_type: [classify, extract], team: tagging}}
""",
    )
    assert low_quality_of(found.insight, found.dimensions) == (
        {"task_type": {"classify", "extract"}, "team": {"tagging"}}, {"quality": {"low"}}
    )  # fmt: skip
    nothing = settings(tmp_path, "")
    assert low_quality_of(nothing.insight, nothing.dimensions) == ({}, {})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{insight: {low_quality: [classify]}}", "must be a map of dimensions to values"),
        ("{insight: {low_quality: {task_type: []}}}", "must have 1 to 100 values"),
        ("{insight: {low_quality: {team: [x]}}}", "has team, which is no dimension"),
    ],
)
def test_what_it_cannot_say(tmp_path, text, message):
    with pytest.raises(ConfigError) as error:
        settings(tmp_path, text)
    assert message in str(error.value)
