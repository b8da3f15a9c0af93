"""OTLP payloads: a trace payload read into columns, and written back with edits.

    scan(payload, wanted, hold) -> Spans     splice(spans, edits, drop=(), kept={}) -> bytes
    split(signal, payload, target_bytes, max_bytes) -> SplitRequest
    scan_logs(payload, wanted, hold) -> Logs
    find_events(spans, names) -> {row: [(name, attributes)]}
    rename_values(signal, payload, renamed, having) -> bytes

This version is built on ``opentelemetry-proto`` and is the reference; a compiled kernel may replace
the two functions and is then tested against this one. The contract of both:

**scan**
 1. A payload is decodable when protobuf parses it as ``ExportTraceServiceRequest``, texts that are
    not UTF-8 apart: these are read with U+FFFD for what is wrong. Anything else is an
    UndecodableError that names the place; more than `FIELDS_MAX` spans, groups and fields around
    them are a TooLargeError. No other error is ever raised for a payload, but what `hold` raises,
    which is called once with the memory that reading takes, before it is taken. Unknown fields,
    fields in any order, padded varints and singular messages sent in parts are all decodable.
 2. Item `i` of every column belongs to the i-th span on the wire. A field that is absent reads as
    its protobuf default. ``payload[starts[i]:ends[i]]`` is the span's message.
 3. Only wanted keys are decoded, from spans, instrumentation scopes and resources alike: a key is
    wanted when it is in ``wanted.keys`` or starts with one of ``wanted.prefixes``. They are in
    wire order, a repeated key once, with its first value, or its last one where it is in
    ``wanted.latest``. At most `ATTRIBUTES_MAX` are read of one span, scope or resource. A key in
    ``wanted.supporting`` is read likewise, but a span that has nothing else counts as one that
    carries nothing wanted.
 4. The first event of each name in ``wanted.events`` adds all its attributes, after the span's
    own, as ``event:<name>:<key>``; at most `EVENT_ATTRIBUTES_MAX` of one event.
 5. An array or key-value list inside `NESTING_MAX` others reads as None. So does a reference into
    a string table, which a trace payload does not have. In a key-value list the first of a
    repeated key wins.
 6. Values come from the structure of the message, never from a search for bytes: what looks like
    an attribute inside a text is text. Texts are as long as the sender made them.
 7. ``keys[0]`` is ``()``, the keys of spans that carry nothing wanted. A ScopeSpans without spans
    makes no `Group`. The mappings of a group are shared, with other groups and later payloads.

**splice**
 1. Without an edit that is not empty and without a row to drop, the result is the very object
    that was scanned.
 2. Of an edited span, attributes whose key is set anew are removed, all of them; the new ones are
    appended in the edit's order, then its events. Attributes that are renamed keep their place and
    their value, byte for byte, under a name that is not taken; events that are marked are longer
    by that. Its other bytes stay as they are.
 3. A dropped span goes as a whole, and so does a ScopeSpans or ResourceSpans that had something
    in it and has nothing left. A row that is dropped and edited is dropped.
 4. Apart from that, only the tags and lengths that enclose a changed span are written anew, in
    their shortest form; every other byte is copied.
 5. An integer beyond 64 bits is written as a double, an unpaired surrogate as ``?``, an array or
    dict inside `NESTING_MAX` others as an empty value: the result always parses.

**scan_logs** finds the log records that a tool writes instead of spans, by their names; see there.

**split** is for requests of any signal that have become too large for a backend; see there.

**rename_values** replaces single values of attributes in requests of any signal; see there.
"""

from processor.core.wire.anyvalue import NESTING_MAX
from processor.core.wire.attributes import ATTRIBUTES_MAX, EVENT_ATTRIBUTES_MAX
from processor.core.wire.keeping import find_events
from processor.core.wire.logs import scan_logs
from processor.core.wire.parsed_size import Hold, hold_nothing
from processor.core.wire.renaming import rename_values
from processor.core.wire.scan import FIELDS_MAX, scan
from processor.core.wire.splice import splice
from processor.core.wire.split import split

__all__ = [
    "ATTRIBUTES_MAX",
    "EVENT_ATTRIBUTES_MAX",
    "FIELDS_MAX",
    "NESTING_MAX",
    "Hold",
    "find_events",
    "hold_nothing",
    "rename_values",
    "scan",
    "scan_logs",
    "splice",
    "split",
]
