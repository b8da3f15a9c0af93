"""Everything that can go wrong, and whether trying again can help.

ProcessorError
├── PermanentError            the same input would fail again
│   ├── UndecodableError      the payload is not the OTLP message it claims to be
│   ├── TooLargeError         the payload is over the size limit
│   ├── BackendRefusedError   the backend will never take this payload
│   │   └── SignalNotTakenError  it takes no metrics, or no logs, whatever they are
│   ├── InvalidQuestionError  a question names something unknown
│   ├── QuestionTooSlowError  a question would take too long to answer
│   ├── NotFoundError         nothing has the id that a question names
│   ├── ForbiddenError        this caller may not ask that
│   └── UnauthenticatedError  a request shows no token that is known here
├── RetryableError            the same input may succeed later; says after how long
│   ├── OverloadedError       too much is under way; nothing was changed
│   │   ├── MemoryFullError   requests under way hold as much memory as they may
│   │   ├── SlowSenderError   the body took too long to arrive
│   │   └── StoppingError     the processor is shutting down
│   ├── CallerLeftError       the body broke off; nobody waits for the answer
│   ├── BackendUnavailableError
│   └── LedgerUnavailableError  the ledger could not be written; nothing was changed
│       └── LedgerDamagedError  what was read of it is not what was written
├── BackupFailedError         a copy of the ledger could not be made; nothing is left of it
└── ConfigError               settings, prices or budgets that cannot be used
    └── LedgerInUseError      another process has the ledger open
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, NamedTuple


class ProcessorError(Exception):
    """Base of every error this program raises on purpose."""

    reason: ClassVar[str] = "other"
    """A word for it, under which it is counted."""


class PermanentError(ProcessorError):
    """The same input would fail again: the sender must not retry."""


class UndecodableError(PermanentError):
    """The payload cannot be decoded."""

    reason = "undecodable"


class TooLargeError(PermanentError):
    """The payload is over the size limit."""

    reason = "too_large"


class BackendRefusedError(PermanentError):
    """The backend refused for good; `code` is its gRPC status code (an integer)."""

    reason = "backend_refused"

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class SignalNotTakenError(BackendRefusedError):
    """The backend has no place for this signal, whatever the payload: no metrics, or no logs.

    Nothing is wrong with the sender, so it is answered success, and what it sent is dropped.
    """

    reason = "signal_not_taken"


class InvalidQuestionError(PermanentError):
    """A question that cannot be asked: `field` says where, `what` is wrong, `fix` what to do.

    `choices` are all the words that are accepted there; empty where there is no such list.
    """

    reason = "invalid_question"

    def __init__(self, field: str, what: str, fix: str = "", choices: Sequence[str] = ()) -> None:
        takes = f"it takes {', '.join(choices)}" if choices else ""
        advice = " ".join(filter(None, (fix, takes)))
        super().__init__(f"{field}: {what}" + (f"; {advice}" if advice else ""))
        self.field, self.what, self.fix, self.choices = field, what, fix, tuple(choices)


class QuestionTooSlowError(PermanentError):
    """A question that takes longer than it may; the same question would again."""

    reason = "question_too_slow"


class NotFoundError(PermanentError):
    """A question names an id that nothing has."""

    reason = "not_found"


class ForbiddenError(PermanentError):
    """A question that this caller may not ask."""

    reason = "forbidden"


class UnauthenticatedError(PermanentError):
    """A request without a token that is known here.

    `challenge` is what ``WWW-Authenticate`` says of it over HTTP.
    """

    reason = "unauthenticated"

    def __init__(self, message: str, challenge: str) -> None:
        super().__init__(message)
        self.challenge = challenge


class RetryableError(ProcessorError):
    """The same input may succeed later; `delay_s` is the least time to wait."""

    def __init__(self, message: str, delay_s: float = 1.0) -> None:
        super().__init__(message)
        self.delay_s = delay_s


class OverloadedError(RetryableError):
    """Too much is under way. Raised before any state has changed."""

    reason = "overloaded"


class MemoryFullError(OverloadedError):
    """Requests under way hold as much memory as they may together."""

    reason = "memory_full"


class SlowSenderError(OverloadedError):
    """The body of a request took too long to arrive."""

    reason = "slow_sender"


class StoppingError(OverloadedError):
    """The processor is shutting down."""

    reason = "stopping"


class CallerLeftError(RetryableError):
    """The sender hung up before all of its body had come. Nothing has changed."""

    reason = "caller_left"


class BackendUnavailableError(RetryableError):
    """The backend could not be reached, or asked to be tried later."""

    reason = "backend_unavailable"


class LedgerUnavailableError(RetryableError):
    """The ledger could not be written (disk full, locked, read-only). Nothing was charged."""

    reason = "ledger_unavailable"


class LedgerDamagedError(LedgerUnavailableError):
    """What was read of the ledger is not what was written. Other parts of it may be whole."""


class BackupFailedError(ProcessorError):
    """A copy of the ledger could not be made. Nothing is left of it."""


class ExportFailedError(ProcessorError):
    """A file for other programs could not be written. What was there before is as it was."""


class LastFailure(NamedTuple):
    """Why something that is tried again and again failed the last time."""

    message: str
    at_s: float
    """By the monotonic clock."""
    times: int = 1
    """How often it has failed in a row."""


class Problem(NamedTuple):
    """One thing that is wrong in a file: where it is, what is wrong, and how to fix it."""

    where: str
    what: str
    fix: str = ""

    def __str__(self) -> str:
        return f"{self.where}: {self.what}" + (f" ({self.fix})" if self.fix else "")


class ConfigError(ProcessorError):
    """Settings, prices or budgets that cannot be used; carries every problem found at once."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


class LedgerInUseError(ConfigError):
    """Another process has the ledger open: questions go to that process."""
