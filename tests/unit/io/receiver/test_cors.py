"""Web pages may send where their origin is listed, and nowhere else."""

import pytest

PAGE = "https://shop.example.com"
JSON = "application/json"


async def preflight(house, origin):
    return await house.post(
        method="OPTIONS", body=None, content_type="", Origin=origin,
        Access_Control_Request_Method="POST",
        Access_Control_Request_Headers="content-type,x-tenant",
    )  # fmt: skip


def cors_headers(reply):
    return {name for name in reply.headers if name.lower().startswith("access-control")}


async def test_without_origins_no_page_is_let_in(house):
    await house.open_http()
    reply = await preflight(house, PAGE)
    assert reply.status == 405
    assert not cors_headers(reply)
    reply = await house.post(body=b"{}", content_type=JSON, Origin=PAGE)
    assert not cors_headers(reply)


async def test_a_listed_page_may_ask_and_send(house):
    await house.open_http(allowed_origins=(PAGE,))
    reply = await preflight(house, PAGE)
    assert (reply.status, reply.body) == (204, b"")
    assert reply.headers["Access-Control-Allow-Origin"] == PAGE
    assert reply.headers["Access-Control-Allow-Methods"] == "POST"
    assert reply.headers["Access-Control-Allow-Headers"] == "content-type,x-tenant"
    assert not house.batches
    for body, status in ((b"{}", 200), (b"{", 400)):
        reply = await house.post(body=body, content_type=JSON, Origin=PAGE)
        assert reply.status == status
        assert reply.headers["Access-Control-Allow-Origin"] == PAGE
        assert reply.headers["Access-Control-Allow-Credentials"] == "true"
        assert reply.headers["Access-Control-Expose-Headers"] == "Retry-After"
        assert reply.headers["Vary"] == "Origin"


@pytest.mark.parametrize(
    "origin", ["null", "http://shop.example.com", PAGE + ".evil.com", PAGE[:-1]]
)
async def test_another_page_is_told_nothing(house, origin):
    await house.open_http(allowed_origins=(PAGE,))
    reply = await preflight(house, origin)
    assert reply.status == 405
    assert not cors_headers(reply)
    assert reply.headers["Vary"] == "Origin"


async def test_programs_that_are_no_browsers_are_not_concerned(house):
    await house.open_http(allowed_origins=(PAGE,))
    reply = await house.post(body=b"{}", content_type=JSON)
    assert reply.status == 200
    assert not cors_headers(reply)
