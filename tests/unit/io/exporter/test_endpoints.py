"""Which URL each signal is posted to."""

import pytest

from processor.core.errors import ConfigError
from processor.io.exporter.endpoints import read_endpoints


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
