"""Ids of parents that can be ids, and those that cannot."""

import pytest

from processor.core.model import Spans
from processor.core.semconv.ids import valid_parents

SPANS = [b"s" * 8, b"r" * 8]


@pytest.mark.parametrize("parent", [bytes(8), b"p", b"p" * 7, b"p" * 9, b"p" * 16, b"s" * 8])
def test_a_parent_id_that_cannot_be_one_is_none(parent: bytes) -> None:
    """Guarantees: zeros, another size, or the span's own: a root; its neighbours are not."""
    spans = Spans(b"", span_ids=SPANS, parent_ids=[parent, b"s" * 8])
    assert valid_parents(spans) == [b"", b"s" * 8]


def test_the_parents_of_ordinary_spans_stay() -> None:
    """Guarantees: roots and children are told apart, at no cost."""
    spans = Spans(b"", span_ids=SPANS, parent_ids=[b"", b"s" * 8])
    assert valid_parents(spans) is spans.parent_ids
