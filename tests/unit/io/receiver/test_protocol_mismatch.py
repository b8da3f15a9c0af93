"""A sender that speaks the wrong protocol to the HTTP port is logged, and does not fill the log."""

from __future__ import annotations

import logging

import grpc
import pytest

from processor.io.receiver import http_connections
from processor.io.receiver.protocol_mismatch import ProtocolMismatchFilter

HELLO_TLS = b"\x16\x03\x01\x02\x00" * 20


@pytest.fixture
def clock(monkeypatch):
    """The time of the log's filter; nothing was logged before."""
    now_s = [0.0]
    fresh = ProtocolMismatchFilter(http_connections._log, lambda: now_s[0])
    monkeypatch.setattr(http_connections.library_log, "filters", [fresh])
    return now_s


async def say_over_grpc(gateway):
    # A connection of its own: a shared one would wait a second after the first failure.
    own = (("grpc.use_local_subchannel_pool", 1),)
    target = f"127.0.0.1:{gateway.receiver.http_port}"
    async with grpc.aio.insecure_channel(target, own) as channel:
        with pytest.raises(grpc.aio.AioRpcError):
            await channel.unary_unary("/any/Method")(b"", timeout=5)


@pytest.mark.usefixtures("clock")
async def test_grpc_at_the_http_port_is_logged_with_the_fix(gateway, caplog):
    await gateway.open_http()
    await say_over_grpc(gateway)
    (line,) = caplog.messages
    assert line.startswith("a sender at 127.0.0.1 speaks gRPC to the port of OTLP/HTTP")
    assert "OTEL_EXPORTER_OTLP_PROTOCOL" in line


@pytest.mark.usefixtures("clock")
async def test_tls_at_a_plain_port_is_logged_with_the_fix(gateway, caplog):
    await gateway.open_http()
    await gateway.raw(HELLO_TLS)
    (line,) = caplog.messages
    assert line.startswith("a sender at 127.0.0.1 speaks TLS")
    assert "http://" in line


async def test_each_mistake_is_logged_once_in_ten_minutes(gateway, clock, caplog):
    await gateway.open_http()
    for now_s in (0.0, 599.0, 600.0):
        clock[0] = now_s
        await gateway.raw(HELLO_TLS)
        await say_over_grpc(gateway)
    assert len(caplog.messages) == 4


@pytest.mark.usefixtures("clock")
async def test_noise_is_not_logged(gateway, caplog):
    await gateway.open_http()
    await gateway.raw(b"\0\1\2 hello\r\n\r\n")
    assert not caplog.messages


def test_what_is_no_request_is_logged_as_it_was(caplog):
    log = logging.getLogger("test_protocol_mismatch")
    log.addFilter(ProtocolMismatchFilter(log))
    log.setLevel(logging.DEBUG)
    log.error("a bug")
    log.debug("a detail of the library")
    assert caplog.messages == ["a bug"]
