"""Reading the log records of a payload that carry certain names; nothing writes on log records.

Log payloads are as large as what is logged, and hardly any holds such a record. So the names are
searched for as bytes, and only what lies around them is looked at: its resource, its scope, itself.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence

from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from processor.core.errors import UndecodableError
from processor.core.model import Group, Logs, Wanted
from processor.core.otlp.messages import read_message
from processor.core.wire.attributes import read_wanted
from processor.core.wire.envelope import (
    RESOURCE_SPANS,
    SCOPE_SPANS,
    SPANS,
    Record,
    find_records,
    walk_fields,
)
from processor.core.wire.groups import GroupReaders, group_readers
from processor.core.wire.parsed_size import Hold, hold_nothing, parsed_bytes
from processor.core.wire.scan import FIELDS_MAX

NAME_MAX = 128
"""Characters of a body that may be the name of an event; longer ones are what somebody wrote."""

_OWN = 1
"""Field number of the resource in ResourceLogs, and of the scope in ScopeLogs. The fields around
records have the same numbers as those around spans."""


def scan_logs(payload: bytes, wanted: Wanted, hold: Hold = hold_nothing) -> Logs:
    """Read the records of an ExportLogsServiceRequest that carry a name in `wanted.events`.

    `hold` is called with the memory that reading takes, before it is taken; it may raise.
    A record is found by the bytes of the name wherever they occur; whether it is the record's name
    has yet to be checked. A payload without any of the names is not even looked at. Raises
    UndecodableError or TooLargeError where what lies around a name cannot be read.
    """
    places = sorted(_find_names(payload, wanted))
    logs = Logs()
    if not places:
        return logs
    hold(parsed_bytes(payload, 0))
    try:
        _Reader(payload, wanted, places, logs).read()
    except UndecodableError as error:
        raise UndecodableError(f"the payload is not an OTLP logs request: {error}") from error
    return logs


def _find_names(payload: bytes, wanted: Wanted) -> Iterator[int]:
    """Find where the wanted names occur."""
    for name in wanted.events:
        sought = name.encode()
        at = payload.find(sought)
        while at >= 0:
            yield at
            at = payload.find(sought, at + len(sought))


class _Reader:
    """Reads one payload along the paths to the names that were found in it."""

    def __init__(self, payload: bytes, wanted: Wanted, places: Sequence[int], logs: Logs) -> None:
        """`places` are where names occur, ascending."""
        self._payload = payload
        self._wanted = wanted
        self._places = places
        self._logs = logs
        self._readers: GroupReaders = group_readers(wanted)

    def read(self) -> None:
        """Fill the columns, in wire order."""
        whole = (0, 0, len(self._payload))
        for outer in self._holding(whole, RESOURCE_SPANS):
            resource = self._readers.resource(read_message(Resource, self._own(outer)))
            for inner in self._holding(outer, SCOPE_SPANS):
                own = read_message(InstrumentationScope, self._own(inner))
                scope = self._readers.scope(own)
                for _, start, end in self._holding(inner, SPANS):
                    self._add(read_message(LogRecord, self._payload[start:end]))
                    self._logs.groups.append(len(self._logs.group))
                self._logs.group.append(Group(resource, *scope))

    def _holding(self, around: Record, number: int) -> list[Record]:
        """Find the messages of a field that hold a name."""
        records, _ = walk_fields(self._payload, *around[1:], number, FIELDS_MAX)
        return [(head, start, end) for head, start, end in records if self._has_name(start, end)]

    def _has_name(self, start: int, end: int) -> bool:
        at = bisect_left(self._places, start)
        return at < len(self._places) and self._places[at] < end

    def _own(self, around: Record) -> bytes:
        """What a group says of itself; a message that comes in parts is all of them in a row."""
        records = find_records(self._payload, *around[1:], _OWN)
        return b"".join([self._payload[start:end] for _, start, end in records])

    def _add(self, record: LogRecord) -> None:
        logs = self._logs
        body = record.body.string_value
        logs.event_names.append(record.event_name)
        logs.bodies.append(body if len(body) <= NAME_MAX else "")
        logs.time_ns.append(record.time_unix_nano)
        logs.observed_ns.append(record.observed_time_unix_nano)
        logs.attributes.append(read_wanted(record.attributes, self._wanted))
