"""The reference file is what the declarations say, and means what the defaults mean."""

import re
import subprocess
import sys
from pathlib import Path

from processor.config import Settings, load_settings, render_reference
from processor.config.load import sections_in, settings_of
from processor.config.reference import sentence_of
from processor.core.files.validation import keys_of

COMMITTED = Path(__file__).parents[3] / "config" / "processor.yaml"


def test_committed_file_is_the_generated_one():
    # To renew it: python -m processor.config > config/processor.yaml
    assert COMMITTED.read_text("utf-8") == render_reference()


def test_command_prints_the_reference():
    result = subprocess.run(
        [sys.executable, "-m", "processor.config"],
        capture_output=True,
        check=True,
        cwd=COMMITTED.parents[1],
    )
    assert result.stdout.decode("utf-8") == render_reference()


def test_file_as_it_stands_changes_nothing():
    environ = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://backend:4317"}
    assert load_settings(COMMITTED, {}, environ) == load_settings(None, {}, environ)


def test_file_with_every_line_in_force_is_the_defaults(tmp_path):
    path = tmp_path / "all.yaml"
    path.write_text(re.sub(r"(?m)^( *)#(?=\w+: )", r"\1", render_reference()), "utf-8")
    assert path.read_text("utf-8").count("#data_dir") == 0
    assert load_settings(path, {}, {}) == load_settings(None, {}, {})


def test_every_setting_and_section_has_a_sentence():
    def sections(kind):
        for key, field in keys_of(kind).items():
            inner = sections_in(kind).get(key)
            sentence = sentence_of(inner) if inner else field.description
            assert sentence.endswith((".", "…", "and may have:")), key
            if inner:
                sections(inner)

    sections(Settings)
    assert len(list(settings_of(Settings))) > 30
