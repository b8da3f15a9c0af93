"""Spans built after public bug reports, with the cost that is right, through the whole pipeline."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from golden.processing import Processing, attributes_of
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Status

FILES = ("reported-cases.jsonl", "reported-cases-more.jsonl")
"""What was reported, and siblings of it that were composed: other dialects and spellings."""
CASES = [
    json.loads(line)
    for file in FILES
    for line in (Path(__file__).parent / file).read_text(encoding="utf-8").splitlines()
]
KINDS = {"INTERNAL": 1, "SERVER": 2, "CLIENT": 3, "PRODUCER": 4, "CONSUMER": 5}
TRACE_ID = b"t" * 16


def set_value(target: Any, value: Any) -> None:
    """A JSON value as an OTLP AnyValue; ``{"double": "NaN"}`` is what JSON cannot say."""
    match value:
        case {"double": text}:
            target.double_value = float(text)
        case bool():
            target.bool_value = value
        case int():
            target.int_value = value
        case float():
            target.double_value = value
        case str():
            target.string_value = value
        case list():
            target.array_value.SetInParent()
            for item in value:
                set_value(target.array_value.values.add(), item)


def request_of(spans: list[dict[str, Any]]) -> bytes:
    """The request that brings the spans of a case, in their order."""
    request = ExportTraceServiceRequest()
    for given in spans:
        resource = request.resource_spans.add()
        for key, value in given.get("resource", {}).items():
            set_value(resource.resource.attributes.add(key=key).value, value)
        scope = resource.scope_spans.add()
        scope.scope.name = given.get("scope") or ""
        scope.scope.version = given.get("scope_version", "")
        span = scope.spans.add(
            trace_id=TRACE_ID,
            span_id=given["key"].encode().rjust(8, b"."),
            parent_span_id=given["parent"].encode().rjust(8, b".") if "parent" in given else b"",
            name=given["name"],
            kind=KINDS[given["kind"]],
            start_time_unix_nano=given["start"],
            end_time_unix_nano=given["end"],
        )
        if given.get("failed"):
            span.status.code = Status.STATUS_CODE_ERROR
        for key, value in given["attributes"].items():
            set_value(span.attributes.add(key=key).value, value)
        for event in given.get("events", ()):
            written = span.events.add(name=event["name"])
            for key, value in event.get("attributes", {}).items():
                set_value(written.attributes.add(key=key).value, value)
    return request.SerializeToString()


def is_expected(found: Any, expected: Any) -> bool:
    """Whether a written value is what the case says: money as text, a range, or absent."""
    match expected:
        case None:
            return found is None
        case {"min": low, "max": high}:
            return found is not None and Decimal(low) <= Decimal(repr(found)) <= Decimal(high)
        case str() if isinstance(found, float):
            return Decimal(repr(found)) == Decimal(expected)
    return bool(found == expected)


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
async def test_a_reported_case_comes_out_right(case, tmp_path):
    """Guarantees: each span carries what its report says is right, whatever wrote it."""
    files = {name: case.get(name, "") for name in ("prices", "budgets")}
    async with Processing(tmp_path, **files) as processing:
        await processing.export(request_of(case["spans"]))
    written = {span.span_id.lstrip(b".").decode(): span for span in processing.spans()}
    for key, expect in case["expect"].items():
        attributes = attributes_of(written[key])
        for event in written[key].events:
            for pair in event.attributes:
                attributes.setdefault(f"event {pair.key}", pair.value.string_value)
        found = {name: attributes.get(name) for name in expect}
        assert all(is_expected(found[name], value) for name, value in expect.items()), (
            found,
            attributes.get("llm.cost.status"),
            attributes.get("llm.cost.reason"),
            case["why"],
        )
