"""How an address is read."""

import pytest

from processor.core.errors import ConfigError
from processor.io.exporter.address import parse_address, parse_url


@pytest.mark.parametrize(
    ("text", "target", "is_tls"),
    [
        ("localhost:4317", "dns:///localhost:4317", False),
        ("127.0.0.1:1", "dns:///127.0.0.1:1", False),
        ("127.9.9.9:1", "dns:///127.9.9.9:1", False),
        ("[::1]:1", "dns:///[::1]:1", False),
        ("jaeger:4317", "dns:///jaeger:4317", True),
        ("10.0.0.1:4317", "dns:///10.0.0.1:4317", True),
        ("http://jaeger:4317", "dns:///jaeger:4317", False),
        ("http://jaeger:4317/", "dns:///jaeger:4317", False),
        ("https://localhost:4317", "dns:///localhost:4317", True),
        ("jaeger", "dns:///jaeger:4317", True),
        ("https://tempo.example.com", "dns:///tempo.example.com:4317", True),
    ],
)
def test_without_a_scheme_loopback_is_plaintext_and_the_rest_tls(text, target, is_tls):
    address = parse_address(text)
    assert (address.target, address.is_tls) == (target, is_tls)


@pytest.mark.parametrize(
    "text",
    ["", ":4317", "http://", "host:port", "host:99999", "ftp://host:1", "http://host:1/v1/traces"],
)
def test_what_is_no_address_is_refused_with_the_fix(text):
    with pytest.raises(ConfigError, match=r"write host:port, http://host:port"):
        parse_address(text)


def test_a_password_in_the_address_is_refused_and_not_repeated():
    with pytest.raises(ConfigError) as caught:
        parse_address("https://user:secret@host:1")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("http://jaeger:4318", "http://jaeger:4318"),
        ("https://cloud.example.com/otlp/", "https://cloud.example.com:443/otlp/"),
        ("http://cloud.example.com", "http://cloud.example.com:80"),
        ("localhost", "http://localhost:4318"),
        ("tempo:4318", "https://tempo:4318"),
        ("[::1]:1/x?key=1", "http://[::1]:1/x?key=1"),
    ],
)
def test_addresses_for_http_keep_their_path_and_query(text, url):
    assert parse_url(text, "here").url == url


@pytest.mark.parametrize("insecure", [True, False])
def test_without_a_scheme_the_setting_decides_on_tls(insecure):
    assert parse_url("tempo:1", "here", insecure=insecure).address.is_tls is not insecure
    assert parse_url("https://tempo", "here", insecure=True).address.is_tls


@pytest.mark.parametrize("text", ["", "http://", "host:99999", "ftp://host:1", "http://h/#x"])
def test_what_is_no_address_for_http_is_refused_with_the_setting(text):
    with pytest.raises(ConfigError, match="here: "):
        parse_url(text, "here")
