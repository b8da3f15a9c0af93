"""Headers that are forwarded, and cross-origin requests: only what is named, and nothing else."""

import pytest

from processor.core.errors import UndecodableError
from processor.io.receiver.headers import ForwardedHeaders

TENANT = ForwardedHeaders(["x-scope-orgid", "b"])


def test_only_named_headers_are_picked_sorted_and_in_lower_case():
    headers = [("X-Scope-OrgID", " one "), ("Authorization", "Bearer x"), ("B", "2")]
    assert TENANT.pick(headers) == (("b", "2"), ("x-scope-orgid", "one"))


def test_without_names_nothing_is_picked():
    assert ForwardedHeaders(()).pick([("b", "1")]) == ()


def test_a_request_without_headers_has_no_metadata():
    assert TENANT.pick([]) == ()


def test_a_header_that_is_sent_twice_is_a_list():
    """Guarantees: no value is silently chosen over another."""
    assert TENANT.pick([("b", "1"), ("B", "2")]) == (("b", "1, 2"),)


@pytest.mark.parametrize("value", ["x" * 4097, "caf\xe9", "a\nb"])
def test_a_value_that_cannot_be_forwarded_refuses_the_request(value):
    """Guarantees: no tenant's spans arrive as another's because a header was left out."""
    with pytest.raises(UndecodableError, match="x-scope-orgid"):
        TENANT.pick([("x-scope-orgid", value)])


PAGE = "https://shop.example.com"
JSON = "application/json"


async def preflight(gateway, origin):
    return await gateway.post(
        method="OPTIONS", body=None, content_type="", Origin=origin,
        Access_Control_Request_Method="POST",
        Access_Control_Request_Headers="content-type,x-tenant",
    )  # fmt: skip


def cors_headers(reply):
    return {name for name in reply.headers if name.lower().startswith("access-control")}


async def test_without_origins_no_page_may_send(gateway):
    await gateway.open_http()
    reply = await preflight(gateway, PAGE)
    assert reply.status == 405
    assert not cors_headers(reply)
    reply = await gateway.post(body=b"{}", content_type=JSON, Origin=PAGE)
    assert not cors_headers(reply)


async def test_a_listed_page_may_ask_and_send(gateway):
    await gateway.open_http(allowed_origins=(PAGE,))
    reply = await preflight(gateway, PAGE)
    assert (reply.status, reply.body) == (204, b"")
    assert reply.headers["Access-Control-Allow-Origin"] == PAGE
    assert reply.headers["Access-Control-Allow-Methods"] == "POST"
    assert reply.headers["Access-Control-Allow-Headers"] == "content-type,x-tenant"
    assert not gateway.batches
    for body, status in ((b"{}", 200), (b"{", 400)):
        reply = await gateway.post(body=body, content_type=JSON, Origin=PAGE)
        assert reply.status == status
        assert reply.headers["Access-Control-Allow-Origin"] == PAGE
        assert reply.headers["Access-Control-Allow-Credentials"] == "true"
        assert reply.headers["Access-Control-Expose-Headers"] == "Retry-After"
        assert reply.headers["Vary"] == "Origin"


@pytest.mark.parametrize(
    "origin", ["null", "http://shop.example.com", PAGE + ".evil.com", PAGE[:-1]]
)
async def test_another_page_gets_no_permission(gateway, origin):
    await gateway.open_http(allowed_origins=(PAGE,))
    reply = await preflight(gateway, origin)
    assert reply.status == 405
    assert not cors_headers(reply)
    assert reply.headers["Vary"] == "Origin"


async def test_programs_that_are_no_browsers_are_not_affected(gateway):
    await gateway.open_http(allowed_origins=(PAGE,))
    reply = await gateway.post(body=b"{}", content_type=JSON)
    assert reply.status == 200
    assert not cors_headers(reply)
