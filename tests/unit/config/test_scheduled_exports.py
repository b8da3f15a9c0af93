"""Exports on a schedule: every mistake at once, each with its line and the fix."""

import pytest

from processor.config import load_settings
from processor.config.load import named_sections_in
from processor.config.settings import Settings
from processor.core.errors import ConfigError
from processor.core.files.validation import keys_of


@pytest.fixture
def load(tmp_path):
    def loaded(text):
        path = tmp_path / "processor.yaml"
        path.write_text(text, "utf-8")
        return load_settings(path, {"data_dir": "/data"}, {}).exports

    return loaded


def problems(load, text):
    with pytest.raises(ConfigError) as caught:
        load(text)
    return [(each.where.rpartition("/")[2], each.what, each.fix) for each in caught.value.problems]


def test_none_unless_there_are_some(load):
    assert load("{}") == {}
    assert load("exports: {}") == {}
    assert load("exports:") == {}


def test_one_of_which_nothing_is_said_has_the_defaults(load):
    [(name, export)] = load("exports:\n  all:\n").items()
    assert (name, export.dataset, export.format, export.every) == ("all", "usage", "csv", "day")
    assert (export.folder, export.delay_s, export.look_back) == ("/data/exports/all", 900, 7)


def test_what_is_given_is_taken(load):
    export = load(
        "dimensions: {team: [team]}\n"
        "exports:\n"
        "  finance: {dataset: calls, format: parquet, folder: /x, every: month, delay: 1h,\n"
        "    time_zone: Europe/Berlin, filters: {team: [a, b], model: gpt-4o}}\n"
    )["finance"]
    assert (export.dataset, export.format, export.folder) == ("calls", "parquet", "/x")
    assert (export.every, export.delay_s, export.time_zone) == ("month", 3600, "Europe/Berlin")
    assert export.filters == {"team": ("a", "b"), "model": ("gpt-4o",)}
    assert export.describe() == "calls as parquet, a file each month, in /x"


def test_every_mistake_is_said_at_once_with_its_line(load):
    found = problems(
        load,
        "exports:\n"
        "  one: {dataset: fokus}\n"
        "  two: {formt: csv, every: week}\n"
        "  three: {dataset: focus, time_zone: Europe/Berlin}\n"
        "  four: {time_zone: Europe/Belrin, delay: 5}\n"
        "  five: {filters: {modl: a}}\n"
        "  six: {filters: {team: a}}\n"
        "  se ven: {}\n"
        "  eight: csv\n",
    )
    assert [where.split(":")[1] for where, _, _ in found] == [
        "2", "3", "3", "4", "5", "5", "6", "7", "8", "9",
    ]  # fmt: skip
    said = "\n".join(f"{what}; {fix}" for _, what, fix in found)
    for words in (
        "unknown dataset 'fokus'; did you mean focus?",
        "unknown key; did you mean format?",
        "unknown period 'week'",
        "is UTC for focus, not Europe/Berlin",
        "did you mean Europe/Berlin?",
        "must be a duration with a unit",
        "unknown dimension 'modl'; did you mean model?",
        "others are declared under dimensions",
        "cannot be the name of an export",
        "must be a map, got 'csv'",
    ):
        assert words in said


def test_two_cannot_write_the_same_files(load):
    text = "exports:\n  a: {folder: /x}\n  b: {folder: /x}\n  c: {folder: /x, dataset: calls}\n"
    assert problems(load, text) == [
        ("processor.yaml:3: exports.b.folder", "is that of a, which writes usage as well",
         "name another one"),
    ]  # fmt: skip


def test_every_setting_of_an_export_has_a_sentence():
    [kind] = named_sections_in(Settings).values()
    assert all(field.description.endswith(".") for field in keys_of(kind).values())
