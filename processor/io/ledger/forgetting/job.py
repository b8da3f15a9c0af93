"""The forgetting under way, which outlives its asker and the process."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from concurrent.futures import Future

from processor.core.model import AuditEntry, ForgetRequest, Forgetting
from processor.io.ledger.audit_rows import as_json
from processor.io.ledger.forgetting.steps import BeginRename, Forgetter
from processor.io.ledger.long_job import LongJob
from processor.io.ledger.store import Job

_LOG = logging.getLogger(__name__)


class ForgetJob(LongJob[Forgetter, Forgetting]):
    """At most one; the thread that writes owns it.

    While it lasts its row has the id, so that it goes on after a restart.
    """

    kind = "forget"
    what = "the forgetting of a user"

    begin_rename: BeginRename | None = None
    """Takes the id out of requests that are kept to be sent; None where there are none."""

    @property
    def is_under_way(self) -> bool:
        """Whether there is one, even if it waits."""
        return self._id != 0

    @property
    def has_work(self) -> bool:
        """Whether there is something to do now.

        Budgets that are filled read traces in steps; requests are others' work.
        """
        if not self.is_under_way or self._working_set.budgets.has_work:
            return False
        return self._steps is None or not self._steps.is_waiting

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
        under_way = self._under_way()
        if under_way is not None:
            if under_way.asked.user == asked.user:
                return self._result
            raise self.refusal()
        self._working_set.store.ids.check(asked.user)
        steps = Forgetter(self._working_set, asked, self.begin_rename)
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
        is_others_work = steps.phase == "requests"
        try:
            super()._step()
            steps.committed()
        except BaseException:
            # It may be durable all the same, and then a working copy has names of before.
            if not is_others_work:
                self._working_set.discard_all()
            raise

    def _under_way(self) -> Forgetter | None:
        if self._steps is None and self.is_under_way:
            job = self._unfinished()
            if job is None:  # Its last step was committed, or its first one was not.
                self._id, self.progress = 0, None
                self._working_set.store.ids.stop_overwriting()
            else:
                user, actor, now_ns, self._audit = json.loads(job.parameters)
                asked = ForgetRequest(_from_hex(user), _from_hex(actor), now_ns)
                steps = Forgetter(self._working_set, asked, self.begin_rename, number=job.id)
                steps.go_on_from(job.position, job.progress)
                self._steps = steps
        return self._steps

    def _row_of(self, steps: Forgetter) -> Job:
        user, actor, now_ns = steps.asked
        if steps.is_done:
            user = actor = ""
        # In hex, so that no row has the id as it is once the names are replaced.
        values = json.dumps([user.encode().hex(), actor.encode().hex(), now_ns, self._audit])
        return Job(self.kind, values, steps.position, steps.to_json(), steps.is_done, self._id)

    def _outcome(self, steps: Forgetter) -> tuple[Mapping[str, str], Mapping[str, str]]:
        return {}, steps.outcome()

    def _end(self, steps: Forgetter) -> None:
        self._working_set.store.ids.stop_overwriting()
        _LOG.info("a user is forgotten, and is %s from now on", steps.tombstone)
        self._ended(steps.result())


def _from_hex(text: str) -> str:
    return bytes.fromhex(text).decode()
