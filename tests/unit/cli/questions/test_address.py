"""Where the API is that a command asks."""

import pytest

from processor.cli.questions.address import api_address
from processor.config import load_settings
from processor.core.errors import ConfigError

SETTINGS = load_settings(None, {}, {})


@pytest.mark.parametrize(
    ("endpoint", "address", "prefix"),
    [
        ("http://costs:8888", "http://costs:8888", "/api/v1"),
        ("costs:9000", "http://costs:9000", "/api/v1"),
        ("costs", "http://costs:8888", "/api/v1"),
        ("[::1]", "http://[::1]:8888", "/api/v1"),
        ("[::1]:9000", "http://[::1]:9000", "/api/v1"),
        ("https://costs.example.com", "https://costs.example.com:443", "/api/v1"),
        ("http://costs:8888/api/v1/", "http://costs:8888", "/api/v1"),
        ("https://example.com/llm", "https://example.com:443", "/llm/api/v1"),
    ],
)
def test_an_endpoint_is_read_as_people_write_it(given, endpoint, address, prefix):
    """Guarantees: with or without scheme and port, and with the path that `serve` prints."""
    there = api_address(given(endpoint=endpoint), SETTINGS)
    assert (str(there), there.prefix) == (address, prefix)


def test_without_an_endpoint_it_is_where_the_settings_have_it_listen(given, tmp_path):
    """Guarantees: every interface is reached by loopback, and no API is no address."""
    for text, address in [
        ("", "http://127.0.0.1:8888"),
        ("telemetry: {metrics: {endpoint: '0.0.0.0:9999'}}", "http://127.0.0.1:9999"),
        ("telemetry: {metrics: {endpoint: ''}}", "None"),
        ("api: {enabled: false}", "None"),
    ]:
        (tmp_path / "processor.yaml").write_text(text)
        settings = load_settings(tmp_path / "processor.yaml", {}, {})
        assert str(api_address(given(), settings)) == address


def test_a_token_of_the_settings_goes_to_no_other_processor(given, tmp_path, monkeypatch):
    """Guarantees: with --endpoint only the token of the environment is shown."""
    monkeypatch.delenv("LLM_COST_TOKEN", raising=False)
    (tmp_path / "tokens").write_text("a-token-of-some-length\n")
    (tmp_path / "processor.yaml").write_text(f"api: {{read_token_file: '{tmp_path}/tokens'}}")
    settings = load_settings(tmp_path / "processor.yaml", {}, {})
    assert api_address(given(), settings).token == "a-token-of-some-length"
    assert api_address(given(endpoint="costs:1"), settings).token == ""
    monkeypatch.setenv("LLM_COST_TOKEN", "another\n")
    assert api_address(given(endpoint="costs:1"), settings).token == "another"
    assert "another" not in repr(api_address(given(), settings))


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ({"cert_file": "x"}, "--cert-file: needs --key-file"),
        ({"ca_file": "/nowhere/ca.pem"}, "--ca-file: cannot be used: No such file"),
        ({"endpoint": "http://a:1/?x=1"}, "--endpoint: http://a:1/?x=1 has a query"),
    ],
)
def test_flags_that_cannot_be_used_are_named(given, flags, said):
    with pytest.raises(ConfigError, match=said.replace("?", r"\?")):
        api_address(given(**flags), SETTINGS)


def test_a_token_that_no_header_can_carry_is_refused(given, monkeypatch):
    monkeypatch.setenv("LLM_COST_TOKEN", "a\nb")
    with pytest.raises(ConfigError, match="LLM_COST_TOKEN"):
        api_address(given(), SETTINGS)
