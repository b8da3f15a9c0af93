"""How many searches are charged for an answer of Gemini that stands on searches."""

from __future__ import annotations

import re
from collections.abc import Sequence

from processor.core.semconv.sources import Columns, Row, first_sum

_BY_PROMPT = re.compile(r"gemini-[12](\.|-|$)")


def count_grounding(reader: Row, grounding: Columns, models: Sequence[str]) -> int:
    """Up to Gemini 2.5 one search for each prompt, later one for each query.

    Source: ai.google.dev/gemini-api/docs/pricing, "Grounding with Google Search". The first ones
    of a day or a month are free, which no span says.
    """
    queries = first_sum(reader, grounding)[0] or 0
    return min(queries, 1) if any(map(_BY_PROMPT.search, models)) else queries
