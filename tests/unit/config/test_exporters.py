"""The settings of exporters: an exporter's queue on disk."""

import pytest

from processor.config import load_settings
from processor.core.errors import ConfigError

OTLP = "exporters.otlp"
HTTP = "exporters.otlphttp"


def settings(**given):
    names = {name.replace("__", "."): value for name, value in given.items()}
    return load_settings(None, {"data_dir": "/data", f"{OTLP}.endpoint": "a:1", **names}, {})


def test_there_is_a_queue_beside_the_ledger_unless_it_is_switched_off():
    """Guarantees: where the ledger can be written, the queue can; and the promise says which."""
    found = settings(ledger__path="/ledgers/a.db")
    queue = found.exporters.otlp.sending_queue
    assert (queue.enabled, queue.directory) == (True, "/ledgers/spool/otlp")
    assert "or waits on disk in /ledgers/spool/otlp" in found.exporters.promise()
    off = settings(exporters__otlp__sending_queue__enabled="false")
    assert off.exporters.otlp.sending_queue.directory == ""
    assert off.exporters.promise() == "what has been delivered"


def test_a_queue_of_an_older_version_is_found_where_it_was(tmp_path):
    """Guarantees: what was acknowledged then is sent; the folder was in data_dir."""
    (tmp_path / "spool" / "otlp").mkdir(parents=True)
    found = settings(data_dir=str(tmp_path), ledger__path="/ledgers/a.db")
    assert found.exporters.otlp.sending_queue.directory == str(tmp_path / "spool" / "otlp")
    assert found.exporters.otlphttp.sending_queue.directory == "/ledgers/spool/otlphttp"


def test_each_exporter_has_a_folder_of_its_own():
    """Guarantees: two backends never share a queue, and a folder that is named is used."""
    found = settings(
        exporters__otlp__sending_queue__enabled=True,
        exporters__otlphttp__endpoint="http://b:4318",
        exporters__otlphttp__sending_queue__enabled=True,
        exporters__otlphttp__sending_queue__directory="/queue",
    )
    assert found.exporters.otlp.sending_queue.directory == "/data/spool/otlp"
    assert found.exporters.otlphttp.sending_queue.directory == "/queue"
    assert found.exporters.promise() == (
        "what has been delivered, or waits on disk in /data/spool/otlp (up to 1024 MiB) and "
        "/queue (up to 1024 MiB)"
    )


def test_a_queue_of_a_backend_that_is_not_there_promises_nothing():
    """Guarantees: the promise is about backends that something is sent to."""
    found = settings(exporters__otlp__sending_queue__enabled="false")
    assert found.exporters.otlphttp.sending_queue.enabled
    assert found.exporters.promise() == "what has been delivered"


@pytest.mark.parametrize(("name", "value"), [("max_megabytes", "0"), ("num_consumers", "0")])
def test_a_queue_without_room_is_refused(name, value):
    """Guarantees: a limit that would keep everything out is refused."""
    with pytest.raises(ConfigError, match=name):
        settings(**{f"exporters__otlp__sending_queue__{name}": value})


@pytest.mark.parametrize(
    ("endpoint", "more", "way"),
    [
        ("http://tempo:4317", {}, "http://tempo:4317"),
        ("tempo:4317", {}, "tempo:4317 over TLS"),
        ("tempo:4317", {f"{OTLP}.tls.insecure": True}, "tempo:4317 in plain text"),
        ("localhost:4317", {}, "localhost:4317 in plain text"),
    ],
)
def test_an_address_without_a_scheme_says_how_it_is_spoken_to(endpoint, more, way):
    found = settings(**{f"{OTLP}.endpoint": endpoint, **more})
    assert found.exporters.ways() == [f"OTLP/gRPC at {way}"]
    assert found.warnings == ()


@pytest.mark.parametrize("endpoint", ["http://tempo:4318", "tempo:4318"])
def test_grpc_to_the_usual_port_of_http_is_warned_of(endpoint):
    """Guarantees: the address that was meant is in the warning."""
    (warning,) = settings(**{f"{OTLP}.endpoint": endpoint}).warnings
    assert "--forward-to http://tempo:4318/v1/traces, " in warning
