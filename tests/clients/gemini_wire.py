"""Answers in the wire format of Google's Gemini API."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from clients.answers import Answer, Tokens

Json = dict[str, Any]
MODEL = "gemini-2.5-pro"


def content(request: Json, answer: Answer, number: int) -> Json:  # noqa: ARG001 - as the others
    """The body of an answer."""
    part: Json = {"text": answer.text}
    if answer.tool is not None:
        part = {"functionCall": {"name": answer.tool.name, "args": answer.tool.arguments}}
    candidate = {
        "content": {"role": "model", "parts": [part]},
        "finishReason": "STOP",
        "index": 0,
    }
    return {
        "candidates": [candidate],
        "usageMetadata": usage(answer.tokens),
        "modelVersion": MODEL,
        "responseId": f"gemini_{number:06d}",
    }


def stream_content(request: Json, answer: Answer, number: int) -> Iterator[bytes]:
    """The events of a streamed answer: all of it in one."""
    yield b"data: " + json.dumps(content(request, answer, number)).encode() + b"\r\n\r\n"


def usage(tokens: Tokens) -> Json:
    """Usage as answers report it: cached tokens are in the prompt, thoughts beside the answer."""
    return {
        "promptTokenCount": tokens.whole_input,
        "cachedContentTokenCount": tokens.cache_read,
        "candidatesTokenCount": tokens.output - tokens.reasoning,
        "thoughtsTokenCount": tokens.reasoning,
        "totalTokenCount": tokens.whole_input + tokens.output,
    }
