"""How addresses are read, what is posted where, and what is on this machine."""

import pytest

from processor.core.errors import ConfigError
from processor.core.otlp.addresses import (
    is_local_peer,
    is_loopback,
    parse_backend,
    parse_listen,
    parse_url,
    read_endpoints,
)


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
    address = parse_backend(text)
    assert (address.target, address.is_tls) == (target, is_tls)


@pytest.mark.parametrize(
    "text",
    ["", ":4317", "http://", "host:port", "host:99999", "ftp://host:1", "http://host:1/v1/traces"],
)
def test_what_is_no_address_is_refused_with_the_fix(text):
    with pytest.raises(ConfigError, match=r"write host:port, http://host:port"):
        parse_backend(text)


def test_a_password_in_the_address_is_refused_and_not_repeated():
    with pytest.raises(ConfigError) as caught:
        parse_backend("https://user:secret@host:1")
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
    assert parse_backend("tempo:1", insecure=insecure).is_tls is not insecure
    assert parse_backend("localhost:1", insecure=insecure).is_tls is not insecure
    assert parse_backend("https://tempo", insecure=True).is_tls


@pytest.mark.parametrize("text", ["", "http://", "host:99999", "ftp://host:1", "http://h/#x"])
def test_what_is_no_address_for_http_is_refused_with_the_setting(text):
    with pytest.raises(ConfigError, match="here: "):
        parse_url(text, "here")


def urls(base, **own):
    return {signal: each.url for signal, each in read_endpoints(base, own).items()}


@pytest.mark.parametrize(
    "base",
    [
        "http://h:1/base",
        "http://h:1/base/",
        "http://h:1/base/v1/traces",
        "http://h:1/base/v1/logs/",
    ],
)
def test_the_paths_of_signals_are_added_to_the_base_endpoint_once(base):
    assert urls(base) == {
        "traces": "http://h:1/base/v1/traces",
        "metrics": "http://h:1/base/v1/metrics",
        "logs": "http://h:1/base/v1/logs",
    }


def test_a_signals_own_endpoint_is_used_as_it_is():
    found = urls("http://h:1", traces="https://t/in/?key=x", logs="http://l:2", metrics="")
    assert found == {
        "traces": "https://t:443/in/?key=x",
        "metrics": "http://h:1/v1/metrics",
        "logs": "http://l:2/",
    }


def test_a_signal_without_any_endpoint_has_no_url():
    assert urls("", traces="http://t:1/x") == {"traces": "http://t:1/x"}


def test_mistakes_name_the_setting_and_never_a_password():
    with pytest.raises(ConfigError, match=r"otlphttp\.endpoint: the base endpoint has a query"):
        read_endpoints("http://h/?key=1", {})
    with pytest.raises(ConfigError, match=r"otlphttp\.logs_endpoint") as caught:
        read_endpoints("", {"logs": "http://user:secret@h"})
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "peer",
    [
        "ipv4:127.0.0.1:50000",
        "ipv4:127.8.9.10:1",
        "ipv6:[::1]:50000",
        "ipv6:%5B::1%5D:50000",
        "ipv6:%5B::ffff:127.0.0.1%5D:50000",
        "unix:",
        "unix:/run/llm-cost.sock",
        "unix-abstract:llm-cost",
    ],
)
def test_loopback_and_sockets_of_this_machine_are_local(peer):
    assert is_local_peer(peer)


@pytest.mark.parametrize(
    "peer",
    [
        "",
        "ipv4:",
        "ipv4:10.0.0.7:50000",
        "ipv4:128.0.0.1:50000",
        "ipv4:127.0.0.1.evil.example:1",
        "ipv6:%5B2001:db8::1%5D:50000",
        "ipv6:%5Bfe80::1%25eth0%5D:50000",
        "ipv6:%5B::ffff:10.0.0.7%5D:50000",
        "dns:localhost:1",
        "127.0.0.1:50000",
    ],
)
def test_everything_else_is_not(peer):
    assert not is_local_peer(peer)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", True),
        ("app.localhost", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("::1%lo", True),
        ("::ffff:127.0.0.1", True),
        ("", False),
        ("0.0.0.0", False),
        ("::", False),
        ("localhost.example.com", False),
        ("fe80::1%eth0", False),
    ],
)
def test_a_host_is_on_this_machine_only_when_it_cannot_be_elsewhere(host, expected):
    assert is_loopback(host) is expected


@pytest.mark.parametrize(
    ("text", "shown"),
    [("127.0.0.1:4317", "127.0.0.1:4317"), (":1", "[::]:1"), ("[::1]:0", "[::1]:0")],
)
def test_an_address_to_listen_on_is_a_host_and_a_port(text, shown):
    """Guarantees: an empty host is every interface, and an IPv6 address keeps its brackets."""
    assert str(parse_listen(text)) == shown


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("0.0.0.0:1", "127.0.0.1"), (":1", "127.0.0.1"), ("[::]:1", "127.0.0.1"),
        ("[::1]:1", "::1"), ("costs.example:1", "costs.example"),
    ],
)  # fmt: skip
def test_a_listener_of_every_interface_is_reached_over_loopback(text, host):
    assert parse_listen(text).own_host == host


@pytest.mark.parametrize("text", ["", "4317", "localhost", "localhost:x", "http://h:1", "h:1/p"])
def test_what_is_no_address_to_listen_on_is_refused_with_its_setting(text):
    with pytest.raises(ConfigError, match=r"here: .*host:port"):
        parse_listen(text, "here")
