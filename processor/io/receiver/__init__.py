"""The way in: OTLP servers that hand raw payloads on and answer when they are safe."""

from processor.io.receiver.admission import Handle
from processor.io.receiver.http_server import HttpListener
from processor.io.receiver.server import Receiver
from processor.io.receiver.tls import ServerTls, http_tls

__all__ = ["Handle", "HttpListener", "Receiver", "ServerTls", "http_tls"]
