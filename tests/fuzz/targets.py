"""What is fuzzed: each function takes any bytes, and fails where what is promised does not hold.

The documented errors are part of the promise, so they end an input quietly; whatever else is raised
is a fault. Nothing here needs the fuzzer: `test_kept_inputs.py` gives it the inputs that are kept.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final, get_args

from google.protobuf import text_format
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from processor.config import load_settings
from processor.core import pricing, semconv, wire
from processor.core.budgets import parse_budgets
from processor.core.errors import ConfigError, PermanentError, UndecodableError
from processor.core.model import Edit, Event, Signal, Spans
from processor.core.otlp.encodings import UNPACKERS, unpack
from processor.core.otlp.json_reader import read_json
from processor.core.otlp.json_writer import to_json
from processor.core.otlp.messages import read_message
from processor.core.otlp.signals import SIGNALS

RECEIVED_NS: Final = 1_796_100_000 * 10**9
MAX_BYTES: Final = 1024 * 1024
OPTIONS: Final = semconv.ReadOptions()
CATALOG: Final = pricing.compile_catalog(pricing.parse_prices("", "pricing.yaml"))
EDIT: Final = Edit(
    {"llm.cost_usd": 0.25, "llm.cost.status": "exact", "gen_ai.usage.input_tokens": 7},
    [Event(RECEIVED_NS, "llm.budget.exceeded", {"budget.name": "day"})],
)
_SIGNALS: Final[tuple[Signal, ...]] = get_args(Signal)
_FOLDER: Final = tempfile.TemporaryDirectory()


def scan(data: bytes) -> None:
    """What is read of a trace request is what protobuf reads; its calls are found and priced."""
    spans = _scanned(data)
    if spans is not None:
        _compare_with_parser(spans)
        reading = semconv.read(spans, RECEIVED_NS, OPTIONS)
        charges = pricing.price(reading.calls, CATALOG)
        assert len(charges) == len(reading.calls)


def scan_logs(data: bytes) -> None:
    """The same for log records."""
    try:
        logs = wire.scan_logs(data, semconv.LOGS_WANTED)
    except PermanentError:
        return
    reading = semconv.read_logs(logs, RECEIVED_NS, OPTIONS)
    pricing.price(reading.calls, CATALOG)


def splice(data: bytes) -> None:
    """Edits on any payload: it can be read again, and what was not touched is as it was."""
    if len(data) < 2:
        return
    spans = _scanned(data[2:])
    if spans is None:
        return
    rows = range(len(spans))
    edited, dropped = ({row for row in rows if mask >> (row % 8) & 1} for mask in data[:2])
    written = wire.splice(spans, dict.fromkeys(edited, EDIT), dropped)
    _check_spliced(spans, written, edited, dropped)
    split = wire.split("traces", spans.payload, 64, 256)
    items = [len(wire.scan(part.payload, semconv.WANTED)) for part in split.parts]
    assert sum(items) + split.left_out == len(spans)
    assert items == [part.items for part in split.parts]


def read_json_request(data: bytes) -> None:
    """JSON of any signal becomes a request that protobuf reads, and that is written back alike."""
    signal = _SIGNALS[data[0] % len(_SIGNALS)] if data else "traces"
    try:
        encoded = read_json(signal, data[1:], MAX_BYTES)
    except PermanentError:
        return
    kind = SIGNALS[signal].request
    request = read_message(kind, encoded)
    again = read_message(kind, read_json(signal, to_json(request).encode(), 100 * MAX_BYTES))
    assert text_format.MessageToString(again) == text_format.MessageToString(request)
    if signal == "traces":
        scan(encoded)


def read_prices(data: bytes) -> None:
    """A price file is used or refused with its problems; what is used gives prices."""
    with suppress(ConfigError):
        file = pricing.parse_prices(_text_of(data), "pricing.yaml")
        texts = {each.path: "{}" for each in file.catalogues}
        catalog = pricing.compile_catalog(file, texts)
        for provider, model in (("openai", "gpt-4o"), ("", "claude-sonnet-4"), ("x", "y")):
            catalog.match(provider, (model,), "")


def read_catalogue(data: bytes) -> None:
    """A published catalogue of prices, which is a file that others have written."""
    file = pricing.parse_prices("catalogues: [{litellm: prices.json}]\n", "pricing.yaml")
    with suppress(ConfigError):
        text = _text_of(data)
        catalog = pricing.compile_catalog(file, {"prices.json": text})
        with suppress(ValueError):
            for name in list(json.loads(text))[:4]:
                catalog.match("openai", (str(name),), "")


def read_budgets(data: bytes) -> None:
    """A budgets file is used or refused with its problems."""
    with suppress(ConfigError):
        parse_budgets(_text_of(data), "budgets.yaml", ["team"])


def read_settings(data: bytes) -> None:
    """A settings file is used or refused with its problems."""
    file = Path(_FOLDER.name) / "processor.yaml"
    file.write_bytes(data)
    with suppress(ConfigError):
        load_settings(file, {}, {"NAME": "value"})


def unpack_body(data: bytes) -> None:
    """A packed body comes out the same in one part and in many, and never beyond its limit.

    Zstandard's library compares the size that a frame states only where the frame comes at once.
    """
    if not data:
        return
    codings = sorted(UNPACKERS)
    coding, packed = codings[data[0] % len(codings)], data[1:]
    whole = _unpacked(coding, packed)
    assert whole is None or len(whole) <= MAX_BYTES
    unpacker = UNPACKERS[coding]()
    pieces = bytearray()
    try:
        for start in range(0, len(packed), 3):
            for piece in unpacker.feed(packed[start : start + 3]):
                pieces += piece
                if len(pieces) > MAX_BYTES:
                    assert whole is None
                    return
        unpacker.finish()
    except UndecodableError:
        assert whole is None
        return
    assert bytes(pieces) == whole or (coding == "zstd" and whole is None)


def _scanned(payload: bytes) -> Spans | None:
    try:
        return wire.scan(payload, semconv.WANTED)
    except PermanentError:
        return None


def _unpacked(coding: str, packed: bytes) -> bytes | None:
    try:
        return unpack(coding, packed, MAX_BYTES)
    except PermanentError:
        return None


def _text_of(data: bytes) -> str:
    """A file's text, as `config.load.read_text` gives it."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError([]) from error


