"""What an edit appends to a span, as bytes: attributes, then events.

Texts, whole numbers, doubles and flags are put together by hand, in a third of the time that a
message takes: what stands before a value depends on the key and the value's size only, and of
those there are few. Everything else is encoded as a message, and so could these be: the bytes are
the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from struct import Struct
from typing import Any

from opentelemetry.proto.trace.v1.trace_pb2 import Span

from processor.core.model import Edit, Value
from processor.core.otlp.varint import UINT64, encode_varint
from processor.core.wire.anyvalue import INT64_MAX, INT64_MIN, valid_text, write_pair
from processor.core.wire.envelope import ATTRIBUTES, open_record

_TEXT_MAX = 64
"""Characters of a text beyond which it is encoded anew each time."""
_REMEMBERED_MAX = 4096
"""Texts with their keys that are remembered, and as many openings of other values."""

# Field numbers and tags of KeyValue and AnyValue, from common.proto.
_KEY, _VALUE, _STRING = 1, 2, 1
_BOOL_TAG, _INT_TAG, _DOUBLE_TAG = b"\x10", b"\x18", b"\x21"
_pack_double = Struct("<d").pack


def encode_addition(edit: Edit) -> bytes:
    """Encode what is appended to a span: a span that has nothing else."""
    encoded = [
        _ENCODERS.get(type(value), _encode_as_message)(key, value)
        for key, value in edit.attributes.items()
    ]
    if edit.events:
        encoded.append(encode_message(Edit({}, edit.events)))
    return b"".join(encoded)


def encode_message(edit: Edit) -> bytes:
    """Encode an edit by way of a message: what `encode_addition` gives, whatever is in it."""
    span = Span()
    for key, value in edit.attributes.items():
        write_pair(span.attributes.add(), key, value)
    for time_ns, name, attributes in edit.events:
        event = span.events.add(time_unix_nano=time_ns, name=valid_text(name))
        for key, value in attributes.items():
            write_pair(event.attributes.add(), key, value)
    return span.SerializeToString()


def _encode_as_message(key: str, value: Value) -> bytes:
    return encode_message(Edit({key: value}))


def _encode_text(key: str, value: str) -> bytes:
    if len(value) <= _TEXT_MAX:
        return _recall_text(key, value)
    return _enclose_text(key, value)


def _enclose_text(key: str, value: str) -> bytes:
    text = value.encode("utf-8", "replace")
    return _open_scalar(key, open_record(_STRING, len(text)), len(text)) + text


_recall_text = lru_cache(_REMEMBERED_MAX)(_enclose_text)


def _encode_int(key: str, value: int) -> bytes:
    if 0 <= value <= INT64_MAX:
        varint = encode_varint(value)
    elif INT64_MIN <= value < 0:  # Written as if it had no sign, in ten bytes.
        varint = encode_varint(value & UINT64)
    else:
        return _encode_as_message(key, value)
    return _open_scalar(key, _INT_TAG, len(varint)) + varint


def _encode_double(key: str, value: float) -> bytes:
    return _open_double(key) + _pack_double(value)


def _encode_bool(key: str, value: bool) -> bytes:  # noqa: FBT001 - the value, not a switch.
    return _open_scalar(key, _BOOL_TAG, 1) + bytes((value,))


_ENCODERS: Mapping[type, Callable[[str, Any], bytes]] = {
    str: _encode_text,
    int: _encode_int,
    float: _encode_double,
    bool: _encode_bool,
}


@lru_cache(_REMEMBERED_MAX)
def _open_double(key: str) -> bytes:
    return _open_scalar(key, _DOUBLE_TAG, 8)


@lru_cache(_REMEMBERED_MAX)
def _open_scalar(key: str, tag: bytes, size: int) -> bytes:
    """Encode all that stands before a value of so many bytes: of the attribute, key and tag."""
    name = key.encode("utf-8", "replace")
    # A field that has its default, as an empty key has, is left out.
    named = open_record(_KEY, len(name)) + name if name else b""
    before = named + open_record(_VALUE, len(tag) + size) + tag
    return open_record(ATTRIBUTES, len(before) + size) + before
