"""Why there is no answer, as exceptions. All of them can be pickled."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ParameterProblem:
    """One parameter that cannot be used, and how to put it right."""

    parameter: str
    detail: str
    fix: str | None = None
    choices: tuple[str, ...] = ()
    """All that is accepted there; empty without a list."""

    def __str__(self) -> str:
        takes = f"it takes {', '.join(self.choices)}" if self.choices else ""
        advice = " ".join(filter(None, (self.fix, takes)))
        return f"{self.parameter}: {self.detail}" + (f"; {advice}" if advice else "")


class CostClientError(Exception):
    """Anything that a client raises; its text says what to do, where that is known."""


class UnreachableError(CostClientError):
    """Nothing answered: nothing listens there, its name leads nowhere, TLS is not trusted."""


class TimedOutError(UnreachableError):
    """It took longer than `timeout_s`."""


class UnexpectedAnswerError(CostClientError):
    """What answered is no processor, or one of a version that has other answers."""


class RefusedError(CostClientError):
    """The processor gave no answer, and said why."""

    def __init__(
        self,
        message: str,
        status: int = 0,
        problems: tuple[ParameterProblem, ...] = (),
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message, status, problems, retry_after_s)
        self.status = status
        """Of HTTP."""
        self.problems = problems
        """Parameters that cannot be used, each with its fix."""
        self.retry_after_s = retry_after_s
        """When it may be asked again; None where that is not said."""

    def __str__(self) -> str:
        return str(self.args[0])


class InvalidQuestionError(RefusedError):
    """Parameters that cannot be used (400); `problems` has every one."""


class UnauthenticatedError(RefusedError):
    """A token is needed, or the one given is not known (401)."""


class ForbiddenError(RefusedError):
    """Nobody is answered here, as the processor is set (403)."""


class NotFoundError(RefusedError):
    """Nothing has that id (404)."""


class UnavailableError(RefusedError):
    """It can be asked again later (429, 503): see `retry_after_s`."""


class TooSlowError(UnavailableError):
    """The question takes too long; ask for a shorter time (503)."""
