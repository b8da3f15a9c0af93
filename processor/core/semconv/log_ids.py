"""Ids for what has none: log records, and the trace in which those of a session are charged.

The ledger knows spans by their ids. A log record gets such an id from what it says, so a copy of
it, written anew by whatever it came through, is known again.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b

from processor.core.model import LOG_TRACE

_TRACE_ID_BYTES = 16
_SPAN_ID_BYTES = 8


def log_trace(tool: str, session: str) -> bytes:
    """The id of the trace that holds the log records of a tool's session."""
    return LOG_TRACE + digest((tool, session), _TRACE_ID_BYTES - len(LOG_TRACE))


def record_id(facts: Iterable[object]) -> bytes:
    """The id of a record that says this; the order of `facts` counts."""
    return digest(facts, _SPAN_ID_BYTES)


def digest(facts: Iterable[object], size: int) -> bytes:
    """A digest of facts in their order; numbers count as the text that they would be."""
    text = "\0".join(map(str, facts))
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=size).digest()
