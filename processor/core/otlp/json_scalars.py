"""Single values of OTLP/JSON, read strictly and written as protobuf encodes them.

Sources: protobuf documentation, "ProtoJSON Format" and "Encoding"; OTLP specification, "JSON
Protobuf Encoding". Integers come as numbers or as decimal texts, doubles also as ``"NaN"``,
``"Infinity"`` and ``"-Infinity"``, enums as integers only, bytes as base64 and ids as hexadecimal.
"""

from __future__ import annotations

import binascii
import math
import re
import struct
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from google.protobuf.descriptor import FieldDescriptor

from processor.core.otlp.varint import UINT64, encode_varint

ID_FIELDS: Final = frozenset({"trace_id", "span_id", "parent_span_id"})
"""Fields of bytes that are written in hexadecimal instead of base64."""
_SHOWN_CHARS_MAX = 40
_WHOLE = re.compile(r"-?[0-9]{1,20}")
_FRACTION = re.compile(r"-?[0-9]{1,400}(\.[0-9]{1,400})?([eE][+-]?[0-9]{1,4})?")
_SPECIAL: Final = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}

VARINT, FIXED64, DELIMITED, FIXED32 = 0, 1, 2, 5
"""Wire types."""


class WrongJsonError(ValueError):
    """A value that is not allowed; `path` collects where it is, innermost step first."""

    def __init__(self, what: str, value: object = None) -> None:
        super().__init__(what if value is None else f"{what}, got {_shown(value)}")
        self.path: list[str] = []


class Scalar(NamedTuple):
    """How values of one kind of field are read and written."""

    wire_type: int
    encode: Callable[[Any], bytes]
    """From a JSON value to what follows the tag; texts and bytes without their length."""
    zero: bytes
    """The encoded default, which a field without presence leaves out."""


def scalar_of(field: FieldDescriptor) -> Scalar:
    """How values of a field that is no message are encoded. Raises KeyError for a group."""
    if field.type == FieldDescriptor.TYPE_BYTES:
        return _HEXADECIMAL if field.name in ID_FIELDS else _BASE64
    return _SCALARS[field.type]


def _text(value: object) -> bytes:
    if type(value) is bytes:  # JSON has none: it is a text that is not UTF-8.
        return value
    if type(value) is not str:
        raise WrongJsonError("must be text", value)
    try:
        return value.encode()
    except UnicodeEncodeError:
        # An unpaired surrogate, left where text was cut between the two: JavaScript does that to
        # long attributes. UTF-8 cannot hold one, so a replacement character replaces it.
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()


def _hexadecimal(value: object) -> bytes:
    if type(value) is str:
        try:
            return binascii.unhexlify(value)
        except ValueError:
            pass
    raise WrongJsonError("must be an even number of hexadecimal digits", value)


def _base64(value: object) -> bytes:
    """Base64 of either alphabet, padded or not."""
    if type(value) is str:
        plain = value.translate(_URL_SAFE).rstrip("=")
        try:
            return binascii.a2b_base64(plain + "=" * (-len(plain) % 4), strict_mode=True)
        except ValueError:
            pass
    raise WrongJsonError("must be base64", value)


_URL_SAFE = str.maketrans("-_", "+/")


def _is_whole(value: object) -> bool:
    """Whether text or a float is an integer, as ``"12"`` and ``1.2e1`` do."""
    if type(value) is str:
        return _WHOLE.fullmatch(value) is not None
    return type(value) is float and value.is_integer()


def _integer(least: int, most: int) -> Callable[[object], int]:
    """A reader of integers from `least` to `most`."""

    def read(value: object) -> int:
        if type(value) is int:
            number = value
        elif _is_whole(value):
            number = int(value)  # type: ignore[call-overload]  # text or float, as just seen
        else:
            raise WrongJsonError("must be an integer", value)
        if not least <= number <= most:
            raise WrongJsonError(f"must be {least} to {most}", value)
        return number

    return read


def _enum(value: object) -> int:
    if type(value) is not int:
        raise WrongJsonError("must be an integer, as OTLP has no names of enum values", value)
    return _INT32(value)


def _boolean(value: object) -> int:
    if type(value) is not bool:
        raise WrongJsonError("must be true or false", value)
    return value


