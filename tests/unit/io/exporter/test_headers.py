"""Headers that a user has set."""

import pytest

from processor.core.errors import ConfigError
from processor.io.exporter.headers import read_headers, read_http_headers


def test_header_names_become_lower_case_and_binary_ones_bytes():
    headers = read_headers({"Authorization": "Bearer x", "X-Key-bin": "ab"})
    assert headers == (("authorization", "Bearer x"), ("x-key-bin", b"ab"))


def test_all_bad_headers_are_named_and_no_value_is_shown():
    with pytest.raises(ConfigError) as caught:
        read_headers({"a b": "secret", "ok": "sec\nret", "grpc-timeout": "1", "fine": "x"})
    assert len(caught.value.problems) == 3
    assert "sec" not in str(caught.value)


def test_http_takes_names_that_grpc_does_not_and_keeps_those_of_the_message_to_itself():
    assert read_http_headers({"Grpc-Timeout": "1", "X~Y": "b"}) == {"grpc-timeout": "1", "x~y": "b"}
    with pytest.raises(ConfigError) as caught:
        read_http_headers({"Content-Type": "secret", "Host": "secret", "a b": "secret"})
    assert len(caught.value.problems) == 3
    assert "secret" not in str(caught.value)
