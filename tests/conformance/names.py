"""A name server on this machine, for backends with several addresses and for names without any."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import cast

from processor.core.otlp.addresses import BackendAddress

_HEAD = struct.Struct(">HHHHHH")
_ADDRESS_RECORD = 1
_ANSWERED, _NO_SUCH_NAME = 0x8180, 0x8183


class NameServer(asyncio.DatagramProtocol):
    """Gives every name the same addresses; without addresses it knows no name."""

    def __init__(self, addresses: Sequence[str], *, ttl_s: int = 60) -> None:
        self.addresses = addresses
        """May be changed."""
        self._ttl_s = ttl_s
        self._transport: asyncio.DatagramTransport | None = None

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[int]:
        """Listen while the block lasts; gives the UDP port."""
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(lambda: self, ("127.0.0.1", 0))
        try:
            yield transport.get_extra_info("sockname")[1]
        finally:
            transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str | object, int]) -> None:
        assert self._transport is not None
        number = _HEAD.unpack_from(data)[0]
        end = data.index(b"\0", _HEAD.size) + 5
        (kind,) = struct.unpack_from(">H", data, end - 4)
        known = self.addresses if kind == _ADDRESS_RECORD else ()
        flags = _ANSWERED if self.addresses else _NO_SUCH_NAME
        address = 0xC000 | _HEAD.size
        records = [
            struct.pack(">HHHIH", address, kind, 1, self._ttl_s, 4) + socket.inet_aton(each)
            for each in known
        ]
        head = _HEAD.pack(number, flags, 1, len(records), 0, 0)
        self._transport.sendto(head + data[_HEAD.size : end] + b"".join(records), addr)


class NamedAddress(BackendAddress):
    """A backend whose name is looked up at a certain name server."""

    @classmethod
    def at(cls, name_server_port: int, port: int) -> NamedAddress:
        """The backend ``backend.test``, known to a `NameServer`."""
        return cls(f"127.0.0.1:{name_server_port}/backend.test", port, False, True)

    @property
    def target(self) -> str:
        return f"dns://{self.host}:{self.port}"
