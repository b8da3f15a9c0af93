"""OTLP messages as OTLP/JSON, one line each.

The protobuf JSON mapping with OTLP's exceptions (specification, "JSON Protobuf Encoding"): trace
and span ids are hexadecimal instead of base64, and enums are numbers instead of names. As in the
mapping, 64-bit integers are strings, other bytes are base64, names are lowerCamelCase, and fields
without presence are left out at their default.

For each message type a plan is made once from its descriptor, so that fields which a later
`opentelemetry-proto` adds are written without a change here.
"""

from __future__ import annotations

import binascii
import math
from collections.abc import Callable
from functools import lru_cache
from json.encoder import encode_basestring_ascii
from typing import Any, Final

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from opentelemetry.proto.common.v1.common_pb2 import KeyValue

from processor.core.errors import UndecodableError
from processor.core.model import Signal
from processor.core.otlp.json_scalars import ID_FIELDS
from processor.core.otlp.messages import read_message
from processor.core.otlp.signals import SIGNALS

_Write = Callable[[Any], str]

_KINDS_64: Final = frozenset(
    {
        FieldDescriptor.TYPE_INT64,
        FieldDescriptor.TYPE_UINT64,
        FieldDescriptor.TYPE_SINT64,
        FieldDescriptor.TYPE_FIXED64,
        FieldDescriptor.TYPE_SFIXED64,
    }
)
_HAS_INDEX: Final = "key_strindex" in KeyValue.DESCRIPTOR.fields_by_name
"""Older versions of the library do not know of string tables."""
_KEY_VALUE_FIELDS: Final = frozenset({"key", "value", "key_strindex"})
"""Those that `_key_value` knows; with any other the general way is taken."""
_KINDS_FLOAT: Final = frozenset({FieldDescriptor.TYPE_DOUBLE, FieldDescriptor.TYPE_FLOAT})


def encode_line(signal: Signal, payload: bytes) -> bytes:
    """A serialized Export…ServiceRequest as a line of ASCII JSON that ends with a newline.

    Only ASCII, because some readers also break lines at U+2028 and similar characters. JSON is
    Unicode: what is no UTF-8 becomes U+FFFD. Raises UndecodableError.
    """
    try:
        request = read_message(SIGNALS[signal].request, payload)
    except UndecodableError as error:
        raise UndecodableError(f"not an OTLP request for {signal}: {error}") from error
    return (to_json(request) + "\n").encode("ascii")


def to_json(message: Message) -> str:
    """A message as OTLP/JSON; unknown fields have no name and are left out."""
    return _writer(message.DESCRIPTOR)(message)


@lru_cache(maxsize=256)
def _writer(descriptor: Descriptor) -> _Write:
    """The function that writes messages of one type, field by field; made once for each."""
    plan: dict[int, tuple[str, _Write]] = {}

    def write(message: Message) -> str:
        parts = []
        for field, value in message.ListFields():
            name, write_value = plan[field.number]
            parts.append(name + write_value(value))
        return "{" + ",".join(parts) + "}"

    for field in descriptor.fields:
        plan[field.number] = (f'"{field.json_name}":', _field_writer(field))
    return write


def _key_value(attribute: KeyValue) -> str:
    """The usual attributes in one go, which makes the whole several times faster.

    A value that is not at its default can be read without asking which one is set, since at most
    one is. All that is rare is written in the general way.
    """
    key = attribute.key
    if key and not (_HAS_INDEX and attribute.key_strindex):
        value = attribute.value
        start = '{"key":' + encode_basestring_ascii(key) + ',"value":{'
        if text := value.string_value:
            return f'{start}"stringValue":{encode_basestring_ascii(text)}}}}}'
        if number := value.int_value:
            return f'{start}"intValue":"{number}"}}}}'
        if fraction := value.double_value:
            return f'{start}"doubleValue":{_number(fraction)}}}}}'
    return _writer(KeyValue.DESCRIPTOR)(attribute)


def _field_writer(field: FieldDescriptor) -> _Write:
    write = _value_writer(field)
    if field.is_repeated:
        return lambda values: "[" + ",".join(map(write, values)) + "]"
    return write


def _value_writer(field: FieldDescriptor) -> _Write:
    if field.message_type is not None:
        return _message_writer(field.message_type)
    kind = field.type
    if kind == FieldDescriptor.TYPE_STRING:
        return encode_basestring_ascii
    if kind == FieldDescriptor.TYPE_BYTES:
        return _hexadecimal if field.name in ID_FIELDS else _base64
    if kind == FieldDescriptor.TYPE_BOOL:
        return _boolean
    if kind in _KINDS_FLOAT:
        return _number
    return _quoted if kind in _KINDS_64 else str


def _message_writer(descriptor: Descriptor) -> _Write:
    """As `_writer`, which is only looked up on use: types such as AnyValue contain themselves."""
    known = _KEY_VALUE_FIELDS
    if descriptor is KeyValue.DESCRIPTOR and known.issuperset(descriptor.fields_by_name):
        return _key_value

    def write(message: Message) -> str:
        return _writer(descriptor)(message)

    return write


def _boolean(value: bool) -> str:  # noqa: FBT001 - the value of a field
    return "true" if value else "false"


def _quoted(value: int) -> str:
    return f'"{value}"'


def _number(value: float) -> str:
    if math.isfinite(value):
        return repr(value)
    if math.isnan(value):
        return '"NaN"'
    return '"Infinity"' if value > 0 else '"-Infinity"'


def _hexadecimal(value: bytes) -> str:
    return f'"{value.hex()}"'


def _base64(value: bytes) -> str:
    return '"' + binascii.b2a_base64(value, newline=False).decode("ascii") + '"'
