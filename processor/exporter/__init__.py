"""The way out: one bounded reservation, then every destination until all have answered."""

from processor.exporter.address import Address, HttpAddress, parse_address, parse_url
from processor.exporter.backend import Backend
from processor.exporter.backlog import Backlog
from processor.exporter.debug import DebugDestination
from processor.exporter.destination import Counters, Destination
from processor.exporter.endpoints import read_endpoints
from processor.exporter.fanout import Fanout
from processor.exporter.file import FileDestination
from processor.exporter.gate import Gate
from processor.exporter.grpc_channel import ClientTls
from processor.exporter.grpc_client import GrpcTransport
from processor.exporter.http_client import HttpTransport, tls_context
from processor.exporter.merge import MergePolicy
from processor.exporter.retry import RetryPolicy
from processor.exporter.spool import Spool, SpooledBackend
from processor.exporter.transport import Transport

__all__ = [
    "Address",
    "Backend",
    "Backlog",
    "ClientTls",
    "Counters",
    "DebugDestination",
    "Destination",
    "Fanout",
    "FileDestination",
    "Gate",
    "GrpcTransport",
    "HttpAddress",
    "HttpTransport",
    "MergePolicy",
    "RetryPolicy",
    "Spool",
    "SpooledBackend",
    "Transport",
    "parse_address",
    "parse_url",
    "read_endpoints",
    "tls_context",
]
