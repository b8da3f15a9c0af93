"""From spans in any dialect to calls in plain terms.

    dialects    tables: what every dialect calls things
    values      texts and numbers as senders write them
    sources     where a field stands: in the tables, and in the values of one shape
    layout      all tables together: the names to scan, and the fields of one shape
    emitter     who wrote a span, and the rules about it
    recognise   what a span is, decided once per signature; `signatures` remembers it; `kinds`
                knows what kind of call it is
    buckets     usage maps; `bucket_names` knows what the words mean of which names consist, and
                `bucket_sums` counts once what a map says twice
    counts      what a span reports, and what is known beside the numbers
    evidence    which counts are inside which: an `interpretation`; `totals` asks the total
    usage       what was reported, as quantities that do not overlap, which `division` makes
    options     what the operator decides about reading
    dimensions  the operator's own dimensions
    owners      whom a span says it belongs to; `identities` replaces an id there
    ids         which ids can be ids; ids for log records
    times       when a call ended, whatever the sender's clock and unit
    calls       one call; `plausibility` knows what none can have used, `response_cache`
                whether an application's cache answered it, and `grounding` how many searches
                an answer of Gemini is charged for
    stamped     what another processor like this one has written on a span
    reading     a payload
    logs        a payload of log records

`WANTED` is what has to be scanned and `read` reads it; `LOGS_WANTED` and `read_logs` for logs.
"""

from processor.core.semconv.dimensions import OwnDimensions
from processor.core.semconv.identities import IdentityRename
from processor.core.semconv.layout import WANTED
from processor.core.semconv.logs import LOGS_WANTED, LogReading, read_logs
from processor.core.semconv.options import CacheSemantics, ReadOptions, read_scope_id
from processor.core.semconv.plausibility import UsageLimits
from processor.core.semconv.reading import read

__all__ = [
    "LOGS_WANTED",
    "WANTED",
    "CacheSemantics",
    "IdentityRename",
    "LogReading",
    "OwnDimensions",
    "ReadOptions",
    "UsageLimits",
    "read",
    "read_logs",
    "read_scope_id",
]
