"""Exporting: one bounded reservation, then every destination until all have answered.

fanout, in_flight        the `Exporter`: reserve, deliver to all, merge the answers
destination              what each destination promises and counts
backend                  an OTLP backend: splitting_sender, batcher, retrying_sender, transport
outage_log               failures in the log, once for each outage
transport                one attempt; grpc_transport, http_transport with http_response, resolver
connection, client_tls   connections that are renewed; certificates and tokens
disk_queue               what a backend does not take for now, on the disk
file, rotation, debug    destinations that are no backends
"""

from processor.io.exporter.backend import Backend
from processor.io.exporter.batcher import MergePolicy
from processor.io.exporter.client_tls import ClientTls, bearer_header, load_client_tls
from processor.io.exporter.debug import DebugDestination
from processor.io.exporter.destination import Counters, Destination
from processor.io.exporter.disk_queue import (
    REFUSED,
    AsyncDiskQueue,
    DiskQueue,
    QueuedBackend,
    RefusedRequest,
    refused_requests,
)
from processor.io.exporter.fanout import Fanout
from processor.io.exporter.file import FileDestination
from processor.io.exporter.grpc_transport import GrpcTransport
from processor.io.exporter.http_transport import HttpTransport
from processor.io.exporter.in_flight import InFlightLimiter
from processor.io.exporter.retrying_sender import RetryPolicy
from processor.io.exporter.transport import Transport

__all__ = [
    "REFUSED",
    "AsyncDiskQueue",
    "Backend",
    "ClientTls",
    "Counters",
    "DebugDestination",
    "Destination",
    "DiskQueue",
    "Fanout",
    "FileDestination",
    "GrpcTransport",
    "HttpTransport",
    "InFlightLimiter",
    "MergePolicy",
    "QueuedBackend",
    "RefusedRequest",
    "RetryPolicy",
    "Transport",
    "bearer_header",
    "load_client_tls",
    "refused_requests",
]
