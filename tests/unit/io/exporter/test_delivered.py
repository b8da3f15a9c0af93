"""The memory of who has what already: by content, bounded, and empty in good times."""

from __future__ import annotations

from typing import Any

import pytest

from processor.core.model import Receipt
from processor.io.exporter.delivered import Delivered

HERE: Any = object()
TAKEN = {HERE: Receipt(1, "too old")}


@pytest.mark.parametrize(
    "other",
    [("logs", b"payload", ()), ("traces", b"payloads", ()), ("traces", b"payload", (("a", "b"),))],
)
def test_only_the_same_request_is_recalled(other):
    """Guarantees: signal, bytes and metadata all count."""
    delivered = Delivered()
    delivered.keep("traces", b"payload", (), TAKEN)
    assert delivered.recall("traces", b"payload", ()) == TAKEN
    assert delivered.recall(*other) == {}


def test_what_has_arrived_everywhere_is_forgotten():
    delivered = Delivered()
    delivered.keep("traces", b"payload", (), TAKEN)
    delivered.keep("traces", b"payload", (), {})
    assert len(delivered) == 0
    assert delivered.recall("traces", b"payload", ()) == {}


def test_it_is_bounded():
    """Guarantees: senders that never come back do not fill the memory; the oldest go first."""
    delivered = Delivered(max_requests=2)
    for number in range(5):
        delivered.keep("traces", b"%d" % number, (), TAKEN)
    assert len(delivered) == 2
    assert [bool(delivered.recall("traces", b"%d" % number, ())) for number in (2, 3, 4)] == [
        False, True, True,
    ]  # fmt: skip
