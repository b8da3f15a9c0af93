"""What both transports share: headers that a user has set, and hints on failed connections."""

import pytest

from processor.core.errors import ConfigError
from processor.core.otlp.addresses import parse_backend
from processor.io.exporter.transport import grpc_hint, http_hint, read_headers, read_http_headers


def test_header_names_become_lower_case_and_binary_ones_bytes():
    headers = read_headers({"Authorization": "Bearer x", "X-Key-bin": "ab"})
    assert headers == (("authorization", "Bearer x"), ("x-key-bin", b"ab"))


def test_all_bad_headers_are_named_and_no_value_is_shown():
    with pytest.raises(ConfigError) as caught:
        read_headers({"a b": "secret", "ok": "sec\nret", "grpc-timeout": "1", "fine": "x"})
    assert len(caught.value.problems) == 3
    assert "sec" not in str(caught.value)


def test_http_takes_names_that_grpc_does_not_and_reserves_those_that_say_how_it_is_encoded():
    assert read_http_headers({"Grpc-Timeout": "1", "X~Y": "b"}) == {"grpc-timeout": "1", "x~y": "b"}
    with pytest.raises(ConfigError) as caught:
        read_http_headers({"Content-Type": "secret", "Host": "secret", "a b": "secret"})
    assert len(caught.value.problems) == 3
    assert "secret" not in str(caught.value)


def test_a_failed_handshake_names_the_fix():
    text = grpc_hint(parse_backend("jaeger:4317"), "SSL_ERROR_SSL: wrong version number: handshake")
    assert "write http://jaeger:4317" in text
    assert "which is the default for other machines" in text
    assert "default" not in grpc_hint(parse_backend("https://jaeger:4317"), "TLS handshake failed")


def test_plaintext_to_a_tls_server_names_the_fix():
    assert "https://jaeger:4317" in grpc_hint(parse_backend("http://jaeger:4317"), "Socket closed")


def test_other_failures_come_without_a_hint():
    assert grpc_hint(parse_backend("jaeger:4317"), "Connection refused") == ""
    assert grpc_hint(parse_backend("localhost:4317"), "Connection refused") == ""


def test_grpc_to_the_port_of_http_names_the_fix():
    text = grpc_hint(parse_backend("http://tempo:4318"), "Connection reset by peer")
    assert "write http://tempo:4318/v1/traces" in text


def test_grpc_to_what_answers_in_http_names_both_fixes():
    """Guarantees: a web server, or TLS behind one port with it, is not taken for TLS alone."""
    said = "Failed parsing HTTP/2 (Expected SETTINGS frame) (Trying to connect an http1.x server)"
    text = grpc_hint(parse_backend("http://tempo:8080"), said)
    assert "http://tempo:8080/v1/traces" in text
    assert "https://tempo:8080" in text


def test_http_to_what_is_not_http_names_the_fix():
    address = parse_backend("http://tempo:4317")
    text = http_hint(address, is_tls_failure=False, is_not_http=True)
    assert "exporters.otlp.endpoint" in text
    text = http_hint(address, is_tls_failure=True, is_not_http=False)
    assert "tls.ca_file" in text
    assert http_hint(address, is_tls_failure=False, is_not_http=False) == ""
