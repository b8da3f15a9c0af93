"""Which of several destinations have a request already whose sender was told to send it again.

One of them was away, so the sender sends all of it again; without this memory those that were there
would get it as often as the sender tries. It is a memory only: after a restart, or when more
requests wait for another try than fit, they do get it again, and OTLP has them expect that.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from hashlib import blake2b
from typing import Final

from processor.core.model import Metadata, Receipt, Signal
from processor.io.exporter.destination import Destination

Receipts = Mapping[Destination, Receipt]
_NOTHING: Final[Receipts] = {}


class Delivered:
    """Remembers requests by their content, which a repeat has in common with the first."""

    def __init__(self, max_requests: int = 1024) -> None:
        """Beyond `max_requests` the one that was heard of least recently is forgotten."""
        self._max_requests = max_requests
        self._receipts: OrderedDict[bytes, Receipts] = OrderedDict()

    def __len__(self) -> int:
        return len(self._receipts)

    def recall(self, signal: Signal, payload: bytes, metadata: Metadata) -> Receipts:
        """What destinations have said that took this request before; in good times none have."""
        if not self._receipts:
            return _NOTHING
        return self._receipts.get(_key(signal, payload, metadata), _NOTHING)

    def keep(self, signal: Signal, payload: bytes, metadata: Metadata, receipts: Receipts) -> None:
        """Remember who has taken a request that will come again; no receipts: it will not."""
        if not receipts and not self._receipts:
            return
        key = _key(signal, payload, metadata)
        self._receipts.pop(key, None)
        if receipts:
            self._receipts[key] = receipts
        while len(self._receipts) > self._max_requests:
            self._receipts.popitem(last=False)


def _key(signal: Signal, payload: bytes, metadata: Metadata) -> bytes:
    digest = blake2b(repr((signal, metadata)).encode() + b"\0", digest_size=32)
    digest.update(payload)
    return digest.digest()
