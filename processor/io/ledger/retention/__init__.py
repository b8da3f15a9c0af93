"""Deletes what is older than it is to be kept, in steps beside the turns.

sweeps   one after the other goes through what is kept of one kind
work     when that is done
"""

from processor.io.ledger.retention.work import Retention

__all__ = ["Retention"]
