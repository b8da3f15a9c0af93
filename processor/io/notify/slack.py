"""A message by an incoming webhook of Slack; Mattermost and Discord take the same.

Source: Slack's documentation, "Formatting text for app surfaces" and "Blocks".
"""

from __future__ import annotations

import json
from typing import Final

from processor.core.notices import FOLDED_MAX, Notice, plain_name
from processor.io.notify.http_post import HttpPost

_SECTION_CHARS_MAX: Final = 2900
_TEXT_CHARS_MAX: Final = 1900
"""Discord refuses a longer one than 2000."""


class SlackChannel:
    """What waits is one message."""

    folded_max = FOLDED_MAX

    def __init__(self, name: str, post: HttpPost, interval_s: float) -> None:
        self.name, self._post, self.interval_s = name, post, interval_s

    async def send(self, notice: Notice) -> None:
        """Deliver a message. Raises SendError."""
        message = notice.message(as_code)
        title, rest = f"*{message.title}*", "\n".join(message.lines)
        document = {
            "text": _shortened(f"{title}\n{rest}", _TEXT_CHARS_MAX),
            "blocks": [
                {"type": "section", "text": {"type": "mrkdwn", "text": _shortened(part)}}
                for part in (title, rest)
                if part
            ],
        }
        await self._post.post(json.dumps(document, ensure_ascii=False).encode(), {})

    async def close(self) -> None:
        """Close connections."""
        await self._post.close()


def as_code(text: str) -> str:
    """A name from outside as code, in which nothing is a link, a mention or an emphasis."""
    inner = plain_name(text).replace("`", "'")
    escaped = inner.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return f"`{escaped}`"


def _shortened(text: str, chars_max: int = _SECTION_CHARS_MAX) -> str:
    """Whole lines up to a length."""
    if len(text) <= chars_max:
        return text
    kept = text[: chars_max - 1].rpartition("\n")[0]
    return f"{kept or text[: chars_max - 1]}\n…"
