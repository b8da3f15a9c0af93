"""What the page for senders says of whose cost it is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from processor.core.semconv.dialects.owners import INHERITED_OWNERS, OWNERS

PAGE = Path(__file__).parents[2] / "deploy" / "senders" / "README.md"
ROWS = dict(re.findall(r"^\| `(\w+)` \| (.+) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE))


@pytest.mark.parametrize("dimension", OWNERS)
def test_documented_names_are_read_in_the_order_of_the_page(dimension):
    """Guarantees: a sender who follows the page is understood, and the first name wins."""
    span_part, *special = re.split("; on the", ROWS[dimension])
    sources = INHERITED_OWNERS[dimension]
    read = [key for source in sources for key in source.keys]
    documented = re.findall(r"`([^`]+)`", span_part)
    assert documented == sorted(documented, key=read.index)
    assert set(re.findall(r"`([^`]+)`", "".join(special))) <= set(read)
