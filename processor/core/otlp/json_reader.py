"""OTLP/JSON requests as the protobuf bytes that say the same.

The protobuf JSON mapping with OTLP's exceptions (specification, "JSON Protobuf Encoding"): trace
and span ids are hexadecimal in either case, enums are integers, field names are lowerCamelCase and
nothing else, and unknown names are ignored. Of a key that occurs twice in an object the last value
counts. Protobuf's own parser reads ids as base64 and takes names of enum values, so
this is a reader of its own: for each message type a plan is made once from its descriptor, and
bytes are written straight from the JSON values, without a message in between.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final, NoReturn

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from processor.core.errors import TooLargeError, UndecodableError
from processor.core.model import Signal
from processor.core.otlp.json_scalars import DELIMITED, WrongJsonError, scalar_of
from processor.core.otlp.signals import SIGNALS
from processor.core.otlp.varint import encode_varint

_Encode = Callable[[Any, int], bytes]
"""From a JSON value, and how many messages it lies in, to bytes."""

_ENCODERS: Final[dict[Descriptor, _Encode]] = {}
"""One for each type of message that a request can contain."""
_NESTING_MAX = 100
"""Messages within messages, which is where protobuf's own parsers stop."""
_BYTES_PER_CONTAINER = 16
_BYTES_PER_ITEM = 8
"""In Python an object or list takes some 200 bytes and an item some 50, however short it was sent.
The densest telemetry has one for each 20 and 10 bytes."""


def read_json(signal: Signal, body: bytes, max_bytes: int) -> bytes:
    """A serialized Export…ServiceRequest from its JSON.

    Raises UndecodableError that names the place, and TooLargeError for a body with more objects or
    values than telemetry of `max_bytes` has.
    """
    containers = body.count(b"{") + body.count(b"[")
    if containers > max_bytes // _BYTES_PER_CONTAINER or (
        body.count(b",") > max_bytes // _BYTES_PER_ITEM
    ):
        raise TooLargeError("the JSON has too many objects, lists or values")
    try:
        return _REQUESTS[signal](_parse(body), 0)
    except WrongJsonError as error:
        place = "".join(reversed(error.path)).lstrip(".") or "the request"
        raise UndecodableError(f"{place}: {error}") from error
    except RecursionError as error:
        raise UndecodableError("the JSON is nested too deeply") from error
    except ValueError as error:  # not JSON, or a number of thousands of digits
        raise UndecodableError(f"the body is not JSON: {error}") from error


def _parse(body: bytes) -> Any:  # noqa: ANN401 - JSON holds anything
    """Parse JSON; of a body that is not UTF-8, the texts that are not are bytes, as they came."""
    try:
        return json.loads(body.decode("utf-8-sig"), parse_constant=_refuse_constant)
    except UnicodeDecodeError:
        text = body.decode("utf-8-sig", "surrogateescape")
        return _restore(json.loads(text, parse_constant=_refuse_constant))


def _restore(value: Any) -> Any:  # noqa: ANN401 - JSON holds anything
    """Parsed JSON with bytes for each text in which bytes were replaced by surrogates."""
    match value:
        case str():
            return _restore_text(value)
        case list():
            return [_restore(item) for item in value]
        case dict():
            return {name: _restore(item) for name, item in value.items()}
    return value


def _restore_text(text: str) -> str | bytes:
    try:
        text.encode()
    except UnicodeEncodeError:
        try:
            return text.encode("utf-8", "surrogateescape")
        except UnicodeEncodeError:  # Half a pair is in it as well, which no bytes stand for.
            return text
    return text


def _refuse_constant(name: str) -> NoReturn:
    raise WrongJsonError(f'{name} is not JSON; a double that is none is written "{name}"')


