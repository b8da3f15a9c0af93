"""Where the processor listens, and who may send."""

import pytest

from processor.app.addresses import listens_on, refuse_loop
from processor.config import load_settings
from processor.config.receivers import read_tokens
from processor.core.errors import ConfigError

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
    assert [str(each) for each in listens_on(settings)] == ["127.0.0.1:4317", "127.0.0.1:8888"]


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
        load_settings(None, {HTTP: "nowhere"}, {})


TOKENS = "receivers: {otlp: {protocols: {http: {auth: {bearer_tokens: %s}}}}}"


def test_tokens_are_a_list_and_never_printed(tmp_path):
    """Guarantees: from the environment or the file, and hidden wherever settings are shown."""
    file = file_with(tmp_path, TOKENS % '["${env:ONE}", "second-token-of-some-length="]')
    settings = load_settings(file, {}, {"ONE": "first-token-of-some-length"})
    auth = settings.receivers.otlp.protocols.http.auth
    assert auth.bearer_tokens == ("first-token-of-some-length", "second-token-of-some-length=")
    assert "of-some-length" not in repr(settings)


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("[short]", "must have at least 16 characters, has 5"),
        ("secret-in-the-wrong-place", "must be a list"),
        ("[12345678901234567890]", "must be text"),
        ("['secret with spaces in it']", "no header can carry"),
        ("['secret-with-an-\u00fcmlaut']", "no header can carry"),
        ("[{secret-in-a-map: 1}]", "must be text"),
    ],
)
def test_a_token_that_will_not_do_is_refused_and_not_shown(tmp_path, value, says):
    """Guarantees: the message says what is wrong without telling the secret."""
    with pytest.raises(ConfigError, match=says) as caught:
        http_of(file_with(tmp_path, TOKENS % value))
    assert "secret" not in str(caught.value)


def test_a_file_of_tokens_has_one_on_each_line():
    text = "first-token-of-some-length\n\n  second-token-of-some-length \r\n"
    expected = ("first-token-of-some-length", "second-token-of-some-length")
    assert read_tokens(text, "tokens") == expected


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "holds no token"),
        (" \n", "holds no token"),
        ("short", "at least 16 characters"),
        ("secret with spaces in it", "no header can carry"),
    ],
)
def test_a_file_of_tokens_that_will_not_do_is_refused_and_not_shown(text, says):
    """Guarantees: an emptied file does not let everybody in."""
    with pytest.raises(ConfigError, match=f"^tokens: .*{says}") as caught:
        read_tokens(text, "tokens")
    assert "secret" not in str(caught.value)


OPEN = "whoever reaches"
IN_PLAIN_TEXT = "travel unencrypted"


@pytest.mark.parametrize(
    ("endpoint", "more", "says"),
    [
        ("127.0.0.1:1", "", ""),
        ("localhost:1", "", ""),
        ("[::1]:1", "", ""),
        ("127.9.9.9:1", "", ""),
        ("0.0.0.0:1", "", OPEN),
        (":1", "", OPEN),
        ("[::]:1", "", OPEN),
        ("host.example.com:1", "", OPEN),
        ("0.0.0.0:1", "auth: {bearer_tokens: [a-token-of-some-length]}", IN_PLAIN_TEXT),
        ("0.0.0.0:1", "auth: {bearer_token_file: a}", IN_PLAIN_TEXT),
        ("0.0.0.0:1", "tls: {cert_file: a, key_file: b}", OPEN),
        ("0.0.0.0:1", "tls: {cert_file: a, key_file: b, client_ca_file: c}", ""),
        (
            "0.0.0.0:1",
            "tls: {cert_file: a, key_file: b}, auth: {bearer_tokens: [a-token-of-some-length]}",
            "",
        ),
    ],
)
@pytest.mark.parametrize("protocol", ["grpc", "http"])
def test_a_receiver_that_is_open_to_others_is_mentioned(tmp_path, protocol, endpoint, more, says):
    """Guarantees: one sentence at the start for what strangers can use; none on loopback."""
    text = f"receivers: {{otlp: {{protocols: {{{protocol}: {{endpoint: '{endpoint}', {more}}}}}}}}}"
    warnings = load_settings(file_with(tmp_path, text), {}, {}).warnings
    assert len(warnings) == bool(says)
    for warning in warnings:
        assert warning.startswith(f"receivers.otlp.protocols.{protocol}: ")
        assert says in warning


@pytest.mark.parametrize(
    ("forwarded", "tokens", "is_said"),
    [
        ("authorization", "[a-token-of-some-length]", True),
        ("authorization", "[]", False),
        ("x-scope-orgid", "[a-token-of-some-length]", False),
    ],
)
def test_our_own_tokens_that_would_go_on_to_a_backend_are_mentioned(
    tmp_path, forwarded, tokens, is_said
):
    """Guarantees: nobody forwards by accident the tokens that senders need."""
    text = (
        f"receivers: {{otlp: {{protocols: {{http: {{auth: {{bearer_tokens: {tokens}}}}}}}}}}}\n"
        f"exporters: {{otlp: {{endpoint: 'a:1', forward_headers: [{forwarded}]}}}}\n"
    )
    warnings = load_settings(file_with(tmp_path, text), {}, {}).warnings
    assert any("our own bearer tokens" in warning for warning in warnings) == is_said
