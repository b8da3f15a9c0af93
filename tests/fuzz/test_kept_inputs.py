"""Every input that is kept holds what is promised, those that once failed first of all."""

from __future__ import annotations

from pathlib import Path

import pytest
from fuzz.run import NAMES
from fuzz.targets import TARGETS

HERE = Path(__file__).parent
KEPT = sorted(
    path for folder in ("faults", "corpus") for path in (HERE / folder).rglob("*") if path.is_file()
)


def test_the_fuzzer_knows_every_target():
    assert tuple(TARGETS) == NAMES


@pytest.mark.parametrize("path", KEPT, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_a_kept_input_holds_what_is_promised(path):
    TARGETS[path.parent.name](path.read_bytes())
