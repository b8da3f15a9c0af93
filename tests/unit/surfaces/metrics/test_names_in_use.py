"""Names of metrics outside the code are names that there are."""

import re
from pathlib import Path

import pytest

from processor.surfaces.metrics import DECLARED
from processor.surfaces.metrics.declaration import PREFIX

ROOT = Path(__file__).parents[4]
NAME = re.compile(rf"\b{PREFIX}[a-z0-9_]+")
MENTIONED = sorted(
    {
        (name, str(path.relative_to(ROOT)))
        for path in (*(ROOT / "deploy").rglob("*"), ROOT / "README.md", ROOT / "ARCHITECTURE.md")
        if path.is_file()
        for name in NAME.findall(path.read_text(encoding="utf-8", errors="replace"))
    }
)


@pytest.mark.parametrize(("name", "file"), MENTIONED)
def test_whoever_names_a_metric_names_one_that_is_served(name, file):
    """Guarantees: no alert, dashboard or page asks for a metric that is not there."""
    assert name in {metric.name for metric in DECLARED}, file
