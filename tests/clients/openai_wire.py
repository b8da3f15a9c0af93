"""Answers in OpenAI's wire formats: chat completions, responses and embeddings."""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Iterator
from typing import Any

from clients.answers import SERVED_AS, Answer, Tokens, ToolUse

Json = dict[str, Any]
_CREATED_S = 1_790_000_000


def chat(request: Json, answer: Answer, number: int) -> Json:
    """The body of a chat completion."""
    tool = answer.tool
    message: Json = {"role": "assistant", "content": None if tool else answer.text, "refusal": None}
    if tool:
        message["tool_calls"] = [_chat_tool(tool, number)]
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": _finish(answer)}
    usage = chat_usage(answer.tokens)
    return _chat_head(request, number, "chat.completion") | {"choices": [choice], "usage": usage}


def stream_chat(request: Json, answer: Answer, number: int) -> Iterator[bytes]:
    """The events of a streamed chat completion, with usage only if the request asks for it."""
    head = _chat_head(request, number, "chat.completion.chunk")
    is_reported = bool((request.get("stream_options") or {}).get("include_usage"))
    if is_reported:
        head["usage"] = None

    def chunk(delta: Json, finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return _event(head | {"choices": [choice]})

    yield chunk({"role": "assistant", "content": None if answer.tool else "", "refusal": None})
    if answer.tool:
        tool: Json = {"index": 0} | _chat_tool(answer.tool, number)
        arguments = tool["function"]["arguments"]
        tool["function"] = {"name": answer.tool.name, "arguments": ""}
        yield chunk({"tool_calls": [tool]})
        yield chunk({"tool_calls": [{"index": 0, "function": {"arguments": arguments}}]})
    else:
        for word in answer.text.split():
            yield chunk({"content": word + " "})
    yield chunk({}, _finish(answer))
    if is_reported:
        yield _event(head | {"choices": [], "usage": chat_usage(answer.tokens)})
    yield b"data: [DONE]\n\n"


def chat_usage(tokens: Tokens) -> Json:
    """Usage as chat completions report it: cached tokens are inside, and so is reasoning."""
    return {
        "prompt_tokens": tokens.whole_input,
        "completion_tokens": tokens.output,
        "total_tokens": tokens.whole_input + tokens.output,
        "prompt_tokens_details": {"cached_tokens": tokens.cache_read, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": tokens.reasoning,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def response(request: Json, answer: Answer, number: int) -> Json:
    """The body of a response."""
    tokens = answer.tokens
    usage = {
        "input_tokens": tokens.whole_input,
        "input_tokens_details": {"cached_tokens": tokens.cache_read},
        "output_tokens": tokens.output,
        "output_tokens_details": {"reasoning_tokens": tokens.reasoning},
        "total_tokens": tokens.whole_input + tokens.output,
    }
    output = _response_output(answer, number)
    return _response_head(request, number) | {
        "status": "completed",
        "output": output,
        "usage": usage,
    }


def stream_response(request: Json, answer: Answer, number: int) -> Iterator[bytes]:
    """The events of a streamed response."""
    head = _response_head(request, number) | {"status": "in_progress", "output": [], "usage": None}
    events: list[Json] = [
        {"type": "response.created", "response": head},
        {"type": "response.in_progress", "response": head},
    ]
    for index, item in enumerate(_response_output(answer, number)):
        place = {"output_index": index, "item_id": item["id"]}
        empty = item | {"status": "in_progress"}
        empty |= {"content": []} if item["type"] == "message" else {}
        empty |= {"arguments": ""} if item["type"] == "function_call" else {}
        events.append({"type": "response.output_item.added", "output_index": index, "item": empty})
        if item["type"] == "message":
            part = item["content"][0]
            place["content_index"] = 0
            text = part["text"]
            silent: Json = {"logprobs": []}
            events += [
                {"type": "response.content_part.added", "part": part | {"text": ""}} | place,
                {"type": "response.output_text.delta", "delta": text} | place | silent,
                {"type": "response.output_text.done", "text": text} | place | silent,
                {"type": "response.content_part.done", "part": part} | place,
            ]
        elif item["type"] == "function_call":
            arguments = item["arguments"]
            kind = "response.function_call_arguments"
            events += [
                {"type": f"{kind}.delta", "delta": arguments} | place,
                {"type": f"{kind}.done", "arguments": arguments, "name": item["name"]} | place,
            ]
        events.append({"type": "response.output_item.done", "output_index": index, "item": item})
    events.append({"type": "response.completed", "response": response(request, answer, number)})
    for sequence, event in enumerate(events):
        yield _event(event | {"sequence_number": sequence}, event["type"])


def embeddings(request: Json, answer: Answer, number: int) -> Json:  # noqa: ARG001 - as the others
    """The body of an embeddings answer; floats in base64 if the request says so."""
    texts = request["input"] if isinstance(request["input"], list) else [request["input"]]
    vector: str | list[float] = [0.25, -0.5, 0.125]
    if request.get("encoding_format") == "base64":
        vector = base64.b64encode(struct.pack("<3f", *vector)).decode()
    data = [{"object": "embedding", "index": at, "embedding": vector} for at in range(len(texts))]
    count = answer.tokens.whole_input
    return {
        "object": "list",
        "data": data,
        "model": SERVED_AS[request["model"]],
        "usage": {"prompt_tokens": count, "total_tokens": count},
    }


def error(status: int) -> Json:
    """The body of an error."""
    code = "rate_limit_exceeded" if status == 429 else "invalid_request_error"
    return {"error": {"message": "Not this time.", "type": code, "param": None, "code": code}}


def _chat_head(request: Json, number: int, kind: str) -> Json:
    return {
        "id": f"chatcmpl-{number:06d}",
        "object": kind,
        "created": _CREATED_S,
        "model": SERVED_AS[request["model"]],
        "service_tier": "default",
        "system_fingerprint": "fp_5b26d85e12",
    }


def _chat_tool(tool: ToolUse, number: int) -> Json:
    function = {"name": tool.name, "arguments": json.dumps(tool.arguments)}
    return {"id": f"call_{number:06d}", "type": "function", "function": function}


def _finish(answer: Answer) -> str:
    return "tool_calls" if answer.tool else "stop"


def _response_head(request: Json, number: int) -> Json:
    return {
        "id": f"resp_{number:06d}",
        "object": "response",
        "created_at": _CREATED_S,
        "model": SERVED_AS[request["model"]],
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "metadata": {},
        "parallel_tool_calls": True,
        "previous_response_id": None,
        "reasoning": {"effort": None, "summary": None},
        "service_tier": "default",
        "store": True,
        "temperature": 1.0,
        "text": {"format": {"type": "text"}},
        "tool_choice": "auto",
        "tools": request.get("tools", []),
        "top_p": 1.0,
        "truncation": "disabled",
    }


def _response_output(answer: Answer, number: int) -> list[Json]:
    output: list[Json] = []
    if answer.tokens.reasoning:
        output.append({"type": "reasoning", "id": f"rs_{number:06d}", "summary": []})
    if answer.tool:
        output.append({
            "type": "function_call",
            "id": f"fc_{number:06d}",
            "call_id": f"call_{number:06d}",
            "name": answer.tool.name,
            "arguments": json.dumps(answer.tool.arguments),
            "status": "completed",
        })  # fmt: skip
    else:
        text = {"type": "output_text", "text": answer.text, "annotations": [], "logprobs": []}
        output.append({
            "type": "message",
            "id": f"msg_{number:06d}",
            "status": "completed",
            "role": "assistant",
            "content": [text],
        })  # fmt: skip
    return output


def _event(body: Json, name: str = "") -> bytes:
    head = f"event: {name}\n" if name else ""
    return f"{head}data: {json.dumps(body)}\n\n".encode()
