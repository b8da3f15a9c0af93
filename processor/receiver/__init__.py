"""The way in: OTLP servers that hand raw payloads on and answer when they are safe."""

from processor.receiver.admission import Handle
from processor.receiver.cost_service import CostQueries
from processor.receiver.http_server import HttpListener
from processor.receiver.server import Receiver
from processor.receiver.tls import ServerTls, http_tls

__all__ = ["CostQueries", "Handle", "HttpListener", "Receiver", "ServerTls", "http_tls"]
