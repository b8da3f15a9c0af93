"""gRPC's status codes: what every answer is judged by, whatever protocol it came over.

Source: gRPC, "Status codes and their use in gRPC".
"""

from __future__ import annotations

from enum import IntEnum


class Code(IntEnum):
    """How a request ended, by the number that travels."""

    OK = 0
    CANCELLED = 1
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    ABORTED = 10
    OUT_OF_RANGE = 11
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    DATA_LOSS = 15
    UNAUTHENTICATED = 16

    @classmethod
    def _missing_(cls, _value: object) -> Code:
        """A number that nobody knows says nothing."""
        return cls.UNKNOWN
