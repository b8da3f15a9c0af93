"""The description of the API, OpenAPI 3.1, made from the table of endpoints."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from processor import __version__
from processor.surfaces.api import (
    ACTIONS,
    ENDPOINTS,
    PREFIX,
    Action,
    Endpoint,
    ProblemDocument,
)
from processor.surfaces.api.documents import CallsEvent, CrossingsEvent, GapEvent, TotalsEvent
from processor.surfaces.http.problems import INTERNAL, KINDS, PROBLEM_TYPE, BodyTypeError
from processor.surfaces.http.stream import STREAM_TYPE

_SCHEMA: Final = "#/components/schemas/{model}"
_PROBLEM: Final = {PROBLEM_TYPE: {"schema": {"$ref": _SCHEMA.format(model="ProblemDocument")}}}
_EVENTS: Final = (CallsEvent, CrossingsEvent, TotalsEvent, GapEvent)
_Json = dict[str, Any]


def openapi_document() -> bytes:
    """The description as JSON."""
    documents = list(dict.fromkeys(kind for each in ENDPOINTS for kind in each.documents))
    acted = [each.document for each in ACTIONS]
    kinds: list[type[BaseModel]] = [*documents, *acted, *_EVENTS, ProblemDocument]
    bodies: list[type[BaseModel]] = [each.body for each in ACTIONS if each.method == "POST"]
    answered: list[tuple[type[BaseModel], JsonSchemaMode]]
    answered = [(kind, "serialization") for kind in kinds]
    answered += [(kind, "validation") for kind in bodies]
    _, schemas = models_json_schema(answered, ref_template=_SCHEMA)
    described = {
        "openapi": "3.1.0",
        "info": {
            "title": "llm-cost-processor",
            "version": __version__,
            "description": "What LLM calls cost, whose they are, and how budgets stand. Amounts "
            "are exact decimal texts in US dollars.",
        },
        "servers": [{"url": PREFIX}],
        "paths": {
            **{each.path: {"get": _operation(each)} for each in ENDPOINTS},
            **{each.path: {each.method.lower(): _action(each)} for each in ACTIONS},
            "/stream": {"get": _stream()},
        },
        "components": {
            "schemas": schemas["$defs"],
            "responses": dict(_problems()),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{}, {"token": []}],
    }
    return json.dumps(described, ensure_ascii=False).encode()


def _operation(endpoint: Endpoint) -> _Json:
    shown = [{"$ref": _SCHEMA.format(model=each.__name__)} for each in endpoint.documents]
    schema = shown[0] if len(shown) == 1 else {"anyOf": shown}
    content = {"application/json": {"schema": schema}, "text/csv": {"schema": {"type": "string"}}}
    answer: _Json = {"description": endpoint.summary, "content": content}
    responses: _Json = {"200": answer}
    if endpoint.is_cacheable:
        answer["headers"] = {"ETag": {"schema": {"type": "string"}}}
        known = "The client has the answer already (If-None-Match)."
        responses["304"] = {"description": known}
    responses |= _of_problems()
    return {
        "operationId": endpoint.operation,
        "summary": endpoint.summary,
        "parameters": list(_parameters(endpoint.parameters)),
        "responses": responses,
    }


def _action(action: Action) -> _Json:
    schema = {"$ref": _SCHEMA.format(model=action.document.__name__)}
    answer = {"description": action.summary, "content": {"application/json": {"schema": schema}}}
    described: _Json = {
        "operationId": action.operation,
        "summary": action.summary,
        "responses": {"200": answer, **_of_problems(takes_body=action.method == "POST")},
    }
    if action.method == "POST":
        sent = {"$ref": _SCHEMA.format(model=action.body.__name__)}
        content = {"application/json": {"schema": sent}}
        return described | {"requestBody": {"required": True, "content": content}}
    return described | {"parameters": list(_parameters(action.body))}


def _stream() -> _Json:
    events = [{"$ref": _SCHEMA.format(model=each.__name__)} for each in _EVENTS]
    described = (
        "Server-sent events: `calls`, `crossings`, `totals`, and `gap` where some are left out, at "
        "most four times a second, each with JSON as data. `Last-Event-ID` goes on after an event."
    )
    content = {STREAM_TYPE: {"schema": {"type": "string"}, "x-events": events}}
    return {
        "operationId": "get_stream",
        "summary": "What is new, as it comes",
        "description": described,
        "responses": {"200": {"description": described, "content": content}, **_of_problems()},
    }


def _of_problems(*, takes_body: bool = False) -> _Json:
    return {
        str(kind.status): {"$ref": f"#/components/responses/{kind.status}"}
        for error, kind in (*KINDS, (None, INTERNAL))
        if takes_body or error is not BodyTypeError
    }


def _problems() -> Iterator[tuple[str, _Json]]:
    titles: dict[int, list[str]] = {}
    for _, kind in (*KINDS, (None, INTERNAL)):
        titles.setdefault(kind.status, []).append(kind.title)
    for status, several in titles.items():
        yield str(status), {"description": "; ".join(several), "content": _PROBLEM}


def _parameters(kind: type[BaseModel]) -> Iterator[_Json]:
    schema = kind.model_json_schema()
    required = set(schema.get("required", ()))
    for name, described in schema["properties"].items():
        yield _parameter(name, described, is_required=name in required)


def _parameter(name: str, described: Mapping[str, Any], *, is_required: bool) -> _Json:
    kept = {key: value for key, value in described.items() if key not in {"title", "description"}}
    is_in_path = kept.pop("in", "query") == "path"
    parameter: _Json = {
        "name": name,
        "in": "path" if is_in_path else "query",
        "required": is_required,
        "description": described.get("description", ""),
        "schema": kept,
    }
    if is_in_path:
        kept["minLength"] = 1
    if kept.get("type") == "object":
        parameter |= {"style": "deepObject", "explode": True}
        kept["additionalProperties"] = {"type": "string"}
    return parameter
