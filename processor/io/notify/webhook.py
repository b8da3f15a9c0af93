"""JSON for programs, signed. Source: Standard Webhooks, specification 1.0."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Mapping

from processor.core.errors import ConfigError
from processor.core.model import NS_PER_S
from processor.core.notices import Notice
from processor.core.wording import utc_text
from processor.io.notify.channel import SendError
from processor.io.notify.http_post import HttpPost


class WebhookChannel:
    """One request for each crossing."""

    folded_max = 1
    interval_s = 0.0

    def __init__(self, name: str, post: HttpPost, key: Callable[[], bytes]) -> None:
        """`key` signs requests; ``b""`` for none. It raises ConfigError."""
        self.name, self._post, self._key = name, post, key

    async def send(self, notice: Notice) -> None:
        """Deliver a message. Raises SendError."""
        body = json.dumps(
            {
                "type": notice.type,
                "timestamp": utc_text(notice.written_s * NS_PER_S),
                "data": dict(notice.data),
            },
            ensure_ascii=False,
        ).encode()
        try:
            key = self._key()
        except ConfigError as error:
            raise SendError(" ".join(str(error).split())) from None
        await self._post.post(body, signed_headers(notice.id, int(time.time()), body, key))

    async def close(self) -> None:
        """Close connections."""
        await self._post.close()


def signed_headers(message_id: str, now_s: int, body: bytes, key: bytes) -> Mapping[str, str]:
    """The headers of a request: its id is that of the crossing, its time that of the attempt."""
    headers = {"webhook-id": message_id, "webhook-timestamp": str(now_s)}
    if key:
        signed = f"{message_id}.{now_s}.".encode() + body
        digest = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        headers["webhook-signature"] = f"v1,{digest}"
    return headers
