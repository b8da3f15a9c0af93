"""Certificates of the servers: what is refused, and what is in force at which moment."""

import asyncio
import ssl

import pytest
from conformance.certificates import make_self_signed

from processor.core.certificates import first_end_s
from processor.core.errors import ConfigError
from processor.io.receiver import load_tls
from processor.io.receiver.tls import TlsInForce


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("certificates")
    return [tuple(map(str, make_self_signed(folder, name))) for name in ("old", "new")]


def test_files_that_are_no_certificate_are_a_config_error(tmp_path):
    nonsense = tmp_path / "nonsense.pem"
    nonsense.write_text("nonsense")
    for file in (nonsense, tmp_path / "missing.pem"):
        with pytest.raises(ConfigError, match=r"http\.tls: .* cannot be used"):
            load_tls(str(file), str(file), "", "http.tls")


def test_a_key_of_another_certificate_is_a_config_error(pairs):
    """Guarantees: between a new certificate and its new key nothing changes."""
    (old, _), (_, new_key) = pairs
    with pytest.raises(ConfigError, match="cannot be used"):
        load_tls(old, new_key, "", "tls")


def test_a_key_is_never_printed(pairs):
    assert "PRIVATE" not in repr(load_tls(*pairs[0], "", "tls"))


def test_ends_of_what_is_shown_and_trusted(pairs):
    tls = load_tls(*pairs[0], pairs[1][0], "tls")
    assert tls.ends_s == {"certificate": first_end_s(tls.certificate), "ca": tls.ends_s["ca"]}


async def shown_at(port, trusted, own=()):
    """Whether a client that trusts `trusted` gets an answer."""
    context = ssl.create_default_context(cafile=trusted)
    if own:
        context.load_cert_chain(*own)
    try:
        reader, writer = await asyncio.open_connection("localhost", port, ssl=context)
        answer = await reader.read(2)
    except OSError:
        return False
    writer.close()
    return answer == b"hi"


async def test_each_connection_begins_with_what_is_in_force_then(pairs):
    """Guarantees: another certificate is shown, and an authority that was taken out is not trusted.

    An open connection goes on.
    """
    old, new = pairs
    in_force = TlsInForce(load_tls(*old, old[0], "tls"))

    async def greet(reader, writer):
        writer.write(b"hi")
        await reader.read()
        writer.close()

    context = in_force.http_context()
    server = await asyncio.start_server(greet, "localhost", 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    assert await shown_at(port, old[0], old)
    assert not await shown_at(port, old[0])
    in_force.value = load_tls(*new, new[0], "tls")
    assert await shown_at(port, new[0], new)
    assert not await shown_at(port, old[0], new)
    assert not await shown_at(port, new[0], old)
    server.close()
