"""The exclusion under way, or the undo of one, which outlives its asker and the process."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from concurrent.futures import Future

from processor.core.errors import InvalidQuestionError
from processor.core.model import TIME_NS_MAX, AuditEntry, Exclusion, ExclusionRequest, Selection
from processor.core.money import format_usd
from processor.core.wording import utc_text
from processor.io.ledger.audit_rows import as_json
from processor.io.ledger.excluding import Excluder, Restorer, steps_of
from processor.io.ledger.exclusion_row import Counts, from_json, to_json
from processor.io.ledger.exclusion_rows import KIND
from processor.io.ledger.long_job import LongJob
from processor.io.ledger.store import Job

_LOG = logging.getLogger(__name__)


class ExcludeJob(LongJob[Excluder | Restorer, Exclusion]):
    """At most one at a time that is kept; the thread that writes owns it."""

    kind = KIND
    what = "the exclusion"

    @property
    def has_work(self) -> bool:
        """Whether there is one under way."""
        return self._id != 0

    def load(self) -> None:
        """Go on with one that the last process has not finished."""
        job = self._unfinished()
        if job is not None:
            self._id = job.id
            _LOG.info("an unfinished exclusion goes on")

    def begin(self, asked: ExclusionRequest) -> Future[Exclusion]:
        """Begin one; returns its result to be. Raises OverloadedError beside another one.

        Raises InvalidQuestionError where there is nothing to undo by that number.
        """
        if self._under_way() is not None:
            raise self.refusal()
        self.check(asked)
        steps = steps_of(self._working_set, asked)
        steps.find_last()
        self._begin_with(steps, self._line(asked))
        steps.number = self._id
        self._note(steps)
        return self._result

    def check(self, asked: ExclusionRequest) -> None:
        """Raises InvalidQuestionError where there is nothing to undo by its number."""
        number = asked.undoes
        if not number:
            return
        known = self._known()
        if number not in known or known[number].undoes:
            message = f"there is no exclusion {number}; llm-cost audit lists them"
            raise InvalidQuestionError("undo", message)
        if any(each.undoes == number for each in known.values()):
            raise InvalidQuestionError("undo", f"exclusion {number} is undone already")

    def _known(self) -> dict[int, ExclusionRequest]:
        jobs = self._working_set.store.exclusions.jobs()
        return {job.id: from_json(job.parameters)[0] for job in jobs}

    def _line(self, asked: ExclusionRequest) -> AuditEntry:
        action, selection = KIND, asked.selection
        if asked.undoes:
            action, selection = "undo", self._known()[asked.undoes].selection
        subject, said = _selected(selection), as_json(_said(asked, asked.undoes))
        return AuditEntry(asked.now_ns, asked.actor, action, subject, as_json({}), said)

    def _outcome(self, steps: Excluder | Restorer) -> tuple[Mapping[str, str], Mapping[str, str]]:
        result = steps.result()
        after = _said(steps.asked, result.number) | {
            "calls": str(result.calls),
            "usd": format_usd(result.after_nano_usd),
        }
        return {"usd": format_usd(result.before_nano_usd)}, after

    def _under_way(self) -> Excluder | Restorer | None:
        if self._steps is None and self.has_work:
            job = self._unfinished()
            if job is None:  # Its last step was committed, or its first one was not.
                self._id, self.progress = 0, None
            else:
                asked, self._audit = from_json(job.parameters)
                counts, self._id = Counts.from_json(job.progress), job.id
                self._steps = steps_of(self._working_set, asked, job.id, job.position, counts)
        return self._steps

    def _row_of(self, steps: Excluder | Restorer) -> Job:
        return Job(
            self.kind,
            to_json(steps.asked, self._audit),
            steps.position,
            steps.counts.to_json(),
            steps.is_done,
            self._id,
        )

    def _end(self, steps: Excluder | Restorer) -> None:
        result = steps.result()
        what = "undo of exclusion" if steps.asked.undoes else "exclusion"
        _LOG.info(
            "%s %d is done: %d calls, from USD %s to USD %s",
            what,
            result.number,
            result.calls,
            format_usd(result.before_nano_usd),
            format_usd(result.after_nano_usd),
        )
        self._ended(result)


def _said(asked: ExclusionRequest, number: int) -> dict[str, str]:
    """What was said when it was asked for, and its number as far as that is known."""
    values = {"exclusion": str(number) if number else "", "reason": asked.reason}
    return {name: value for name, value in values.items() if value}


def _selected(selection: Selection) -> str:
    """Which calls, in words."""
    words = [f"{name} {value}" for name, value in selection.describe().items()]
    if selection.start_ns:
        words.append(f"from {utc_text(selection.start_ns)}")
    if selection.end_ns < TIME_NS_MAX:
        words.append(f"until {utc_text(selection.end_ns)}")
    return " ".join(words)
