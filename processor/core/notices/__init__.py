"""What a notification says, and what waits to be sent. Pure: texts and JSON of a crossing.

Of a crossing `identity` has the id, `message` what people read, `document` the JSON for programs,
and `notice` all of these, as a channel sends them. `outbox` has what waits, and says who keeps it.
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

__all__ = [
    "FOLDED_MAX",
    "Backlog",
    "Message",
    "Notice",
    "Notification",
    "Notifications",
    "Outbox",
    "Quote",
    "Rules",
    "Taken",
    "Waiting",
    "crossing_document",
    "crossing_id",
    "crossings_message",
    "crossings_notice",
    "folded_id",
    "is_notified",
    "plain_name",
    "trial_notice",
]
