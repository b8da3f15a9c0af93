"""What is asked of a file of an older version that is only read."""

from __future__ import annotations

import json

import apsw

from processor.core.model import UnpricedCalls

# A later row of a span replaces an earlier one: it was given its usage, or another price. A span
# that spans below it or beside it explain owes nothing: its stamp says so where they were there
# first, a correction where they came later.
_UNPRICED = """
WITH corrected AS (
  SELECT key, trace_id, span_id, SUM(unpriced) AS more FROM corrections
  WHERE unpriced <> 0 GROUP BY key, trace_id, span_id)
SELECT json_extract(text, '$[12][0]'), json_extract(text, '$[12][1]'), json_extract(text, '$[1]'),
  json_extract(text, '$[4]'), COUNT(*),
  SUM(tokens >> 32), SUM(tokens & 4294967295), MIN(time_ns), MAX(time_ns)
FROM (SELECT *, COALESCE(input, 0) + COALESCE(cache_read, 0) + COALESCE(cache_write, 0)
    + COALESCE(cache_write_1h, 0) + COALESCE(output, 0) + COALESCE(reasoning, 0)
    + COALESCE(json_extract(more, '$[0]') + json_extract(more, '$[1]')
    + json_extract(more, '$[2]') + json_extract(more, '$[3]'), 0) AS tokens FROM spans) AS spans
  JOIN labels ON labels.id = spans.label
WHERE spans.label IN (SELECT id FROM labels WHERE json_extract(text, '$[0]') = 'unpriced')
  AND NOT spans.flags & 16 -- a reference, to a call that has a row of its own
  AND (COALESCE(json_extract(stamp, '$.e.status'), 'unpriced') = 'unpriced') + COALESCE((
    SELECT more FROM corrected WHERE corrected.key = spans.key
      AND corrected.span_id = spans.span_id AND corrected.trace_id = spans.trace_id), 0) > 0
  AND NOT EXISTS (
  SELECT 1 FROM spans AS later WHERE later.key = spans.key AND later.seq > spans.seq
    AND later.span_id = spans.span_id AND later.trace_id = spans.trace_id)
GROUP BY 1, 2, 3, 4 ORDER BY 5 DESC, 9 DESC
"""

ASKED = """
SELECT DISTINCT json_extract(text, '$[12][0]'), json_extract(text, '$[12][1]'),
  json_extract(text, '$[12][2]')
FROM labels WHERE json_extract(text, '$[12]') IS NOT NULL
"""
"""What calls have named: provider, models and service tier. Labels are few, however many calls."""


def read_unpriced(database: apsw.Connection) -> list[UnpricedCalls]:
    """Calls without a price in a file of an older version, alike ones together."""
    # Tokens are added up in two parts, of 32 bits and the rest, neither of which can overflow.
    return [
        UnpricedCalls(
            provider, tuple(json.loads(models)), reason, service, calls, (high << 32) + low,
            first_ns, last_ns,
        )
        for provider, models, reason, service, calls, high, low, first_ns, last_ns
        in database.execute(_UNPRICED)
    ]  # fmt: skip
