"""From spans in any dialect to calls in plain terms.

    dialects    tables: what every dialect calls things
    sources     how the tables say where a field stands
    values      texts and numbers as senders write them
    columns     a source, resolved for the keys of one shape; `layout` is all of them
    emitter     who wrote a span, and the rules about it
    recognise   what a span is, decided once per look; `looks` remembers it as a `profile`
    usage       what was reported, as quantities that do not overlap
    owners      whom a span says it belongs to
    calls       one call
    reading     a payload
    logs        a payload of log records; `log_ids` makes ids for them

`WANTED` is what has to be scanned, `read` the way in; `LOGS_WANTED` and `read_logs` for logs.
"""

from processor.core.semconv.calls import CacheSemantics, ReadOptions
from processor.core.semconv.logs import LOGS_WANTED, LogReading, read_logs
from processor.core.semconv.reading import read
from processor.core.semconv.wanted import WANTED

__all__ = [
    "LOGS_WANTED",
    "WANTED",
    "CacheSemantics",
    "LogReading",
    "ReadOptions",
    "read",
    "read_logs",
]
