"""Names of metrics outside the code are names that there are."""

import re
from pathlib import Path

import pytest

from processor.surfaces.metrics import DECLARED

ROOT = Path(__file__).parents[4]
_PARTS = (
    "cost_processor", "cost_total", "cost_corrections", "requests", "unpriced_calls", "cache_hits",
    "prompt_cache", "tokens", "savings", "budget",
)  # fmt: skip
NAME = re.compile(rf"\bllm_(?:{'|'.join(_PARTS)})_[a-z0-9_]+")
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
