"""The API over HTTP: the table of endpoints, served."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Final, Protocol, TypeVar
from urllib.parse import parse_qsl, urlencode

from aiohttp import hdrs, web

from processor import __version__
from processor.core.access import Access
from processor.core.episodes import Episodes
from processor.core.errors import (
    NotFoundError,
    OverloadedError,
    ProcessorError,
    TooLargeError,
)
from processor.core.ports import Caller
from processor.surfaces.api import (
    ACTIONS,
    ENDPOINTS,
    PREFIX,
    Endpoint,
    Feed,
    InvalidParametersError,
    ParameterProblem,
    Parameters,
    Sources,
    as_kind,
    body_problem,
    find_endpoint,
    get,
    read_parameters,
    write_document,
)
from processor.surfaces.api.documents import Answer
from processor.surfaces.http.accepting import Form, form_of, is_known
from processor.surfaces.http.actions import answer_action
from processor.surfaces.http.callers import Callers
from processor.surfaces.http.hosts import Hosts
from processor.surfaces.http.openapi import openapi_document
from processor.surfaces.http.problems import (
    HEADERS,
    MethodError,
    kind_of,
    problem_response,
)
from processor.surfaces.http.sending import Sending
from processor.surfaces.http.stream import stream_events

_log = logging.getLogger(__name__)

_CONTENT_TYPES: Final[dict[Form, str]] = {
    "json": "application/json",
    "csv": "text/csv; charset=utf-8",
}
_UNDER_WAY_MAX: Final = 16
"""Questions of one caller, so that one leaves room for others."""
_STREAMS_MAX: Final = 16
"""Streams of one caller, of the 32 that there may be."""
_STREAM: Final = f"{PREFIX}/stream"
_AT_ONCE_MAX: Final = 3
"""Answers that are made at a time: one of a trace with 10,000 spans takes 100 MiB meanwhile."""
_WAITING_MAX: Final = 64
_PARAMETERS_MAX: Final = 500
_TAG_CHARS: Final = 20


D = TypeVar("D", bound=Answer)


class Beside(Protocol):
    """Another protocol in which questions are asked."""

    async def serve(self, request: web.BaseRequest) -> web.Response:
        """The answer to a request of who may ask. Raises ProcessorError."""

    async def close(self) -> None:
        """End what is under way."""


class Api:
    """Answers requests below `PREFIX`, and lets other protocols answer beside it."""

    def __init__(self, sources: Sources, access: Access, hosts: Hosts) -> None:
        self._sources = sources
        self.access = access
        self._hosts = hosts
        self._asking = Callers(_UNDER_WAY_MAX, "questions")
        self._listening = Callers(_STREAMS_MAX, "streams")
        self._at_once = asyncio.Semaphore(_AT_ONCE_MAX)
        self._waiting = 0
        self._sending = Sending()
        self._failures = Episodes()
        self._feed = Feed(sources.costs)
        self._openapi = b""
        self._beside: dict[str, Beside] = {}

    def add(self, path: str, beside: Beside) -> None:
        """Let who may ask be answered by another protocol at a path."""
        self._beside[path] = beside

    @property
    def paths(self) -> list[str]:
        """Where it answers."""
        return [PREFIX, *self._beside]

    def has(self, path: str) -> bool:
        """Whether it answers at a path."""
        return path.startswith(f"{PREFIX}/") or path in self._beside

    async def close(self) -> None:
        """End what is under way in other protocols."""
        for each in self._beside.values():
            await each.close()

    async def serve(
        self, request: web.BaseRequest, when_allowed: Callable[[], None] = lambda: None
    ) -> web.StreamResponse:
        """The answer to a request, whatever is wrong with it.

        `when_allowed` is called when its caller is known to be one who may ask.
        """
        try:
            self._hosts.check(request.headers)
            self.access.check("read", _caller_of(request))
            when_allowed()
            if request.path in self._beside:
                with self._asking.counted(request.remote or ""):
                    answer = await self._beside[request.path].serve(request)
                    return await self._sending.send(request, answer)
            acted = await answer_action(request, self._sources)
            if acted is not None:
                return acted
            _check_question(request)
            is_stream = request.path == _STREAM
            with (self._listening if is_stream else self._asking).counted(request.remote or ""):
                if is_stream:
                    return await self._stream(request)
                return await self._sending.send(request, await self._answer(request))
        except ProcessorError as error:
            if kind_of(error).status >= 500 and self._failures.note(
                type(error).__name__, time.monotonic()
            ):
                _log.warning("%s cannot be answered: %s", request.path, error)
            return problem_response(error)
        except Exception as error:  # noqa: BLE001 - whatever it is, a client gets an answer
            return self._failed(request, error)

    def _failed(self, request: web.BaseRequest, error: Exception) -> web.Response:
        """The answer where something has failed that nobody had thought of, or the sender has."""
        if isinstance(error, web.RequestPayloadError):
            fix = "send it as it is, without Content-Encoding"
            return problem_response(body_problem("is not what its headers say", fix))
        if self._failures.note(request.path, time.monotonic()):
            _log.error("%s cannot be answered", request.path, exc_info=error)
        return problem_response(error)

    async def ask(self, kind: type[D], path: str, query: Sequence[tuple[str, str]]) -> D:
        """The answer, a document of `kind`, to a question that came by another protocol.

        Raises OverloadedError where too many others wait, and what `processor.surfaces.api.get`
        raises.
        """
        async with self._turn():
            return as_kind(await get(self._sources, path, query), kind, path)

    async def _stream(self, request: web.BaseRequest) -> web.StreamResponse:
        if _query(request.rel_url.raw_query_string):
            problem = ParameterProblem(
                parameter="query", detail="the stream has no parameters", fix=None, choices=[]
            )
            raise InvalidParametersError([problem])
        return await stream_events(request, self._feed)

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        """Raises OverloadedError where too many others wait for theirs."""
        if self._waiting >= _WAITING_MAX:
            raise OverloadedError(f"{_WAITING_MAX} questions are waiting already")
        self._waiting += 1
        try:
            await self._at_once.acquire()
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            self._at_once.release()

    async def _answer(self, request: web.BaseRequest) -> web.Response:
        path = request.rel_url.raw_path.removeprefix(PREFIX)
        query = _query(request.rel_url.raw_query_string)
        if path == "/openapi.json":
            return self._described()
        found = find_endpoint(path)
        if found is None:
            paths = [each.path for each in (*ENDPOINTS, *ACTIONS)]
            served = ", ".join(PREFIX + each for each in (*paths, "/stream", "/openapi.json"))
            raise NotFoundError(f"there is nothing at this path, only {served}")
        endpoint, values = found
        parameters = read_parameters(endpoint.parameters, values, query)
        form: Form = parameters.format
        if "format" not in parameters.model_fields_set:
            form = form_of(request.headers.get(hdrs.ACCEPT, ""))
        return await self._answer_with(request, endpoint, parameters, form)

    async def _answer_with(
        self, request: web.BaseRequest, endpoint: Endpoint, parameters: Parameters, form: Form
    ) -> web.Response:
        # Before the answer is made: what is replaced meanwhile makes the next one another.
        asked = (self._in_force(parameters), endpoint.path, repr(parameters), form)
        headers = {**HEADERS, "Cache-Control": "private, no-cache", "Vary": "Accept, Authorization"}
        known = request.headers.get(hdrs.IF_NONE_MATCH, "")
        if known and endpoint.is_cacheable:
            tag = _tag((await self._sources.costs.freshness()).version, asked)
            if is_known(tag, known):
                return web.Response(status=304, headers={**headers, hdrs.ETAG: tag})
        async with self._turn():
            document = await endpoint.answer(self._sources, parameters)
            body = await asyncio.to_thread(_written, document, form)
        if endpoint.is_cacheable:
            headers[hdrs.ETAG] = _tag(document.as_of.version, asked)
        cursor = getattr(document, "next_cursor", None)
        if cursor:
            headers[hdrs.LINK] = _next_page(request, cursor)
        headers[hdrs.CONTENT_TYPE] = _CONTENT_TYPES[form]
        return web.Response(body=body, headers=headers)

    def _in_force(self, parameters: Parameters) -> tuple[object, ...]:
        """What an answer depends on beside the ledger: program, settings, prices, budgets, minute.

        The minute counts only where the answer depends on the time of asking.
        """
        costs = self._sources.costs
        minute = time.time() // 60 if parameters.is_of_now else 0
        return __version__, costs.dimensions, costs.catalog.version, costs.policy.version, minute

    def _described(self) -> web.Response:
        if not self._openapi:
            self._openapi = openapi_document()
        headers = {**HEADERS, "Content-Type": "application/json", "Cache-Control": "no-cache"}
        return web.Response(body=self._openapi, headers=headers)


def _caller_of(request: web.BaseRequest) -> Caller:
    # Everything here only reads, for which it is all the same where a caller is.
    return Caller(is_local=False, authorization=request.headers.get(hdrs.AUTHORIZATION, ""))


def _tag(version: str, asked: tuple[object, ...]) -> str:
    """A weak entity tag: the same while the answer is, but for when it was read."""
    digest = hashlib.sha256(repr((version, asked)).encode("utf-8", "surrogatepass")).hexdigest()
    return f'W/"{digest[:_TAG_CHARS]}"'


def _check_question(request: web.BaseRequest) -> None:
    """Raise MethodError or TooLargeError for what is no question."""
    if request.method not in {hdrs.METH_GET, hdrs.METH_HEAD}:
        raise MethodError("nothing is changed over HTTP at this path; ask with GET")
    if request.body_exists:
        raise TooLargeError("a question is asked in the address, without a body")


def _written(document: Answer, form: Form) -> bytes:
    text = write_document(document, form)
    return text.encode()


def _query(text: str) -> list[tuple[str, str]]:
    """Names and values in order. Raises InvalidParametersError."""
    try:
        return parse_qsl(
            text, keep_blank_values=True, errors="strict", max_num_fields=_PARAMETERS_MAX
        )
    except ValueError as error:
        what = "is not UTF-8" if isinstance(error, UnicodeError) else "has too many parameters"
        problem = ParameterProblem(parameter="query", detail=what, fix=None, choices=[])
        raise InvalidParametersError([problem]) from None


def _next_page(request: web.BaseRequest, cursor: str) -> str:
    """A ``Link`` to the page after (RFC 8288)."""
    given = [each for each in _query(request.rel_url.raw_query_string) if each[0] != "cursor"]
    address = f"{request.rel_url.raw_path}?{urlencode([*given, ('cursor', cursor)])}"
    return f'<{address}>; rel="next"'
