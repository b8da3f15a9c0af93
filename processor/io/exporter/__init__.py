"""The way out: one bounded reservation, then every destination until all have answered."""

from processor.io.exporter.backend import Backend
from processor.io.exporter.backlog import Backlog
from processor.io.exporter.batcher import MergePolicy
from processor.io.exporter.debug import DebugDestination
from processor.io.exporter.destination import Counters, Destination
from processor.io.exporter.fanout import Fanout
from processor.io.exporter.file import FileDestination
from processor.io.exporter.grpc_channel import ClientTls
from processor.io.exporter.grpc_client import GrpcTransport
from processor.io.exporter.http_client import HttpTransport, tls_context
from processor.io.exporter.in_flight import InFlightLimiter
from processor.io.exporter.retry import RetryPolicy
from processor.io.exporter.spool import Spool, SpooledBackend
from processor.io.exporter.transport import Transport

__all__ = [
    "Backend",
    "Backlog",
    "ClientTls",
    "Counters",
    "DebugDestination",
    "Destination",
    "Fanout",
    "FileDestination",
    "GrpcTransport",
    "HttpTransport",
    "InFlightLimiter",
    "MergePolicy",
    "RetryPolicy",
    "Spool",
    "SpooledBackend",
    "Transport",
    "tls_context",
]