def _message(descriptor: Descriptor) -> _Encode:
    """The function that encodes messages of one type, without tag and length; made once."""
    if descriptor in _ENCODERS:
        return _ENCODERS[descriptor]
    plan: dict[str, _Encode] = {}
    only_one = tuple(
        frozenset(field.json_name for field in oneof.fields)
        for oneof in descriptor.oneofs
        if len(oneof.fields) > 1
    )

    def encode(value: Any, depth: int) -> bytes:  # noqa: ANN401 - JSON holds anything
        if type(value) is not dict:
            raise WrongJsonError("must be an object", value)
        if depth > _NESTING_MAX:
            raise WrongJsonError("is nested too deeply")
        parts = []
        for name, item in value.items():
            encode_field = plan.get(name)
            if encode_field is None or item is None:
                continue
            try:
                parts.append(encode_field(item, depth))
            except WrongJsonError as error:
                error.path.append(f".{name}")
                raise
        if only_one and len(parts) > 1:
            _check_oneofs(value, only_one)
        return b"".join(parts)

    # Kept before its plan is complete, because types such as AnyValue contain themselves.
    _ENCODERS[descriptor] = encode
    plan.update((field.json_name, _field(field)) for field in descriptor.fields)
    return encode


def _check_oneofs(value: dict[str, Any], only_one: tuple[frozenset[str], ...]) -> None:
    for names in only_one:
        given = [name for name in value if name in names and value[name] is not None]
        if len(given) > 1:
            raise WrongJsonError(f"has both {given[0]} and {given[1]}")


def _field(field: FieldDescriptor) -> _Encode:
    """The function that encodes the value of a field, with its tag."""
    if field.message_type is not None:
        tag = encode_varint(field.number << 3 | DELIMITED)
        encode_message = _message(field.message_type)
        write = _messages if field.is_repeated else _one_message
        return write(tag, encode_message)
    return _scalars(field) if field.is_repeated else _one_scalar(field)


def _one_message(tag: bytes, encode_message: _Encode) -> _Encode:

    def encode(value: Any, depth: int) -> bytes:  # noqa: ANN401 - JSON holds anything
        content = encode_message(value, depth + 1)
        return tag + encode_varint(len(content)) + content

    return encode


def _messages(tag: bytes, encode_message: _Encode) -> _Encode:
    def encode(values: Any, depth: int) -> bytes:  # noqa: ANN401 - JSON holds anything
        if type(values) is not list:
            raise WrongJsonError("must be a list", values)
        depth += 1
        parts: list[bytes] = []
        try:
            for value in values:
                content = encode_message(value, depth)
                parts += (tag, encode_varint(len(content)), content)
        except WrongJsonError as error:
            error.path.append(f"[{len(parts) // 3}]")
            raise
        return b"".join(parts)

    return encode


def _one_scalar(field: FieldDescriptor) -> _Encode:
    wire_type, encode_value, zero = scalar_of(field)
    tag = encode_varint(field.number << 3 | wire_type)
    has_presence = field.has_presence
    is_delimited = wire_type == DELIMITED

    def encode(value: Any, _depth: int) -> bytes:  # noqa: ANN401 - JSON holds anything
        content = encode_value(value)
        if content == zero and not has_presence:
            return b""
        return tag + encode_varint(len(content)) + content if is_delimited else tag + content

    return encode


def _scalars(field: FieldDescriptor) -> _Encode:
    """Numbers are packed behind one tag; texts and bytes have one each."""
    wire_type, encode_value, _ = scalar_of(field)
    tag = encode_varint(field.number << 3 | DELIMITED)
    is_delimited = wire_type == DELIMITED

    def encode(values: Any, _depth: int) -> bytes:  # noqa: ANN401 - JSON holds anything
        if type(values) is not list:
            raise WrongJsonError("must be a list", values)
        parts: list[bytes] = []
        try:
            for value in values:
                parts.append(encode_value(value))  # noqa: PERF401 - the index is for the error
        except WrongJsonError as error:
            error.path.append(f"[{len(parts)}]")
            raise
        if is_delimited:
            return b"".join([tag + encode_varint(len(part)) + part for part in parts])
        content = b"".join(parts)
        return tag + encode_varint(len(content)) + content if content else b""

    return encode


_REQUESTS: Final[dict[Signal, _Encode]] = {
    signal: _message(spec.request.DESCRIPTOR)  # type: ignore[arg-type]  # either kind will do
    for signal, spec in SIGNALS.items()
}
"""Made while the module loads, so that no thread ever finds an unfinished plan."""
