"""Requests that are no GET: a body that is JSON, or nothing but a path."""

from __future__ import annotations

from typing import Final

from aiohttp import hdrs, web

from processor.core.errors import TooLargeError
from processor.surfaces.api import (
    BODY_MAX_BYTES,
    PREFIX,
    Action,
    Body,
    Sources,
    body_problem,
    find_action,
    read_body,
    write_json,
)
from processor.surfaces.http.problems import HEADERS, BodyTypeError, MethodError

_HEADERS: Final = {
    **HEADERS, "Content-Type": "application/json", "Cache-Control": "no-store",
}  # fmt: skip


async def answer_action(request: web.BaseRequest, sources: Sources) -> web.Response | None:
    """The answer of what a path stands for; None where it is the path of a question.

    Raises MethodError, BodyTypeError, TooLargeError, and what the action raises.
    """
    found = find_action(request.rel_url.raw_path.removeprefix(PREFIX))
    if found is None:
        return None
    action, values = found
    if request.method != action.method:
        message = f"{PREFIX}{action.path} is asked with {action.method}"
        raise MethodError(message, action.method)
    if request.rel_url.raw_query_string:
        raise body_problem("parameters of an address are not taken here")
    document = await action.answer(sources, await _read(request, action, values))
    return web.Response(body=write_json(document).encode(), headers=_HEADERS)


async def _read(request: web.BaseRequest, action: Action, values: dict[str, str]) -> Body:
    if action.method == hdrs.METH_DELETE:
        if request.body_exists:
            raise TooLargeError("it is named in the address, without a body")
        return action.body.model_validate(values)
    if request.content_type != "application/json":
        # A page of another site can have a browser send any other form without being asked.
        raise BodyTypeError("send JSON, with Content-Type: application/json")
    # One byte more than is taken says that it is too large.
    if (request.content_length or 0) > BODY_MAX_BYTES:
        raise TooLargeError(f"a body has up to {BODY_MAX_BYTES} bytes")
    body = bytearray()
    async for chunk in request.content.iter_chunked(BODY_MAX_BYTES):
        body += chunk
        if len(body) > BODY_MAX_BYTES:
            raise TooLargeError(f"a body has up to {BODY_MAX_BYTES} bytes")
    return read_body(action.body, bytes(body))
