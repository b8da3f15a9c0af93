"""Messages read from bytes, also where a text in them is not UTF-8.

Protobuf's parsers refuse a whole message for one such text, which senders make when they cut a
text at a byte or write another encoding. Only what is *read* is changed here: whoever passes
bytes on passes those that came.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple, NoReturn, TypeVar

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass

from processor.core.errors import TooLargeError, UndecodableError
from processor.core.otlp.varint import encode_varint, read_varint

STEPS_MAX: Final = 2_000_000
"""How much of one payload is looked at again, in messages that a parser refuses: a step is a field,
or a KiB that is parsed once more. It takes two seconds at most."""
NESTING_MAX: Final = 100
"""Messages within messages, which is where protobuf's own parsers stop."""

_VARINT, _FIXED64, _DELIMITED, _GROUP_START, _GROUP_END, _FIXED32 = range(6)
_FIXED_BYTES: Final = {_FIXED64: 8, _FIXED32: 4}

_Read = TypeVar("_Read", bound=Message)


def read_message(kind: type[_Read], encoded: bytes) -> _Read:
    """Read a message; what is wrong in texts that are not UTF-8 reads as U+FFFD.

    Raises UndecodableError, which names the place, where tags and lengths do not add up, and
    TooLargeError where finding such texts takes more than `STEPS_MAX`.
    """
    try:
        return kind.FromString(encoded)
    except DecodeError:
        return _Walk(encoded).read(kind)


class _Record(NamedTuple):
    """A field whose value has a length: where its tag, its length and its value begin and end."""

    number: int
    head: int
    length_at: int
    start: int
    end: int


class _Walk:
    """A walk through one payload, into those of its messages that a parser refuses."""

    def __init__(self, payload: bytes) -> None:
        self._payload = payload
        self._left = STEPS_MAX
        self._path: list[str] = []

    def read(self, kind: type[_Read]) -> _Read:
        """Read the payload as a message of this kind."""
        descriptor: Any = kind.DESCRIPTOR  # It has one of two classes, which are alike.
        rewritten = self._rewrite(descriptor, 0, len(self._payload))
        return self._parse(kind, rewritten, 0)

    def _parse(self, kind: type[_Read], encoded: bytes, start: int) -> _Read:
        try:
            return kind.FromString(encoded)
        except DecodeError as error:
            self._refuse(f"a {kind.DESCRIPTOR.name} cannot be read", start, error)

    def _rewrite(self, kind: Descriptor, start: int, end: int) -> bytes:
        """The message from `start` to `end`, with texts that are UTF-8."""
        if len(self._path) > NESTING_MAX:
            self._refuse("messages are nested too deeply", start)
        pieces: list[bytes] = []
        counts: dict[int, int] = {}
        copied = start
        for record in self._records(start, end):
            field = kind.fields_by_number.get(record.number)
            if field is None:
                continue
            index = counts[record.number] = counts.get(record.number, -1) + 1
            self._path.append(f"{field.name}[{index}]" if field.is_repeated else field.name)
            value = self._rewrite_value(field, record)
            self._path.pop()
            if value is not None:
                pieces += self._payload[copied : record.length_at], encode_varint(len(value)), value
                copied = record.end
        pieces.append(self._payload[copied:end])
        return b"".join(pieces)

    def _rewrite_value(self, field: FieldDescriptor, record: _Record) -> bytes | None:
        """The value as a parser takes it; None where that is what it is."""
        value = self._payload[record.start : record.end]
        if field.type == FieldDescriptor.TYPE_STRING:
            try:
                value.decode()
            except UnicodeDecodeError:
                return value.decode(errors="replace").encode()
        elif field.message_type is not None:
            kind = GetMessageClass(field.message_type)
            self._step(len(value) >> 10)
            try:
                kind.FromString(value)
            except DecodeError:
                rewritten = self._rewrite(field.message_type, record.start, record.end)
                self._parse(kind, rewritten, record.head)
                return rewritten
        return None

    def _records(self, start: int, end: int) -> Iterator[_Record]:
        """The fields with a length of the message from `start` to `end`; others are skipped.

        Groups, long out of use, are skipped with what is in them.
        """
        head = position = start
        groups = 0
        while position < end:
            self._step(1)
            head = position
            tag, position = self._varint(head, head)
            number, wire_type = tag >> 3, tag & 7
            if not number:
                self._refuse("a field has the number 0", head)
            if wire_type == _DELIMITED:
                record = self._delimited(number, head, position)
                position = record.end
                if position > end:
                    self._refuse(f"field {number} reaches past its message", head)
                if not groups:
                    yield record
            elif wire_type in {_GROUP_START, _GROUP_END}:
                groups += 1 if wire_type == _GROUP_START else -1
            else:
                position = self._skip(wire_type, head, position)
            if groups < 0:
                self._refuse("a group ends that did not begin", head)
        if position != end or groups:
            self._refuse("the last field reaches past its message", head)

    def _step(self, steps: int) -> None:
        self._left -= steps
        if self._left < 0:
            raise TooLargeError("too many texts are not UTF-8, or too much is around them")

    def _delimited(self, number: int, head: int, length_at: int) -> _Record:
        size, start = self._varint(head, length_at)
        return _Record(number, head, length_at, start, start + size)

    def _skip(self, wire_type: int, head: int, position: int) -> int:
        """The position after a number."""
        if wire_type == _VARINT:
            return self._varint(head, position)[1]
        if wire_type not in _FIXED_BYTES:
            self._refuse(f"a field has the wire type {wire_type}", head)
        return position + _FIXED_BYTES[wire_type]

    def _varint(self, head: int, position: int) -> tuple[int, int]:
        try:
            return read_varint(self._payload, position)
        except (IndexError, UndecodableError) as error:
            self._refuse("a tag, length or number does not end", head, error)

    def _refuse(self, what: str, offset: int, error: Exception | None = None) -> NoReturn:
        place = ".".join(self._path) or "the request"
        raise UndecodableError(f"{place}, byte {offset}: {what}") from error
