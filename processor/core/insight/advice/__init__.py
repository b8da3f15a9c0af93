"""What would have cost less, found in stored calls, with the calls and the amount.

advisor      goes through calls once, with all that looks for something
suggestion   what was found: an amount, how it was found, and the calls
siblings     calls that a cheaper model of the same family might do
tier_edges   requests just beyond the size from which on all tokens cost more
cache_writes written to a prompt cache, and never read
repeats      the same request again in one trace
chains       requests that send again what the one before has sent
"""

from processor.core.insight.advice.advisor import Advisor
from processor.core.insight.advice.siblings import (
    NO_LOW_QUALITY,
    KnownSiblings,
    LowQuality,
    sibling_of,
)
from processor.core.insight.advice.suggestion import METHODS, Suggestion, SuggestionKind

__all__ = [
    "METHODS",
    "NO_LOW_QUALITY",
    "Advisor",
    "KnownSiblings",
    "LowQuality",
    "Suggestion",
    "SuggestionKind",
    "sibling_of",
]
