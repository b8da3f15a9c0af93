"""Answers in Anthropic's wire format."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from clients.answers import SERVED_AS, Answer, Tokens

Json = dict[str, Any]


def message(request: Json, answer: Answer, number: int) -> Json:
    """The body of a message."""
    return _head(request, number) | {
        "content": _content(answer, number),
        "stop_reason": _stop(answer),
        "usage": usage(answer.tokens),
    }


def stream_message(request: Json, answer: Answer, number: int) -> Iterator[bytes]:
    """The events of a streamed message; the first and the last but one carry usage."""
    started = _head(request, number) | {
        "content": [],
        "stop_reason": None,
        "usage": usage(answer.tokens) | {"output_tokens": 1},
    }
    yield _event({"type": "message_start", "message": started})
    yield _event({"type": "ping"})
    for index, block in enumerate(_content(answer, number)):
        blank: Json = {"text": ""} if block["type"] == "text" else {"input": {}}
        empty = block | blank
        yield _event({"type": "content_block_start", "index": index, "content_block": empty})
        for delta in _deltas(block):
            yield _event({"type": "content_block_delta", "index": index, "delta": delta})
        yield _event({"type": "content_block_stop", "index": index})
    # These counts are cumulative: they repeat those of the start.
    known = usage(answer.tokens)
    ended = {
        name: known[name]
        for name in (
            "input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens",
            "output_tokens",
        )
    }  # fmt: skip
    delta = {"stop_reason": _stop(answer), "stop_sequence": None}
    yield _event({"type": "message_delta", "delta": delta, "usage": ended})
    yield _event({"type": "message_stop"})


def usage(tokens: Tokens) -> Json:
    """Usage as messages report it: cached tokens stand beside the input."""
    return {
        "input_tokens": tokens.input,
        "cache_creation_input_tokens": tokens.cache_write_5m + tokens.cache_write_1h,
        "cache_read_input_tokens": tokens.cache_read,
        "cache_creation": {
            "ephemeral_5m_input_tokens": tokens.cache_write_5m,
            "ephemeral_1h_input_tokens": tokens.cache_write_1h,
        },
        "output_tokens": tokens.output,
        "service_tier": "standard",
    }


def count_tokens(request: Json, answer: Answer, number: int) -> Json:  # noqa: ARG001 - as the others
    """The body of an answer to the free question how long a prompt is."""
    return {"input_tokens": answer.tokens.whole_input}


def error(status: int) -> Json:
    """The body of an error."""
    kind = "overloaded_error" if status == 529 else "invalid_request_error"
    return {"type": "error", "error": {"type": kind, "message": "Not this time."}}


def _head(request: Json, number: int) -> Json:
    return {
        "id": f"msg_{number:06d}",
        "type": "message",
        "role": "assistant",
        "model": SERVED_AS[request["model"]],
        "stop_sequence": None,
    }


def _content(answer: Answer, number: int) -> list[Json]:
    if answer.tool is None:
        return [{"type": "text", "text": answer.text}]
    tool = {"type": "tool_use", "id": f"toolu_{number:06d}", "name": answer.tool.name}
    return [{"type": "text", "text": "Let me see."}, tool | {"input": answer.tool.arguments}]


def _deltas(block: Json) -> Iterator[Json]:
    if block["type"] == "tool_use":
        yield {"type": "input_json_delta", "partial_json": json.dumps(block["input"])}
        return
    for word in block["text"].split():
        yield {"type": "text_delta", "text": word + " "}


def _stop(answer: Answer) -> str:
    return "tool_use" if answer.tool else "end_turn"


def _event(body: Json) -> bytes:
    return f"event: {body['type']}\ndata: {json.dumps(body)}\n\n".encode()
