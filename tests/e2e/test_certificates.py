"""Certificates and tokens of a backend that change while the processor runs."""

from __future__ import annotations

import json
import shutil
import ssl

import pytest
from conformance.certificates import make_self_signed
from e2e.processes import export, wait_until
from e2e.test_exporters import a_call
from e2e.test_refused import get

from processor.core.certificates import first_end_s


def secure(files):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*files)
    return context


@pytest.mark.parametrize("verifies", [True, False])
def test_from_one_certificate_to_the_next_without_a_restart(
    serve, start_backend, tmp_path, verifies
):
    """Guarantees: authority and token are read again, and the metric shows when the one ends.

    What is not verified is said in the log at the start.
    """
    old, new = (make_self_signed(tmp_path, name) for name in ("old", "new"))
    trusted, token, config = (tmp_path / name for name in ("ca.pem", "token", "processor.yaml"))
    shutil.copy(old[0], trusted)
    token.write_text("first")
    backend = start_backend(is_http=True, tls=secure(old))
    config.write_text(
        "reload: {interval: 100ms}\n"
        "exporters:\n  otlphttp:\n"
        f"    endpoint: https://127.0.0.1:{backend.port}\n"
        f"    tls: {{ca_file: {trusted}, insecure_skip_verify: {str(not verifies).lower()}}}\n"
        f"    auth: {{bearer_token_file: {token}}}\n"
        "    retry_on_failure: {initial_interval: 50ms, max_interval: 100ms}\n"
    )
    processor = serve("--config", config)
    export(processor.port, a_call(1))
    assert [each.metadata["authorization"] for each in backend.recorder.records] == ["Bearer first"]
    name = "exporter_certificate_expiry_timestamp_seconds"
    line = next(line for line in get(processor, "/metrics").splitlines() if f"{name}{{" in line)
    assert 'file="ca"' in line
    assert float(line.split()[-1]) == first_end_s(old[0].read_bytes())
    backend.stop()
    token.write_text("second")
    backend = start_backend(is_http=True, tls=secure(new), port=backend.port)
    export(processor.port, a_call(2))
    if verifies:
        assert not backend.recorder.records
    else:
        processor.wait_for("insecure_skip_verify: any certificate is accepted")
    shutil.copy(new[0], trusted)
    wait_until(lambda: backend.recorder.records)
    processor.wait_for(f"{token} has changed and is in force")
    export(processor.port, a_call(3))
    assert backend.recorder.records[-1].metadata["authorization"] == "Bearer second"


def test_files_for_a_backend_that_cannot_be_used_leave_the_last_good_ones_in_force(
    serve, start_backend, tmp_path
):
    """Guarantees: the health is degraded, with file and reason, until they can be used."""
    server, other = (make_self_signed(tmp_path, name) for name in ("server", "other"))
    trusted, token, config = (tmp_path / name for name in ("ca.pem", "token", "processor.yaml"))
    certificate, key = tmp_path / "own.pem", tmp_path / "own.key"
    for source, copy in zip((server[0], *server), (trusted, certificate, key), strict=True):
        shutil.copy(source, copy)
    token.write_text("first")
    backend = start_backend(is_http=True, tls=secure(server))
    config.write_text(
        "reload: {interval: 100ms}\n"
        "exporters:\n  otlphttp:\n"
        f"    endpoint: https://127.0.0.1:{backend.port}\n"
        f"    tls: {{ca_file: {trusted}, cert_file: {certificate}, key_file: {key}}}\n"
        f"    auth: {{bearer_token_file: {token}}}\n"
    )
    processor = serve("--config", config)

    def health():
        return json.loads(get(processor, "/health"))

    shutil.copy(other[1], key)
    token.write_text("")
    wait_until(lambda: len(health()["reasons"]) == 2, 15)
    report = health()
    assert report["status"] == "degraded"
    tls, auth = report["reasons"]
    assert tls.startswith("exporters.otlphttp.tls: what the file holds now is not in force")
    assert str(key) in tls
    assert auth.startswith("exporters.otlphttp.auth: ")
    assert f"{token}: holds no bearer token" in auth
    export(processor.port, a_call(1))
    assert backend.recorder.records[-1].metadata["authorization"] == "Bearer first"
    key.unlink()
    wait_until(lambda: f"{key} cannot be read" in health()["reasons"][0], 15)
    shutil.copy(server[1], key)
    token.write_text("second")
    wait_until(lambda: health() == {"status": "serving", "reasons": []}, 15)
    export(processor.port, a_call(2))
    assert backend.recorder.records[-1].metadata["authorization"] == "Bearer second"
