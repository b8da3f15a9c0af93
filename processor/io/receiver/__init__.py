"""Receiving: OTLP servers that pass raw payloads on, and answer when these are safe.

server                   the gRPC server, OTLP/HTTP beside it, start and stop
admission, responder     what both protocols share: limits and counts; errors as answers
status                   the one table from errors to gRPC and HTTP statuses
grpc_services            Export over gRPC, health
grpc_connections         how many connections its port has, which the library does not tell
http_server, http_body   OTLP/HTTP; protocol_mismatch: other protocols at its port
headers                  headers that are forwarded, cross-origin requests
authentication, tls      bearer tokens; certificates, which may change while it runs
listening                ports
"""

from processor.io.receiver.admission import Handle
from processor.io.receiver.http_server import HttpListener
from processor.io.receiver.server import Receiver
from processor.io.receiver.tls import ServerTls, load_tls

__all__ = ["Handle", "HttpListener", "Receiver", "ServerTls", "load_tls"]
