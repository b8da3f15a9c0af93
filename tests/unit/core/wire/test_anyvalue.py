import math

import pytest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from processor.core.wire.anyvalue import NESTING_MAX, read_value, write_pair, write_value

SAMPLES = [
    None, "", "text", "über", True, False, 0, -1, (1 << 63) - 1, -(1 << 63), 0.0, -2.5, math.inf,
    b"", b"\x00\xff", (), ("a", 1, None, (True,)), {}, {"a": 1, "b": {"c": (1.5, b"x")}},
]  # fmt: skip


def written(value) -> AnyValue:
    message = AnyValue()
    write_value(message, value)
    return AnyValue.FromString(message.SerializeToString())


@pytest.mark.parametrize("value", SAMPLES)
def test_what_is_written_is_read_back(value):
    # With its type: True does not come back as 1, nor 0.0 as 0.
    assert repr(read_value(written(value))) == repr(value)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (True, "bool_value"), (1, "int_value"), (1.0, "double_value"), ("", "string_value"),
        (b"", "bytes_value"), ((), "array_value"), ({}, "kvlist_value"), (None, None),
    ],
)  # fmt: skip
def test_each_type_has_its_field(value, kind):
    # Even where the value is the field's default, which has to be present all the same.
    assert written(value).WhichOneof("value") == kind


@pytest.mark.parametrize(
    ("value", "double"),
    [
        (1 << 63, 2.0**63),
        (-(1 << 63) - 1, -(2.0**63)),
        (10**400, math.inf),
        (-(10**400), -math.inf),
    ],
)
def test_an_integer_beyond_64_bits_becomes_a_double(value, double):
    assert read_value(written(value)) == double


def test_unpaired_surrogates_become_question_marks():
    # In keys and in values; a payload with them would be refused downstream.
    pair = KeyValue()
    write_pair(pair, "a\ud800", {"b\udfff": "c\ud800ü"})
    again = KeyValue.FromString(pair.SerializeToString())
    assert (again.key, read_value(again.value)) == ("a?", {"b?": "c?ü"})


def test_the_first_of_a_repeated_key_wins():
    message = AnyValue()
    for number in (1, 2):
        message.kvlist_value.values.add(key="k").value.int_value = number
    assert read_value(message) == {"k": 1}


def test_a_reference_into_a_string_table_is_null():
    # The profiles signal has such tables, a trace has none.
    field = b"\x40\x05"  # string_value_strindex, unknown to older versions of the library
    assert read_value(AnyValue.FromString(field)) is None


@pytest.mark.parametrize("wrap", [lambda inner: (inner,), lambda inner: {"k": inner}])
def test_nesting_is_bounded_both_ways(wrap):
    # An array or list inside NESTING_MAX others is null; a plain value there is still read.
    plain = "deep"
    for _ in range(NESTING_MAX):
        plain = wrap(plain)
    assert read_value(written(plain)) == plain
    nested, expected = wrap(None), None
    for _ in range(NESTING_MAX):
        nested, expected = wrap(nested), wrap(expected)
    assert read_value(written(nested)) == expected


def test_a_value_of_another_type_is_a_mistake_of_the_caller():
    with pytest.raises(AssertionError):
        written([1])
