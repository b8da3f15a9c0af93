"""The way in: an OTLP/gRPC server that hands raw payloads on and answers when they are safe."""

from processor.receiver.cost_service import CostQueries
from processor.receiver.intake import Handle
from processor.receiver.server import Receiver, ServerTls

__all__ = ["CostQueries", "Handle", "Receiver", "ServerTls"]
