"""The connection to an OTLP/gRPC backend."""

from processor.io.exporter.grpc_channel import ClientTls


def test_a_key_is_never_printed():
    assert "secret" not in repr(ClientTls(key=b"secret"))
