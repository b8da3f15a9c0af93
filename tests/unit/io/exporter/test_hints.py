"""The advice that comes with a failed connection."""

from processor.core.otlp.addresses import parse_backend
from processor.io.exporter.hints import hint, http_hint


def test_a_failed_handshake_names_the_mend():
    told = hint(parse_backend("jaeger:4317"), "SSL_ERROR_SSL: wrong version number: handshake")
    assert "write http://jaeger:4317" in told
    assert "which is the default for other machines" in told
    assert "default" not in hint(parse_backend("https://jaeger:4317"), "TLS handshake failed")


def test_plaintext_to_a_tls_server_names_the_mend():
    assert "https://jaeger:4317" in hint(parse_backend("http://jaeger:4317"), "Socket closed")


def test_other_failures_come_without_advice():
    assert hint(parse_backend("jaeger:4317"), "Connection refused") == ""
    assert hint(parse_backend("localhost:4317"), "Connection refused") == ""


def test_grpc_to_the_port_of_http_names_the_mend():
    told = hint(parse_backend("http://tempo:4318"), "Connection reset by peer")
    assert "write http://tempo:4318/v1/traces" in told


def test_grpc_to_what_answers_in_http_names_both_mends():
    """Guarantees: a web server, or TLS behind one port with it, is not taken for TLS alone."""
    said = "Failed parsing HTTP/2 (Expected SETTINGS frame) (Trying to connect an http1.x server)"
    told = hint(parse_backend("http://tempo:8080"), said)
    assert "http://tempo:8080/v1/traces" in told
    assert "https://tempo:8080" in told


def test_http_to_what_is_not_http_names_the_mend():
    address = parse_backend("http://tempo:4317")
    told = http_hint(address, is_tls_trouble=False, is_nonsense=True)
    assert "exporters.otlp.endpoint" in told
    told = http_hint(address, is_tls_trouble=True, is_nonsense=False)
    assert "tls.ca_file" in told
    assert http_hint(address, is_tls_trouble=False, is_nonsense=False) == ""
