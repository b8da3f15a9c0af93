"""Which refusals are worth a line in the log."""

import logging

from processor.core.errors import InvalidQuestionError, NotFoundError, UndecodableError
from processor.io.receiver.refusals import Refusals


def test_a_request_that_is_refused_is_logged_once_for_each_reason(caplog):
    refusals = Refusals(lambda: 0.0)
    for _ in range(3):
        refusals.note(UndecodableError("no such field"))
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "requests are rejected (undecodable), the first: 'no such field'" in caplog.text


def test_a_question_that_cannot_be_answered_as_asked_is_not_logged(caplog):
    """Guarantees: a mistyped flag of a command does not look like spans that were refused."""
    refusals = Refusals(lambda: 0.0)
    refusals.note(InvalidQuestionError("undo", "there is no exclusion 7"))
    refusals.note(NotFoundError("there is no trace 00"))
    assert not caplog.records
