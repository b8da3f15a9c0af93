"""Where the processor serves what it reports about itself."""

import pytest

from processor.config import load_settings
from processor.core.errors import ConfigError

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


@pytest.mark.parametrize("limit_mib", [1, 100, 199])
def test_a_limit_of_memory_in_which_nothing_fits_is_refused(limit_mib):
    """Guarantees: the least is that of the description."""
    with pytest.raises(ConfigError, match=f"must be at least 200, got {limit_mib}"):
        load_settings(None, {"memory_limiter.limit_mib": limit_mib}, {})
    for enough in (0, 200):
        load_settings(None, {"memory_limiter.limit_mib": enough}, {})
