"""Headers that travel on: few, named, and only where they can be told to another."""

import pytest

from processor.core.errors import UndecodableError
from processor.io.receiver.forwarded import ForwardedHeaders

TENANT = ForwardedHeaders(["x-scope-orgid", "b"])


def test_only_named_headers_are_picked_sorted_and_in_lower_case():
    headers = [("X-Scope-OrgID", " one "), ("Authorization", "Bearer x"), ("B", "2")]
    assert TENANT.pick(lambda: headers) == (("b", "2"), ("x-scope-orgid", "one"))


def test_without_names_nothing_is_looked_at():
    assert ForwardedHeaders(()).pick(pytest.fail) == ()


def test_a_request_without_headers_has_no_metadata():
    assert TENANT.pick(lambda: None) == ()


def test_a_header_that_is_sent_twice_is_a_list():
    """Guarantees: no value is silently chosen over another."""
    assert TENANT.pick(lambda: [("b", "1"), ("B", "2")]) == (("b", "1, 2"),)


@pytest.mark.parametrize("value", ["x" * 4097, "caf\xe9", "a\nb"])
def test_a_value_that_cannot_be_passed_on_costs_the_request(value):
    """Guarantees: no tenant's spans arrive as another's because a header was left out."""
    with pytest.raises(UndecodableError, match="x-scope-orgid"):
        TENANT.pick(lambda: [("x-scope-orgid", value)])
