"""Proves a ledger: that what is kept of charges, in whatever sums, agrees with them.

Each check takes steps, each in a read transaction of its own, so that beside traffic the
write-ahead log stays bounded, and each step is about what agrees at any moment.
"""

from processor.io.ledger.verifying.background import BackgroundCheck
from processor.io.ledger.verifying.check import FIRST, Check, Difference, Step
from processor.io.ledger.verifying.verifier import Progress, Verifier, all_checks, checks_of_sums

__all__ = [
    "FIRST",
    "BackgroundCheck",
    "Check",
    "Difference",
    "Progress",
    "Step",
    "Verifier",
    "all_checks",
    "checks_of_sums",
]
