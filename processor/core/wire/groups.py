"""What the spans of one ScopeSpans share, remembered from payload to payload.

An SDK sends the same resource and the same few scopes in every request. They are known by their
bytes, so what is remembered is what would be read again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Generic, NamedTuple, TypeVar

from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from processor.core.model import Value, Wanted
from processor.core.wire.attributes import read_wanted

REMEMBERED_MAX = 1024
"""Resources, and as many scopes, that are remembered; when there are more, all are forgotten."""
SIZE_MAX = 4 * 1024
"""Bytes of a resource or scope beyond which it is read anew each time."""

_Message = TypeVar("_Message", Resource, InstrumentationScope)
_Read = TypeVar("_Read")


class Scope(NamedTuple):
    """What a `Group` says of an instrumentation scope."""

    name: str
    version: str
    attributes: Mapping[str, Value]


class Remembered(Generic[_Message, _Read]):
    """A reader of messages that reads equal ones once. What it returns must not be changed."""

    def __init__(self, read: Callable[[_Message], _Read]) -> None:
        """Remember what `read` returns."""
        self._read: Callable[[_Message], _Read] = read
        self._known: dict[bytes, _Read] = {}

    def __call__(self, message: _Message) -> _Read:
        """Read a message, or return what an equal one gave."""
        encoded = message.SerializeToString()
        read = self._known.get(encoded)
        if read is None:
            read = self._read(message)
            if len(encoded) <= SIZE_MAX:
                if len(self._known) >= REMEMBERED_MAX:
                    self._known.clear()
                self._known[encoded] = read
        return read


class GroupReaders(NamedTuple):
    """The readers of what `Group` is made of."""

    resource: Remembered[Resource, Mapping[str, Value]]
    scope: Remembered[InstrumentationScope, Scope]


@lru_cache(maxsize=4)
def group_readers(wanted: Wanted) -> GroupReaders:
    """The readers for one `Wanted`, with their memory."""
    return GroupReaders(
        Remembered(lambda resource: read_wanted(resource.attributes, wanted)),
        Remembered(
            lambda scope: Scope(scope.name, scope.version, read_wanted(scope.attributes, wanted))
        ),
    )
