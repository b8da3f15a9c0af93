"""Reading a backend's answer over HTTP: bounded, whatever it sends.

Source: OTLP specification, "OTLP/HTTP Response".
"""

from __future__ import annotations

import asyncio
import json
import re
from typing import Final

import aiohttp
from google.protobuf.message import DecodeError
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]  # no py.typed

from processor.core.errors import UndecodableError
from processor.core.model import Receipt, Signal
from processor.core.otlp.codes import Code
from processor.core.otlp.encodings import UNPACKERS, unpack_in_turns
from processor.core.otlp.responses import one_line, read_json_response, read_response

_RESPONSE_LIMIT_BYTES: Final = 4 * 1024 * 1024
_OTLP_TYPES: Final = frozenset(
    {
        "application/x-protobuf",
        "application/protobuf",
        "application/vnd.google.protobuf",
        "application/json",
    }
)
_UNNAMED_TYPE: Final = "application/octet-stream"
"""What an answer without a Content-Type has (RFC 9110, section 8.3)."""
_UNPRINTABLE: Final = re.compile(r"[^\x20-\x7e]+")
_TEXT_LIMIT_CHARS: Final = 200


async def read_body(response: aiohttp.ClientResponse) -> bytes | None:
    """The body, decompressed; None for one that breaks off, is too large, or cannot be unpacked.

    The limit of 4 MiB holds for what comes in and for what it unpacks to.
    """
    body = bytearray()
    try:
        async for chunk in response.content.iter_any():
            body += chunk
            if len(body) > _RESPONSE_LIMIT_BYTES:
                return None
    except (aiohttp.ClientError, TimeoutError, OSError):
        return None
    coding = response.headers.get("Content-Encoding", "identity").strip().lower()
    if coding in {"identity", ""}:
        return bytes(body)
    return await _unpack(coding, bytes(body)) if coding in UNPACKERS else None


async def _unpack(coding: str, packed: bytes) -> bytes | None:
    unpacker = UNPACKERS[coding]()
    body = bytearray()
    try:
        for piece in unpack_in_turns(unpacker, packed):
            body += piece
            if len(body) > _RESPONSE_LIMIT_BYTES:
                return None
            await asyncio.sleep(0)
        unpacker.finish()
    except UndecodableError:
        return None
    return bytes(body)


def receipt_of(signal: Signal, content_type: str, body: bytes | None) -> Receipt | None:
    """What the body of an HTTP 200 says; None where it cannot be read."""
    if body is None:
        return None
    if content_type == "application/json" and body:
        return read_json_response(signal, body)
    return read_response(signal, body)


def is_otlp_error(content_type: str, body: bytes | None) -> bool:
    """Whether the body of an error is what OTLP demands of a backend: a google.rpc.Status.

    Proxies answer with HTML, text or nothing, and some with JSON that has a message, but no code.
    """
    try:
        if content_type == "application/x-protobuf":
            # Nobody else names this type: it counts also where the body is more than is read.
            Status.FromString(body or b"")
            return True
        if content_type == "application/json":
            code = json.loads(body or b"").get("code")
            return isinstance(code, int) and Code.OK < code <= Code.UNAUTHENTICATED
    except (DecodeError, ValueError, AttributeError, RecursionError):
        return False
    return False


def may_be_otlp(signal: Signal, content_type: str, body: bytes | None) -> bool:
    """Whether a success may be the backend's own: what it answers is OTLP, or nothing at all.

    A proxy, a login or the start page of an application at a wrong address answers texts and pages,
    and has taken nothing. A body that broke off is believed, as its status is.
    """
    if not body or content_type in _OTLP_TYPES:
        return True
    return content_type == _UNNAMED_TYPE and read_response(signal, body) is not None


def message_of(response: aiohttp.ClientResponse, body: bytes | None) -> str:
    """The message of an answer to a request that was not taken, as a line of printable ASCII."""
    reason = _printable(f"HTTP {response.status} {response.reason or ''}").strip()
    if 300 <= response.status < 400:
        location = _printable(response.headers.get("Location", "nowhere"))
        return f"{reason}: redirects are not followed, and this one leads to {location}"
    text = _status_message(response.content_type, body or b"")
    return f"{reason}: {text}" if text else reason


def _status_message(content_type: str, body: bytes) -> str:
    """The message of the google.rpc.Status that an error's body should be, or its first words."""
    if not body:
        return ""
    try:
        if content_type == "application/x-protobuf":
            return _printable(Status.FromString(body).message)
        if content_type == "application/json":
            return _printable(str(json.loads(body).get("message", "")))
    except (DecodeError, ValueError, AttributeError, RecursionError):
        return ""
    return _printable(body.decode("utf-8", "replace"))[:_TEXT_LIMIT_CHARS]


def _printable(text: str) -> str:
    return _UNPRINTABLE.sub(" ", one_line(text)).strip()
