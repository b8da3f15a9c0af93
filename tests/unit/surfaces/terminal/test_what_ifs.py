"""A comparison fits the terminal, and says what it leaves out."""

from __future__ import annotations

import pytest

from processor.surfaces.api.documents import (
    AsOfDocument,
    NotComparableDocument,
    WhatIfDocument,
    WhatIfRowDocument,
)
from processor.surfaces.terminal.drawing import drawn
from processor.surfaces.terminal.paint import cells
from processor.surfaces.terminal.what_ifs import draw_what_if


def row(model, other, actual, would, provider="openai"):
    return WhatIfRowDocument(
        provider="openai", model=model, other_provider=provider, other_model=other, calls=12,
        actual_usd=f"{actual:.9f}", other_usd=f"{would:.9f}",
        difference_usd=f"{would - actual:.9f}",
    )  # fmt: skip


def document(*rows, **fields):
    actual, would = (
        sum(float(getattr(each, name)) for each in rows) for name in ("actual_usd", "other_usd")
    )
    given = {
        "data": list(rows), "calls": 12 * len(rows), "actual_usd": f"{actual:.9f}",
        "other_usd": f"{would:.9f}", "difference_usd": f"{would - actual:.9f}",
        "difference": (would - actual) / actual if actual else None, "not_comparable": [],
        "newly_priced_calls": 0, "newly_priced_usd": "0.000000000", "models": {},
        "price_version": "v", "method": "each call is priced again", "starting_at": None,
        "ending_at": None, "time_zone": "UTC", "partial": [],
        "as_of": AsOfDocument(read_at=None, last_call_at=None, version=""),
    }  # fmt: skip
    return WhatIfDocument(**{**given, **fields})


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_it_fits(width):
    found = document(
        row("gpt-4o-with-a-very-long-name-of-a-fine-tune", "gpt-4o-mini", 1200.5, 80),
        row("gpt-4o", "mistral-large", 2, 3, provider="mistral"),
        models={"gpt-4o": "gpt-4o-mini"}, newly_priced_calls=3, newly_priced_usd="0.100000000",
        partial=["calls are kept from 2026-11-01 on"],
        not_comparable=[
            NotComparableDocument(
                reason="no price", calls=2, actual_usd="0.000000000", unpriced_calls=2
            )
        ],
    )  # fmt: skip
    text = drawn(draw_what_if(found, width), width, is_coloured=False)
    assert max(map(cells, text.splitlines())) <= width
    for said in ("2 calls not compared: no price", "calls are kept from", "less"):
        assert said in " ".join(text.split())


def test_what_it_says_in_a_sentence():
    text = drawn(draw_what_if(document(row("a", "b", 10, 4)), 80), 80, is_coloured=False)
    assert "$10.00 for 12 calls would have been $4.00: $6.00 less (-60%)" in text


def test_why_nothing_was_compared_is_said():
    """Guarantees: a model that nobody has used is named, and nobody looks for another cause."""
    unknown = NotComparableDocument(
        reason="no price", calls=2, actual_usd="0.000000000", unpriced_calls=2
    )
    for found, said in (
        (document(), "there are no such calls"),
        (document(models={"gpt-4o": "gpt-4o-mini"}), "none of these calls used gpt-4o; llm-cost"),
        (document(not_comparable=[unknown]), "no call of this time can be compared"),
    ):
        assert said in drawn(draw_what_if(found, 80), 80, is_coloured=False)


def test_rows_and_what_has_none_add_up_to_the_calls_that_are_named():
    """Guarantees: calls that cost nothing, such as failed ones, are said where they have no row."""
    found = document(row("gpt-4o", "gpt-4o-mini", 2, 1), row("gpt-4o", "gpt-4o", 0, 0))
    text = drawn(draw_what_if(found, 80), 80, is_coloured=False)
    assert "for 24 calls would have been" in text
    assert "12 calls of these cost nothing either way, and have no row" in text
