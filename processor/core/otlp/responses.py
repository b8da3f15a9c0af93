"""What a sender is answered: a `Receipt` as an Export…ServiceResponse, and the other way round.

Source: OTLP specification, "Partial Success".
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

from google.protobuf.message import DecodeError, Message

from processor.core.model import Receipt, Signal
from processor.core.otlp.signals import SIGNALS

_SENT_MESSAGE_CHARS_MAX: Final = 4096
_READ_MESSAGE_CHARS_MAX: Final = 1024
_BREAKS: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
"""What ends a line, or controls a terminal."""
_REJECTED_MAX: Final = 2**63 - 1


def response_to(signal: Signal, receipt: Receipt) -> Message:
    """The Export…ServiceResponse.

    Full success is the empty message: OTLP demands that ``partial_success`` is unset then, not
    present and empty.
    """
    spec = SIGNALS[signal]
    response = spec.response()
    message = receipt.message[:_SENT_MESSAGE_CHARS_MAX]
    if receipt.rejected or message:
        partial: Any = response.partial_success  # type: ignore[attr-defined]  # all three have it
        setattr(partial, spec.rejected, receipt.rejected)
        partial.error_message = message
    return response


def read_response(signal: Signal, response: bytes) -> Receipt | None:
    """The receipt in a response; None for one that cannot be read.

    Such a response still came with the status OK: the payload was taken, and sending it again
    would only make duplicates.
    """
    if not response:
        return Receipt()
    spec = SIGNALS[signal]
    try:
        answer: Any = spec.response.FromString(response)
    except DecodeError:
        return None
    partial = answer.partial_success
    return _receipt(getattr(partial, spec.rejected), partial.error_message)


def read_json_response(signal: Signal, response: bytes) -> Receipt | None:
    """The same from JSON, which some backends answer whatever they are sent."""
    rejected = SIGNALS[signal].rejected_json
    try:
        answer: Any = json.loads(response)
        partial = answer.get("partialSuccess") or {}
        # 64-bit numbers are texts in OTLP's JSON, and numbers from those who do not know.
        return _receipt(int(partial.get(rejected, 0)), str(partial.get("errorMessage") or ""))
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError):
        return None


def one_line(message: str) -> str:
    """What a backend says, as one line of bounded length, for logs and for senders.

    Unpaired surrogates, which JSON can hold but no message of ours, become question marks.
    """
    line = _BREAKS.sub(" ", message[:_READ_MESSAGE_CHARS_MAX])
    return line.encode("utf-8", "replace").decode("utf-8")


def _receipt(rejected: int, message: str) -> Receipt:
    """A negative count can only be a mistake of the backend."""
    return Receipt(min(max(rejected, 0), _REJECTED_MAX), one_line(message))
