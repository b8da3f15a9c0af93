"""What became of the payloads of one destination."""

import asyncio
from contextlib import nullcontext

import pytest

from processor.core.errors import BackendRefusedError, BackendUnavailableError, TooLargeError
from processor.io.exporter import Counters


def ends(counters):
    return (
        counters.delivered, counters.refused, counters.unavailable, counters.abandoned,
        counters.under_way,
    )  # fmt: skip


def carry(counters, error):
    """Follow one payload of ten bytes, which fails with the error if there is one."""
    expected = nullcontext() if error is None else pytest.raises(type(error))
    with expected, counters.follow(10):
        assert ends(counters)[-1] == 1
        fail(error)


def fail(error):
    if error is not None:
        raise error


@pytest.mark.parametrize(
    ("error", "expected", "reasons"),
    [
        (None, (1, 0, 0, 0, 0), {}),
        (BackendRefusedError(7, "no"), (0, 1, 0, 0, 0), {"permission_denied": 1}),
        (BackendRefusedError(99, "what"), (0, 1, 0, 0, 0), {"unknown": 1}),
        (TooLargeError("huge"), (0, 1, 0, 0, 0), {"too_large": 1}),
        (KeyError("x"), (0, 1, 0, 0, 0), {"bug": 1}),
        (BackendUnavailableError("away"), (0, 0, 1, 0, 0), {}),
        (asyncio.CancelledError(), (0, 0, 0, 1, 0), {}),
    ],
)
def test_a_payload_has_exactly_one_end(error, expected, reasons):
    """Guarantees: given = delivered + refused + unavailable + abandoned + under way."""
    counters = Counters()
    carry(counters, error)
    assert counters.given == 1
    assert ends(counters) == expected
    assert counters.refused_for == reasons
    assert counters.delivered_bytes == 10 * counters.delivered


def test_trouble_lasts_until_the_next_delivery():
    """Guarantees: what concerns every payload is remembered, what concerns one is not."""
    counters = Counters()
    carry(counters, BackendRefusedError(3, "this one is bad"))
    assert counters.last_failure is None
    carry(counters, BackendUnavailableError("away"))
    carry(counters, BackendRefusedError(16, "who are you?"))
    assert counters.last_failure.message == "who are you?"
    assert counters.last_failure.times == 2
    carry(counters, None)
    assert counters.last_failure is None
