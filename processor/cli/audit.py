"""``llm-cost audit``: who has changed what, and when."""

from __future__ import annotations

import argparse
from typing import Final

from processor.cli.asked import moment_asked
from processor.cli.picture import check_form, print_picture, with_time_zone
from processor.cli.questions import Query, Questions, open_questions
from processor.surfaces.api import write_document
from processor.surfaces.api.documents import AuditDocument
from processor.surfaces.terminal.audit import draw_audit
from processor.surfaces.terminal.output import write_exactly
from processor.surfaces.terminal.paint import columns

_PAGE: Final = 1000


def run(arguments: argparse.Namespace) -> int:
    """Print the audit, latest first. Raises ConfigError, NoAnswerError, RefusedError."""
    form = check_form(arguments)
    query = with_time_zone(arguments, [("limit", str(_PAGE))])
    if arguments.since:
        query.append(("starting_at", moment_asked("--since", arguments.since)))
    with open_questions(arguments) as answer:
        answer.warn()
        document = _whole(answer.value, query)
        if form is not None:
            write_exactly(write_document(document, form))
        else:
            print_picture(answer, draw_audit(document, columns()), arguments)
    return 0


def _whole(questions: Questions, query: Query) -> AuditDocument:
    """All pages as one: whoever looks for a change must not miss it."""
    page = whole = questions.get(AuditDocument, "/audit", query)
    while page.next_cursor:
        page = questions.get(AuditDocument, "/audit", [*query, ("cursor", page.next_cursor)])
        whole.data.extend(page.data)
    return whole.model_copy(update={"next_cursor": None})
