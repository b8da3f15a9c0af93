"""What a notification says, and what waits to be sent. Pure: texts and JSON of a crossing.

Of a crossing `identity` has the id, `message` what people read, `document` the JSON for programs,
and `notice` all of these, as a channel sends them. `outbox` has what waits, and says who keeps it.
A `report` is about a `period` that is over.
"""

from processor.core.notices.document import crossing_document
from processor.core.notices.identity import crossing_id, folded_id
from processor.core.notices.message import (
    FOLDED_MAX,
    Message,
    Quote,
    Rules,
    crossings_message,
    plain_name,
)
from processor.core.notices.notice import Notice, crossings_notice, trial_notice
from processor.core.notices.outbox import (
    Backlog,
    Notification,
    Notifications,
    Outbox,
    Taken,
    Waiting,
    is_notified,
)
from processor.core.notices.period import Period, at_midnight, due_period, named_period
from processor.core.notices.report import NEAR, Part, Report, report_notice

__all__ = [
    "FOLDED_MAX",
    "NEAR",
    "Backlog",
    "Message",
    "Notice",
    "Notification",
    "Notifications",
    "Outbox",
    "Part",
    "Period",
    "Quote",
    "Report",
    "Rules",
    "Taken",
    "Waiting",
    "at_midnight",
    "crossing_document",
    "crossing_id",
    "crossings_message",
    "crossings_notice",
    "due_period",
    "folded_id",
    "is_notified",
    "named_period",
    "plain_name",
    "report_notice",
    "trial_notice",
]
