"""The exporter's queue on the disk, for what a backend does not take for now."""

from processor.io.exporter.spool.destination import SpooledBackend
from processor.io.exporter.spool.store import Spool

__all__ = ["Spool", "SpooledBackend"]
