"""Headers, and the advice that comes with a failed connection."""

import pytest

from processor.errors import ConfigError
from processor.exporter.address import parse_address
from processor.exporter.grpc_channel import ClientTls, hint, read_headers


def test_header_names_become_lower_case_and_binary_ones_bytes():
    headers = read_headers({"Authorization": "Bearer x", "X-Key-bin": "ab"})
    assert headers == (("authorization", "Bearer x"), ("x-key-bin", b"ab"))


def test_all_bad_headers_are_named_and_no_value_is_shown():
    with pytest.raises(ConfigError) as caught:
        read_headers({"a b": "secret", "ok": "sec\nret", "grpc-timeout": "1", "fine": "x"})
    assert len(caught.value.problems) == 3
    assert "sec" not in str(caught.value)


def test_a_failed_handshake_names_the_mend():
    told = hint(parse_address("jaeger:4317"), "SSL_ERROR_SSL: wrong version number: handshake")
    assert "write http://jaeger:4317" in told
    assert "which is the default for other machines" in told
    assert "default" not in hint(parse_address("https://jaeger:4317"), "TLS handshake failed")


def test_plaintext_to_a_tls_server_names_the_mend():
    assert "https://jaeger:4317" in hint(parse_address("http://jaeger:4317"), "Socket closed")


def test_other_failures_come_without_advice():
    assert hint(parse_address("jaeger:4317"), "Connection refused") == ""
    assert hint(parse_address("localhost:4317"), "Connection refused") == ""


def test_a_key_is_never_printed():
    assert "secret" not in repr(ClientTls(key=b"secret"))
