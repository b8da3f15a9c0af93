"""The exporter's queue on the disk, for what a backend does not take for now."""

from processor.exporter.spool.destination import SpooledBackend
from processor.exporter.spool.store import Spool

__all__ = ["Spool", "SpooledBackend"]
