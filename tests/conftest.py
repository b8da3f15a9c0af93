"""What tests of several packages share."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from processor.core import semconv
from processor.core.model import Group, Spans, Wanted

# Tests run beside others, on machines that have more to do: the time that an example takes says
# nothing about the code.
settings.register_profile(
    "busy",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    # The gate gives the same code the same verdict; people's machines look for new examples.
    derandomize=bool(os.environ.get("CI")),
)
settings.load_profile("busy")

_KINDS = {"INTERNAL": 1, "SERVER": 2, "CLIENT": 3, "PRODUCER": 4, "CONSUMER": 5}


def _build_spans(*spans: Mapping[str, Any], wanted: Wanted = semconv.WANTED) -> Spans:
    """Columns as `wire.scan` fills them, from dicts; of attributes only the wanted are kept."""
    built = Spans(b"")
    shapes: dict[tuple[str, ...], int] = {(): 0}
    groups: dict[str, int] = {}
    for row, span in enumerate(spans):
        values = _keep(span.get("attributes", {}), wanted)
        for event in span.get("events", ()):
            if event["name"] in wanted.events:
                for key, value in event["attributes"].items():
                    values[f"event:{event['name']}:{key}"] = value
        if wanted.supporting.issuperset(values):
            values = {}
        shape = tuple(values)
        if shape not in shapes:
            shapes[shape] = len(built.keys)
            built.keys.append(shape)
        group = Group(
            _keep(span.get("resource", {}), wanted),
            span.get("scope") or "",
            span.get("scope_version", ""),
            _keep(span.get("scope_attributes", {}), wanted),
        )
        if repr(group) not in groups:
            groups[repr(group)] = len(built.group)
            built.group.append(group)
        built.trace_ids.append(span.get("trace_id", b"t" * 16))
        built.span_ids.append(span.get("span_id", (row + 1).to_bytes(8, "big")))
        built.parent_ids.append(b"parent.." if span.get("parent") else b"")
        built.names.append(span.get("name", ""))
        built.start_ns.append(span.get("start_ns", 1_000))
        built.end_ns.append(span.get("end_ns", 2_000))
        built.kinds.append(_KINDS.get(span.get("span_kind", "INTERNAL"), 0))
        built.flags.append(0)
        built.failed.append(span.get("failed", False))
        built.groups.append(groups[repr(group)])
        built.shapes.append(shapes[shape])
        built.values.append(tuple(values.values()))
        built.starts.append(0)
        built.ends.append(0)
    return built


def _keep(attributes: Mapping[str, Any], wanted: Wanted) -> dict[str, Any]:
    return {
        key: tuple(value) if isinstance(value, list) else value
        for key, value in attributes.items()
        if key in wanted.keys | wanted.supporting or key.startswith(wanted.prefixes)
    }


@pytest.fixture(scope="session")
def build_spans() -> Callable[..., Spans]:
    """A builder of `Spans` for tests that need no payload."""
    return _build_spans
