"""The forgetting under way, which outlives its asker and the process."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Mapping
from concurrent.futures import Future
from typing import Final

from processor.core.errors import OverloadedError
from processor.core.model import AuditEntry, ForgetRequest, Forgetting
from processor.io.ledger.audit_rows import as_json
from processor.io.ledger.forgetting.steps import Forgetter
from processor.io.ledger.long_job import RETRY_DELAY_S, LongJob
from processor.io.ledger.store import Job

_LOG = logging.getLogger(__name__)
_READER_WAIT_S: Final = 0.2
"""How long to wait for a question to end that reads what is to be overwritten."""


class ForgetJob(LongJob[Forgetter, Forgetting]):
    """At most one; the thread that writes owns it.

    While it lasts its row has the id, so that it goes on after a restart.
    """

    kind = "forget"
    what = "the forgetting of a user"
    counted = "rows or bytes are looked at"
    _not_before_s = 0.0

    @property
    def is_under_way(self) -> bool:
        """Whether there is one, even if it waits."""
        return self._id != 0

    @property
    def has_work(self) -> bool:
        """Whether there is something to do now: budgets that are filled read traces in steps."""
        if not self.is_under_way or self._working_set.budgets.has_work:
            return False
        return time.monotonic() >= self._not_before_s

    def load(self) -> None:
        """Go on with one that the last process has not finished."""
        job = self._unfinished()
        if job is not None:
            self._id = job.id
            _LOG.info("an unfinished forgetting of a user goes on")

    def begin(self, asked: ForgetRequest) -> Future[Forgetting]:
        """Begin one, or wait for that of the same id; returns its result to be.

        Raises OverloadedError beside another one, InvalidQuestionError for what is no id.
        """
        if self.is_under_way:
            steps = self._under_way()
            if steps is not None and steps.asked.user == asked.user:
                return self._result
            raise OverloadedError("another user is being forgotten", RETRY_DELAY_S)
        self._working_set.store.ids.check(asked.user)
        steps = Forgetter(self._working_set, asked)
        line = AuditEntry(
            asked.now_ns, asked.actor, self.kind, steps.tombstone, as_json({}), as_json({})
        )
        self._begin_with(steps, line)
        steps.number = self._id
        self._note(steps)
        return self._result

    def _step(self) -> None:
        steps = self._under_way()
        if steps is None:
            return
        if steps.phase not in {"file", "log"}:
            super()._step()
            steps.committed()
        elif not steps.clean():
            self._not_before_s = time.monotonic() + _READER_WAIT_S
        else:
            if steps.phase != "file":
                # From now on the row has no id any more.
                self._commit(steps)
            self._note(steps)
            if steps.is_done:
                self._end(steps)

    def _under_way(self) -> Forgetter | None:
        if self._steps is None and self.is_under_way:
            job = self._unfinished()
            if job is None:  # Its last step was committed, though that had seemed to fail.
                self._id, self.progress = 0, None
            else:
                user, actor, now_ns, self._audit = json.loads(job.parameters)
                asked = ForgetRequest(_from_hex(user), _from_hex(actor), now_ns)
                self._steps = Forgetter(self._working_set, asked, number=job.id)
                self._steps.go_on_from(job.position, job.progress)
        return self._steps

    def _row_of(self, steps: Forgetter) -> Job:
        user, actor, now_ns = steps.asked
        if steps.phase in {"log", "done"}:
            user = actor = ""
        # In hex, so that what is looked for in the file is not found here.
        values = json.dumps([user.encode().hex(), actor.encode().hex(), now_ns, self._audit])
        return Job(self.kind, values, steps.position, steps.to_json(), steps.is_done, self._id)

    def _outcome(self, steps: Forgetter) -> tuple[Mapping[str, str], Mapping[str, str]]:
        return {}, steps.outcome()

    def _end(self, steps: Forgetter) -> None:
        _LOG.info("a user is forgotten, and is %s from now on", steps.tombstone)
        self._ended(steps.result())


def _from_hex(text: str) -> str:
    return bytes.fromhex(text).decode()
