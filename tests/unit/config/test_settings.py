"""Where the processor serves what it reports about itself."""

from processor.config import load_settings

GRPC = "receivers.otlp.protocols.grpc.endpoint"
METRICS = "telemetry.metrics.endpoint"


def endpoint(**flags):
    return load_settings(None, flags, {}).telemetry.metrics.endpoint


def test_by_default_only_this_machine_may_ask():
    assert endpoint() == "127.0.0.1:8888"


def test_it_can_be_switched_off():
    assert endpoint(**{METRICS: ""}) == ""


def test_any_free_port_for_grpc_means_any_free_port_here():
    """Guarantees: a second processor, or a test, starts beside the first; nobody else may ask."""
    assert endpoint(**{GRPC: "127.0.0.1:0"}) == "127.0.0.1:0"
    assert endpoint(**{GRPC: "0.0.0.0:0"}) == "127.0.0.1:0"
    assert endpoint(**{GRPC: "127.0.0.1:0", METRICS: "127.0.0.1:9"}) == "127.0.0.1:9"
    assert endpoint(**{GRPC: "127.0.0.1:10"}) == "127.0.0.1:8888"
