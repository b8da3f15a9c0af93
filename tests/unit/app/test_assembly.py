"""From settings to ways out, and the refusal of those that lead back in."""

import pytest

from processor.app.addresses import refuse_loop
from processor.app.assembly import build_exporter
from processor.app.watched_files import WatchedFiles
from processor.config import load_settings
from processor.core.errors import ConfigError
from processor.core.memory import MemoryLimit

LISTEN = {
    "receivers.otlp.protocols.grpc.endpoint": "127.0.0.1:4317",
    "receivers.otlp.protocols.http.endpoint": "127.0.0.1:4318",
}


def settings(**exporters):
    flags = {f"exporters.{name.replace('__', '.')}": value for name, value in exporters.items()}
    return load_settings(None, LISTEN | flags, {})


@pytest.mark.parametrize(
    ("setting", "address"),
    [
        ("otlp__endpoint", "localhost:4317"),
        ("otlp__endpoint", "http://0.0.0.0:4317"),
        ("otlphttp__endpoint", "http://127.0.0.1:4318"),
        ("otlphttp__traces_endpoint", "http://127.0.0.1:4318/v1/traces"),
        ("otlphttp__metrics_endpoint", "http://localhost:4318/x"),
        ("otlphttp__logs_endpoint", "http://127.0.0.1:4317/x"),
    ],
)
def test_every_address_that_leads_back_to_us_is_refused(setting, address):
    """Guarantees: spans never go round, whichever setting names our own listener."""
    with pytest.raises(ConfigError, match=f"exporters.{setting.replace('__', '.')}: .* itself"):
        refuse_loop(settings(**{setting: address}))


def test_other_ports_and_machines_are_let_through():
    refuse_loop(settings(otlp__endpoint="127.0.0.1:5317", otlphttp__endpoint="http://127.0.0.1:1"))
    refuse_loop(settings())


def test_every_way_out_that_is_set_is_built(tmp_path):
    given = settings(
        otlp__endpoint="127.0.0.1:5317",
        otlphttp__logs_endpoint="http://127.0.0.1:5318/logs?key=secret",
        file__path=str(tmp_path),
        debug__verbosity="basic",
    )
    exporter = build_exporter(given, MemoryLimit(2**20), WatchedFiles(given))
    assert [(each.name, each.takes("traces")) for each in exporter.destinations] == [
        ("127.0.0.1:5317", True),
        ("http://127.0.0.1:5318", False),
        (str(tmp_path), True),
        ("the log", True),
    ]


def test_a_key_in_a_query_is_not_shown():
    found = settings(otlphttp__logs_endpoint="http://127.0.0.1:5318/logs?key=secret")
    assert "secret" not in " ".join(found.exporters.ways())
