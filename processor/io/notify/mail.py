"""E-mail by an SMTP server. Source: RFC 5321, RFC 5322 and, for the mark of programs, RFC 3834."""

from __future__ import annotations

import logging
import smtplib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate
from typing import Final, Literal, NamedTuple

from processor.core.errors import ConfigError
from processor.core.escaping import escape
from processor.core.notices import FOLDED_MAX, Notice, plain_name
from processor.io.notify.channel import SendError
from processor.io.notify.threads import in_thread

_LOG = logging.getLogger(__name__)
_SUBJECT_CHARS_MAX: Final = 180


class MailServer(NamedTuple):
    """Where e-mail is handed in."""

    host: str
    port: int
    security: Literal["starttls", "tls", "none"]
    username: str
    password: Callable[[], str]
    """Raises ConfigError."""
    ca_file: str
    timeout_s: float


class MailChannel:
    """What waits is one message."""

    folded_max = FOLDED_MAX

    def __init__(
        self, name: str, server: MailServer, sender: str, to: Sequence[str], interval_s: float
    ) -> None:
        self.name, self.interval_s = name, interval_s
        self._server, self._sender, self._to = server, sender, list(to)

    async def send(self, notice: Notice) -> None:
        """Deliver a message. Raises SendError."""
        message = mail_of(notice, self._sender, self._to)
        refused = await in_thread(lambda: _hand_in(self._server, message, self._sender, self._to))
        if refused:
            _LOG.warning("%s does not take e-mail for %s", self._server.host, ", ".join(refused))

    async def close(self) -> None:
        """Nothing is kept open."""


def mail_of(notice: Notice, sender: str, to: Sequence[str]) -> EmailMessage:
    """A notice as plain text; the id of the message is that of the notice."""
    text = notice.message(plain_name)
    message = EmailMessage(policy=SMTP)
    # What a header cannot have, such as the end of a line, was escaped, and is refused here too.
    message["Subject"] = f"[llm-cost] {text.title}"[:_SUBJECT_CHARS_MAX]
    message["From"] = sender
    message["To"] = ", ".join(to)
    message["Date"] = formatdate()
    message["Message-ID"] = f"<{notice.id}@{sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content("\n".join((text.title, "", *text.lines, "")))
    return message


def _hand_in(
    server: MailServer, message: EmailMessage, sender: str, to: Sequence[str]
) -> list[str]:
    """Hand it in; returns the addresses that were refused where others were not."""
    where = f"the SMTP server {server.host}:{server.port}"
    try:
        context = ssl.create_default_context(cafile=server.ca_file or None)
        with _connected(server, context) as smtp:
            if server.security == "starttls":
                smtp.starttls(context=context)
            if server.username:
                smtp.login(server.username, server.password())
            return list(smtp.send_message(message, sender, list(to)))
    except smtplib.SMTPRecipientsRefused as error:
        answers = {_answer(*each) for each in error.recipients.values()}
        raise SendError(f"{where} takes none of the addresses: {'; '.join(answers)}") from None
    except smtplib.SMTPNotSupportedError as error:
        hint = "; set security to tls or none" if server.security == "starttls" else ""
        raise SendError(f"{where} cannot do that: {escape(str(error))}{hint}") from None
    except smtplib.SMTPResponseException as error:
        answer = _answer(error.smtp_code, error.smtp_error)
        raise SendError(f"{where} answers {answer}") from None
    except TimeoutError:
        raise SendError(f"{where} did not answer within {server.timeout_s:g} s") from None
    except ConfigError as error:
        raise SendError(" ".join(str(error).split())) from None
    except (smtplib.SMTPException, OSError) as error:
        words = escape(str(error)) or type(error).__name__
        raise SendError(f"{where} cannot be used: {words}") from None


@contextmanager
def _connected(server: MailServer, context: ssl.SSLContext) -> Iterator[smtplib.SMTP]:
    """A connection; ending it politely may fail, since all that matters was answered before."""
    # Once there is a connection `_deadline` comes first.
    timeout_s = server.timeout_s + 1
    smtp = (
        smtplib.SMTP_SSL(timeout=timeout_s, context=context)
        if server.security == "tls"
        else smtplib.SMTP(timeout=timeout_s)
    )
    try:
        with _deadline(smtp, server.timeout_s):
            # What a certificate is for, which smtplib notes only where it connects at once.
            smtp._host = server.host  # type: ignore[attr-defined]  # noqa: SLF001 - see above
            smtp.connect(server.host, server.port)
            yield smtp
        with suppress(smtplib.SMTPException, OSError):
            smtp.quit()
    finally:
        smtp.close()


@contextmanager
def _deadline(smtp: smtplib.SMTP, timeout_s: float) -> Iterator[None]:
    """End the connection after a time, even if the server sends a byte now and then."""
    is_over = threading.Event()

    def end() -> None:
        is_over.set()
        with suppress(OSError):
            if smtp.sock is not None:
                smtp.sock.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(timeout_s, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    except (smtplib.SMTPServerDisconnected, OSError):
        if is_over.is_set():
            raise TimeoutError from None
        raise
    finally:
        timer.cancel()


def _answer(code: int, words: bytes | str) -> str:
    text = words.decode("utf-8", "replace") if isinstance(words, bytes) else words
    return f"{code} {escape(' '.join(text.split()))}"
