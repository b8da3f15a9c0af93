"""Where the processor listens, and who may send."""

import pytest

from processor.assembly import listens_on, refuse_loop
from processor.config import load_settings
from processor.errors import ConfigError

GRPC = "receivers.otlp.protocols.grpc.endpoint"
HTTP = "receivers.otlp.protocols.http.endpoint"


def http_of(path=None, **flags):
    named = {"grpc": GRPC, "http": HTTP}
    settings = load_settings(path, {named[name]: value for name, value in flags.items()}, {})
    return settings.receivers.otlp.protocols.http


def listens(**flags):
    return http_of(**flags).endpoint


def file_with(tmp_path, text):
    path = tmp_path / "p.yaml"
    path.write_text(text)
    return path


def test_http_listens_on_its_own_port_of_this_machine_only():
    http = http_of()
    assert (http.endpoint, http.max_request_body_size_mib) == ("127.0.0.1:4318", 64)
    assert http.cors.allowed_origins == ()
    assert http.tls.cert_file == ""


def test_http_can_be_switched_off():
    assert listens(http="") == ""
    settings = load_settings(None, {HTTP: ""}, {})
    assert [str(each) for each in listens_on(settings)] == ["127.0.0.1:4317"]


def test_another_port_or_host_for_grpc_says_nothing_of_http():
    """No interface is opened that nobody has asked for."""
    assert listens(grpc="127.0.0.1:5000") == "127.0.0.1:4318"
    assert listens(grpc="0.0.0.0:4317") == "127.0.0.1:4318"


def test_any_free_port_for_grpc_means_any_free_port_for_http():
    """A second processor, or a test, does not insist on the usual port of the other protocol."""
    assert listens(grpc="127.0.0.1:0") == "127.0.0.1:0"
    assert listens(grpc="[::1]:0") == "[::1]:0"
    assert listens(grpc="127.0.0.1:10") == "127.0.0.1:4318"


def test_what_is_said_of_http_stands(tmp_path):
    assert listens(grpc="127.0.0.1:0", http="127.0.0.1:9") == "127.0.0.1:9"
    assert listens(grpc="127.0.0.1:0", http="") == ""
    text = "receivers: {otlp: {protocols: {http: {endpoint: '127.0.0.1:8'}}}}"
    assert http_of(file_with(tmp_path, text), grpc="127.0.0.1:0").endpoint == "127.0.0.1:8"


def test_origins_are_a_list(tmp_path):
    text = "receivers: {otlp: {protocols: {http: {cors: {allowed_origins: [%s]}}}}}"
    origins = "https://shop.example.com", "http://localhost:3000", "http://[::1]:80", "app://x"
    found = http_of(file_with(tmp_path, text % ", ".join(f"'{each}'" for each in origins)))
    assert found.cors.allowed_origins == origins


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("['*']", "must not allow every origin"),
        ("['https://*.example.com']", "is not an origin"),
        ("['https://shop.example.com/']", "is not an origin"),
        ("['https://Shop.example.com']", "lower case"),
        ("['shop.example.com']", "is not an origin"),
        ("['null']", "is not an origin"),
        ("[5]", "has 5, which is not an origin"),
        ("'https://shop.example.com'", "must be a list"),
        ("{}", "must be a list"),
    ],
)
def test_an_origin_that_is_none_or_any_is_refused(tmp_path, value, says):
    """A wildcard together with credentials would let any page send with its visitors' rights."""
    text = f"receivers: {{otlp: {{protocols: {{http: {{cors: {{allowed_origins: {value}}}}}}}}}}}"
    with pytest.raises(ConfigError, match=says):
        http_of(file_with(tmp_path, text))


def test_half_of_tls_is_refused_for_http_as_for_grpc(tmp_path):
    text = "receivers: {otlp: {protocols: {http: {tls: {%s: a.pem}}}}}"
    with pytest.raises(ConfigError, match="needs key_file as well"):
        http_of(file_with(tmp_path, text % "cert_file"))
    with pytest.raises(ConfigError, match="has no effect without TLS"):
        http_of(file_with(tmp_path, text % "client_ca_file"))


@pytest.mark.parametrize("port", [4317, 4318])
def test_a_backend_that_is_either_of_our_ports_is_refused(port):
    """Applications' OTEL_EXPORTER_OTLP_ENDPOINT names us, and reaches us as well."""
    environ = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://localhost:{port}"}
    with pytest.raises(ConfigError, match="is this processor itself"):
        refuse_loop(load_settings(None, {}, environ))
    refuse_loop(load_settings(None, {HTTP: "127.0.0.1:9", GRPC: "127.0.0.1:8"}, environ))


def test_an_address_that_is_none_names_its_setting():
    with pytest.raises(ConfigError, match=r"protocols\.http\.endpoint: 'nowhere'"):
        listens_on(load_settings(None, {HTTP: "nowhere"}, {}))
