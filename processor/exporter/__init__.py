"""The way out: one bounded reservation, then every destination until all have answered."""

from processor.exporter.address import Address, parse_address
from processor.exporter.destination import Counters, Destination
from processor.exporter.fanout import Fanout
from processor.exporter.file import FileDestination
from processor.exporter.gate import Gate
from processor.exporter.grpc_channel import ClientTls
from processor.exporter.grpc_client import GrpcDestination
from processor.exporter.retry import RetryPolicy

__all__ = [
    "Address",
    "ClientTls",
    "Counters",
    "Destination",
    "Fanout",
    "FileDestination",
    "Gate",
    "GrpcDestination",
    "RetryPolicy",
    "parse_address",
]
