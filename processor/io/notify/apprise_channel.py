"""Everything that Apprise knows, through its library: an extra that is loaded when it is used."""

from __future__ import annotations

import asyncio
import importlib
import logging
from collections.abc import Callable
from typing import Any, Final

from processor.core.errors import ConfigError, Problem
from processor.core.escaping import escape
from processor.core.notices import FOLDED_MAX, Notice, plain_name
from processor.io.notify.channel import SendError
from processor.io.notify.threads import in_thread

_EXTRA: Final = "pip install apprise"
_DETAIL_CHARS_MAX: Final = 500


class AppriseChannel:
    """What waits is one message, to the one service that an address of Apprise names."""

    folded_max = FOLDED_MAX

    def __init__(
        self, name: str, url: Callable[[], str], timeout_s: float, interval_s: float
    ) -> None:
        """`url` is a secret; it raises ConfigError."""
        self.name, self.interval_s = name, interval_s
        self._url, self._timeout_s = url, timeout_s

    async def send(self, notice: Notice) -> None:
        """Deliver a message. Raises SendError."""
        message = notice.message(plain_name)
        body = "\n".join(message.lines) or message.title
        try:
            work = in_thread(lambda: _deliver(self._url(), message.title, body))
            async with asyncio.timeout(self._timeout_s):
                await work
        except TimeoutError:
            raise SendError(f"it did not answer within {self._timeout_s:g} s") from None
        except ConfigError as error:
            raise SendError(" ".join(str(error).split())) from None

    async def close(self) -> None:
        """Nothing is kept open."""


def _deliver(url: str, title: str, body: str) -> None:
    library = _library()
    service = library.Apprise()
    service.add(url)
    # Its log may have the address, so it is shown to nobody but who tests, without that.
    logger = logging.getLogger("apprise")
    logger.propagate = False
    with library.LogCapture(level=logging.WARNING) as captured:
        is_taken = service.notify(title=title, body=body, body_format=library.NotifyFormat.TEXT)
        said = captured.getvalue() if captured is not None else ""
    if not is_taken:
        names = ", ".join(str(each.service_name) for each in service)
        detail = escape(" ".join(said.replace(url, "…").split()))[:_DETAIL_CHARS_MAX]
        raise SendError(f"{names or 'Apprise'} has not taken it", detail=detail)


def check_apprise_url(url: str) -> str:
    """The address, if Apprise knows its kind. Raises ConfigError, which does not show it."""
    if not _library().Apprise().add(url):
        what = "is no address that Apprise knows"
        raise ConfigError([Problem("url", what, "see https://appriseit.com for the forms")])
    return url


def _library() -> Any:  # noqa: ANN401 - it is there only where the extra is
    try:
        return importlib.import_module("apprise")
    except ImportError:
        what = "needs the library apprise, which is an extra"
        raise ConfigError([Problem("type: apprise", what, _EXTRA)]) from None
