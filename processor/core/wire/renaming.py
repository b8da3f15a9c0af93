"""Replacing single values in the attributes of a request, among bytes left as they are."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, Final, cast

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from processor.core.errors import TooLargeError, UndecodableError
from processor.core.model import Signal
from processor.core.otlp.messages import read_message
from processor.core.otlp.signals import SIGNALS
from processor.core.wire.envelope import find_records, open_record

Renamed = Callable[[tuple[str, ...], str | int], str | None]
"""What stands in the place of a value from now on; None where it stays. Given with the key of its
attribute and, within key-value lists, those below it."""


def _descriptor(message: type[Message]) -> Descriptor:
    found: Any = message.DESCRIPTOR  # Of the library's own implementation, which has no types.
    return cast("Descriptor", found)


_PAIR: Final = _descriptor(KeyValue)
_VALUE: Final = _descriptor(AnyValue)
_KEY: Final = 1
"""Field number in KeyValue."""
_TEXT: Final = 1
"""Field number of a text in AnyValue."""
_NUMBER: Final = "int_value"
_LEVELS_MAX: Final = 64
"""Messages within messages that are looked into; protobuf's parsers stop at a hundred."""


def rename_values(signal: Signal, payload: bytes, renamed: Renamed, having: bytes = b"") -> bytes:
    """A request in which attributes have other values: texts, or whole numbers made texts.

    Looked at are attributes of resources, scopes, spans, events, links, data points and log
    records, and bodies of log records. Values of which no byte is in a part without `having` stay.
    Where nothing changes the result is the very object that was given. What is no request of
    the signal stays as it is.
    """
    if having not in payload:
        return payload
    try:
        walk = _Walk(payload, renamed, having)
        found = walk.message(0, len(payload), _descriptor(SIGNALS[signal].request), ())
    except (TooLargeError, UndecodableError):
        return payload
    return payload if found is None else found


class _Walk:
    """A walk through one payload, into what may hold an attribute."""

    def __init__(self, payload: bytes, renamed: Renamed, having: bytes) -> None:
        self._payload = payload
        self._renamed = renamed
        self._having = having

    def message(
        self, start: int, end: int, kind: Descriptor, keys: tuple[str, ...], level: int = 0
    ) -> bytes | None:
        """A message as it is to be; None where it stays."""
        payload = self._payload
        if payload.find(self._having, start, end) < 0 or level == _LEVELS_MAX:
            return None
        if kind is _PAIR:
            keys = (*keys, self._key(start, end))
        elif kind is _VALUE and (text := self._number(start, end, keys)) is not None:
            return text
        pieces: list[bytes] = []
        position = start
        for (head, first, last), number, inner in self._parts(start, end, kind):
            if inner is None:
                changed = self._text(first, last, keys)
            else:
                changed = self.message(first, last, inner, keys, level + 1)
            if changed is not None:
                pieces += payload[position:head], open_record(number, len(changed)), changed
                position = last
        return b"".join((*pieces, payload[position:end])) if pieces else None

    def _parts(
        self, start: int, end: int, kind: Descriptor
    ) -> list[tuple[tuple[int, int, int], int, Descriptor | None]]:
        """The messages to look into, in the order of the payload; None is a text."""
        found = [
            (record, number, inner)
            for number, inner in _fields(kind)
            for record in find_records(self._payload, start, end, number)
        ]
        return sorted(found, key=lambda part: part[0])

    def _key(self, start: int, end: int) -> str:
        records = find_records(self._payload, start, end, _KEY)
        # Of a field that is there several times the last one counts.
        key = self._payload[slice(*records[-1][1:])] if records else b""
        return key.decode("utf-8", "replace")

    def _text(self, start: int, end: int, keys: tuple[str, ...]) -> bytes | None:
        text = self._payload[start:end].decode("utf-8", "replace")
        changed = self._renamed(keys, text)
        return None if changed is None else changed.encode()

    def _number(self, start: int, end: int, keys: tuple[str, ...]) -> bytes | None:
        """A value that is a number, as the text that it is to be."""
        if end - start > _NUMBER_BYTES_MAX:
            return None
        value = read_message(AnyValue, self._payload[start:end])
        if value.WhichOneof("value") != _NUMBER:
            return None
        changed = self._renamed(keys, value.int_value)
        return None if changed is None else AnyValue(string_value=changed).SerializeToString()


_NUMBER_BYTES_MAX: Final = 11
"""A tag and a varint."""


@cache
def _fields(kind: Descriptor) -> tuple[tuple[int, Descriptor | None], ...]:
    """Fields of a message in which there may be an attribute; None for the text of a value."""
    if kind is _VALUE:
        texts: tuple[tuple[int, Descriptor | None], ...] = ((_TEXT, None),)
    else:
        texts = ()
    below = tuple((field.number, inner) for field, inner in _below(kind) if _has_pairs(inner, ()))
    return (*texts, *below)


def _has_pairs(kind: Descriptor, above: tuple[Descriptor, ...]) -> bool:
    """Whether attributes are in a message, or a value, which is where they are written."""
    if kind is _PAIR or kind is _VALUE:
        return True
    return any(_has_pairs(inner, (*above, kind)) for _, inner in _below(kind) if inner not in above)


def _below(kind: Descriptor) -> list[tuple[FieldDescriptor, Descriptor]]:
    # Descriptors of one process are the same objects, whoever asks.
    return [(field, field.message_type) for field in kind.fields if field.message_type is not None]
