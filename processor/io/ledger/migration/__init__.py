"""An older file of the ledger: brought up to the tables of today, or read as it is.

All of it is done in one transaction, so that a failure or a kill leaves the file as it was.
"""

from processor.io.ledger.migration.bring_up import bring_up
from processor.io.ledger.migration.questions import ASKED, read_unpriced
from processor.io.ledger.migration.steps import LAST_REWRITTEN, VERSIONS

__all__ = ["ASKED", "LAST_REWRITTEN", "VERSIONS", "bring_up", "read_unpriced"]
