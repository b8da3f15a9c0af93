import enum

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from processor.core.model import Edit, Event
from processor.core.wire.addition import encode_addition, encode_message


class Flag(enum.IntEnum):
    UP = 3


@pytest.mark.parametrize(
    "key", ["k", "", "llm.cost_usd", "k" * 117, "k" * 300, "\xe9t\xe9", "\ud800"]
)
@pytest.mark.parametrize(
    "value",
    [
        "", "text", "x" * 64, "x" * 65, "x" * 300, "x" * 20_000, "\xe9" * 64, "a\udfffb",
        0, 1, 127, 128, 300, 1 << 14, 1 << 40, (1 << 63) - 1, 1 << 63, 10**400, -1, -(1 << 63),
        -(1 << 63) - 1, 0.0, -0.0, 1.5, float("nan"), float("-inf"), True, False, None, b"", b"raw",
        (), (1, "x", (None,)), {}, {"a": {"b": 1.5}}, Flag.UP,
    ],
    ids=lambda value: repr(value)[:20],
)  # fmt: skip
def test_an_attribute_put_together_by_hand_is_what_a_message_gives(key, value):
    # Byte for byte, the first time and when it is remembered.
    edit = Edit({key: value})
    assert [encode_addition(edit), encode_addition(edit)] == [encode_message(edit)] * 2


def test_equal_values_of_different_types_are_not_confused():
    # 1, 1.0 and True are one key of a dict, and so might be what is remembered of them.
    for value in (1, True, 1.0, True, 1):
        assert encode_addition(Edit({"k": value})) == encode_message(Edit({"k": value}))


def test_events_come_after_the_attributes():
    edit = Edit({"a": 1, "b": ("x",)}, [Event(7, "one", {"x": 1.5}), Event(0, "", {})])
    assert encode_addition(edit) == encode_message(edit)
    span = Span.FromString(encode_addition(edit))
    assert [pair.key for pair in span.attributes] == ["a", "b"]
    assert [event.name for event in span.events] == ["one", ""]


def test_an_edit_that_says_nothing_adds_nothing():
    assert encode_addition(Edit({})) == b""
