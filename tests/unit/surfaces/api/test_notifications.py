"""Notifications over the API: what was sent, what waits, and why."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from unit.core.notices.test_message import START_S, crossing

from processor.core.notices import Backlog, Notification, Notifications, crossing_id
from processor.surfaces.api.documents import NotificationsDocument
from processor.surfaces.queries import NotificationsPage
from processor.surfaces.queries.answers import AsOf
from processor.surfaces.terminal.notifications import draw_backlogs

AS_OF = AsOf(START_S * 10**9, START_S, "v")


def document():
    waiting = Notification(
        7, "ops", "waiting", START_S, START_S + 5, START_S + 60, 2, "HTTP 500", crossing(), ""
    )
    report = Notification(6, "finance", "sent", START_S, START_S + 1, START_S, 1, "", None, "day 1")
    backlogs = [Backlog("hook", 0, 3, ""), Backlog("ops", 1, 2, "HTTP 500")]
    page = NotificationsPage(Notifications([waiting, report], backlogs), "more", AS_OF)
    return NotificationsDocument.from_page(page, ZoneInfo("UTC"))


def test_a_notification_says_what_it_is_about_and_how_it_stands():
    found = document()
    first, second = (each.model_dump(mode="json") for each in found.data)
    assert first["crossing_id"] == crossing_id(crossing())
    assert (first["budget"], first["scope_id"], first["state"]) == (
        "per-user-daily", "ada", "waiting",
    )  # fmt: skip
    assert (first["attempts"], first["error"]) == (2, "HTTP 500")
    assert first["next_attempt_at"] is not None
    assert (second["report"], second["crossing_id"], second["next_attempt_at"]) == (
        "day 1", None, None,
    )  # fmt: skip
    assert found.next_cursor == "more"


def test_what_has_not_arrived_is_a_line_below_budgets():
    lines = [str(each) for each in draw_backlogs(document(), 100)]
    assert lines == [
        " hook: 3 given up in the last seven days",
        " ops: 1 notification waiting, 2 given up in the last seven days: HTTP 500",
    ]