def _double(value: object) -> float:
    if type(value) is str and value in _SPECIAL:
        return _SPECIAL[value]
    is_number = type(value) in {float, int} or (type(value) is str and _FRACTION.fullmatch(value))
    if not is_number:
        raise WrongJsonError("must be a number", value)
    try:
        number = float(value)  # type: ignore[arg-type]  # checked above, in a way mypy cannot see
    except OverflowError:
        number = math.inf
    if math.isinf(number):
        raise WrongJsonError('is too large for a double; infinity is written "Infinity"', value)
    return number


def _float(value: object) -> float:
    number = _double(value)
    try:
        struct.pack("<f", number)
    except OverflowError:
        raise WrongJsonError("is too large for a float", value) from None
    return number


def _zigzag(read: Callable[[object], int]) -> Callable[[Any], bytes]:
    """An encoder that keeps numbers short whatever their sign."""

    def encode(value: object) -> bytes:
        number = read(value)
        return encode_varint(number << 1 if number >= 0 else (-number << 1) - 1)

    return encode


def _varint_of(read: Callable[[object], int]) -> Callable[[Any], bytes]:
    """An encoder that extends the sign of negative numbers to 64 bits."""

    def encode(value: object) -> bytes:
        return encode_varint(read(value) & UINT64)

    return encode


def _packed(read: Callable[[object], float], layout: str) -> Callable[[Any], bytes]:
    pack = struct.Struct(layout).pack

    def encode(value: object) -> bytes:
        return pack(read(value))

    return encode


def _shown(value: object) -> str:
    """A value as messages show it: short, whatever was sent."""
    match value:
        case str():
            cut = value if len(value) <= _SHOWN_CHARS_MAX else value[:_SHOWN_CHARS_MAX] + "…"
            return ascii(cut) if not cut.isprintable() else repr(cut)
        case bool() | float():
            return str(value).lower()
        case int():
            return str(value) if abs(value) < 1 << 70 else "a number of many digits"
        case list():
            return "a list"
        case _:
            return "an object"


_INT32 = _integer(-(1 << 31), (1 << 31) - 1)
_INT64 = _integer(-(1 << 63), (1 << 63) - 1)
_UINT32 = _integer(0, (1 << 32) - 1)
_UINT64 = _integer(0, UINT64)
_ZERO_1, _ZERO_4, _ZERO_8 = bytes(1), bytes(4), bytes(8)

_HEXADECIMAL = Scalar(DELIMITED, _hexadecimal, b"")
_BASE64 = Scalar(DELIMITED, _base64, b"")
_SCALARS: Final[dict[int, Scalar]] = {
    FieldDescriptor.TYPE_STRING: Scalar(DELIMITED, _text, b""),
    FieldDescriptor.TYPE_BOOL: Scalar(VARINT, _varint_of(_boolean), _ZERO_1),
    FieldDescriptor.TYPE_ENUM: Scalar(VARINT, _varint_of(_enum), _ZERO_1),
    FieldDescriptor.TYPE_INT32: Scalar(VARINT, _varint_of(_INT32), _ZERO_1),
    FieldDescriptor.TYPE_INT64: Scalar(VARINT, _varint_of(_INT64), _ZERO_1),
    FieldDescriptor.TYPE_UINT32: Scalar(VARINT, _varint_of(_UINT32), _ZERO_1),
    FieldDescriptor.TYPE_UINT64: Scalar(VARINT, _varint_of(_UINT64), _ZERO_1),
    FieldDescriptor.TYPE_SINT32: Scalar(VARINT, _zigzag(_INT32), _ZERO_1),
    FieldDescriptor.TYPE_SINT64: Scalar(VARINT, _zigzag(_INT64), _ZERO_1),
    FieldDescriptor.TYPE_FIXED32: Scalar(FIXED32, _packed(_UINT32, "<I"), _ZERO_4),
    FieldDescriptor.TYPE_SFIXED32: Scalar(FIXED32, _packed(_INT32, "<i"), _ZERO_4),
    FieldDescriptor.TYPE_FLOAT: Scalar(FIXED32, _packed(_float, "<f"), _ZERO_4),
    FieldDescriptor.TYPE_FIXED64: Scalar(FIXED64, _packed(_UINT64, "<Q"), _ZERO_8),
    FieldDescriptor.TYPE_SFIXED64: Scalar(FIXED64, _packed(_INT64, "<q"), _ZERO_8),
    FieldDescriptor.TYPE_DOUBLE: Scalar(FIXED64, _packed(_double, "<d"), _ZERO_8),
}