def _compare_with_parser(spans: Spans) -> None:
    try:
        request = ExportTraceServiceRequest.FromString(spans.payload)
    except DecodeError:
        return  # Its texts are not all UTF-8, which ours reads all the same.
    found = [
        span
        for resource in request.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]
    assert [span.span_id for span in found] == spans.span_ids
    assert [span.name for span in found] == spans.names
    for row, span in enumerate(found):
        assert Span.FromString(spans.payload[spans.starts[row] : spans.ends[row]]) is not None
        assert span.kind == spans.kinds[row]


def _check_spliced(spans: Spans, written: bytes, edited: set[int], dropped: set[int]) -> None:
    again = wire.scan(written, semconv.WANTED)
    kept = [row for row in range(len(spans)) if row not in dropped]
    assert [spans.span_ids[row] for row in kept] == again.span_ids
    for row, new in zip(kept, range(len(again)), strict=True):
        before = spans.payload[spans.starts[row] : spans.ends[row]]
        after = written[again.starts[new] : again.ends[new]]
        if row in edited:
            keys = [pair.key for pair in read_message(Span, after).attributes]
            assert all(keys.count(key) == 1 for key in EDIT.attributes)
        else:
            assert after == before


TARGETS: Final[Mapping[str, Callable[[bytes], None]]] = {
    "scan": scan,
    "logs": scan_logs,
    "splice": splice,
    "json": read_json_request,
    "prices": read_prices,
    "catalogue": read_catalogue,
    "budgets": read_budgets,
    "settings": read_settings,
    "unpack": unpack_body,
}
