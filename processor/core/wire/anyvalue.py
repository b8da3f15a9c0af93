"""OTLP's AnyValue and KeyValue as Python values, and the other way round.

Source: opentelemetry/proto/common/v1/common.proto.
"""

from __future__ import annotations

import math
from typing import assert_never

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from processor.core.model import Value

NESTING_MAX = 16
"""Levels of arrays and key-value lists that are read and written. A parser refuses messages more
than 100 deep, which is about 30 levels of key-value lists on a span."""

_SCALARS = frozenset({"string_value", "int_value", "double_value", "bool_value", "bytes_value"})
INT64_MIN = -(1 << 63)
INT64_MAX = (1 << 63) - 1


def read_value(value: AnyValue, depth: int = 0) -> Value:
    """Read an AnyValue; arrays are tuples, key-value lists dicts in which the first key wins."""
    kind = value.WhichOneof("value")
    if kind in _SCALARS:
        scalar: Value = getattr(value, kind)
        return scalar
    if depth == NESTING_MAX:
        return None
    if kind == "array_value":
        return tuple([read_value(item, depth + 1) for item in value.array_value.values])
    if kind == "kvlist_value":
        pairs: dict[str, Value] = {}
        for pair in value.kvlist_value.values:
            if pair.key not in pairs:
                pairs[pair.key] = read_value(pair.value, depth + 1)
        return pairs
    return None


def write_pair(target: KeyValue, key: str, value: Value, depth: int = 0) -> None:
    """Write a key and its value into an empty KeyValue."""
    target.key = valid_text(key)
    write_value(target.value, value, depth)


def write_value(target: AnyValue, value: Value, depth: int = 0) -> None:
    """Write into an empty AnyValue what `read_value` reads back; None leaves it empty."""
    if isinstance(value, str):
        target.string_value = valid_text(value)
    elif isinstance(value, bool):  # Before int, which it also is.
        target.bool_value = value
    elif isinstance(value, int):
        _write_int(target, value)
    elif isinstance(value, float):
        target.double_value = value
    elif isinstance(value, bytes):
        target.bytes_value = value
    elif value is None or depth == NESTING_MAX:
        target.SetInParent()
    else:
        _write_nested(target, value, depth)


def valid_text(text: str) -> str:
    """Replace unpaired surrogates, which UTF-8 does not have, by question marks."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def _write_int(target: AnyValue, value: int) -> None:
    """Write an integer; as the nearest double when it has more than 64 bits."""
    if INT64_MIN <= value <= INT64_MAX:
        target.int_value = value
        return
    try:
        target.double_value = float(value)
    except OverflowError:
        target.double_value = math.inf if value > 0 else -math.inf


def _write_nested(
    target: AnyValue, value: tuple[Value, ...] | dict[str, Value], depth: int
) -> None:
    if isinstance(value, tuple):
        target.array_value.SetInParent()
        for item in value:
            write_value(target.array_value.values.add(), item, depth + 1)
    elif isinstance(value, dict):
        target.kvlist_value.SetInParent()
        for key, item in value.items():
            write_pair(target.kvlist_value.values.add(), key, item, depth + 1)
    else:
        assert_never(value)
