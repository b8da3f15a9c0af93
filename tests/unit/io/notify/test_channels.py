"""Channels against servers that take, refuse, hang and lie."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import socket
import ssl
import sys
import threading
import time
from contextlib import suppress
from email import message_from_bytes, policy

import pytest
from conformance.certificates import make_self_signed
from unit.core.notices.test_message import RULES, START_S, crossing
from unit.io.notify.receivers import HttpReceiver, MailReceiver

from processor.core.errors import ConfigError, Problem
from processor.core.notices import crossing_id, crossings_notice
from processor.io.notify import (
    AppriseChannel,
    HttpPost,
    MailChannel,
    MailServer,
    SendError,
    SlackChannel,
    WebhookChannel,
    check_apprise_url,
)

KEY = b"k" * 24
OF_APPRISE = pytest.mark.filterwarnings("ignore:'imghdr':DeprecationWarning")
"""Its library uses a module that Python has not for ever."""
ODD = "<!channel> @everyone `code` *bold* & \r\nBcc: all@example.com"


def notice(*crossings):
    return crossings_notice(crossings or (crossing(),), RULES, START_S, START_S)


@pytest.fixture
async def receiver():
    async with HttpReceiver().running() as found:
        yield found


def post_to(receiver, timeout_s=5.0):
    return HttpPost(lambda: receiver.url, timeout_s, "", "llm-cost-processor/test")


async def test_a_webhook_has_the_headers_and_signature_of_standard_webhooks(receiver):
    channel = WebhookChannel("hook", post_to(receiver), lambda: KEY)
    await channel.send(notice())
    await channel.close()
    [(headers, body)] = receiver.requests
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.new(KEY, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    assert headers["webhook-id"] == crossing_id(crossing())
    assert abs(int(headers["webhook-timestamp"]) - time.time()) < 60
    document = json.loads(body)
    assert set(document) == {"type", "timestamp", "data"}
    assert (document["type"], document["data"]["spent_usd"]) == ("budget.warning", "41.200000000")


async def test_a_webhook_without_a_secret_is_not_signed(receiver):
    channel = WebhookChannel("hook", post_to(receiver), lambda: b"")
    await channel.send(notice())
    await channel.close()
    assert "webhook-signature" not in receiver.requests[0][0]


@pytest.mark.parametrize(
    ("answer", "message", "asked_s"),
    [
        (500, "answers HTTP 500", None),
        ((429, {"Retry-After": "7"}), "answers HTTP 429: it asks to send less often", 7.0),
        (410, "answers HTTP 410: it says that nothing is to be sent there any more", None),
        ((302, {"Location": "http://127.0.0.1:1/"}), "redirects are not followed", None),
        ("hang", "did not answer within 0.3 s", None),
    ],
)
async def test_what_is_not_taken_is_an_error_without_the_secret_path(
    receiver, answer, message, asked_s
):
    receiver.answers.append(answer)
    channel = WebhookChannel("hook", post_to(receiver, 0.3), lambda: KEY)
    with pytest.raises(SendError) as refused:
        await channel.send(notice())
    assert message in str(refused.value)
    assert (refused.value.retry_after_s, refused.value.is_gone) == (asked_s, answer == 410)
    assert "secret" not in str(refused.value)
    if answer != "hang":
        assert refused.value.detail == "words <of> the server"
        await channel.send(notice())
        assert len(receiver.requests) == 2
    await channel.close()


async def test_an_address_where_nobody_is_or_that_speaks_no_http_is_an_error_without_its_path():
    async def error_of(port):
        post = HttpPost(lambda: f"http://127.0.0.1:{port}/secret-path", 2, "", "test")
        channel = WebhookChannel("hook", post, lambda: KEY)
        with pytest.raises(SendError) as refused:
            await channel.send(notice())
        await channel.close()
        return str(refused.value)

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        absent = await error_of(free.getsockname()[1])
    assert "cannot be reached" in absent
    assert "secret" not in absent
    with socket.create_server(("127.0.0.1", 0)) as server:

        def talk():
            client, _ = server.accept()
            client.sendall(b"SSH-2.0-something\r\n")
            client.close()

        threading.Thread(target=talk, daemon=True).start()
        odd = await error_of(server.getsockname()[1])
    assert "secret" not in odd


async def test_a_certificate_that_is_not_trusted_is_refused(tmp_path):
    certificate, key = make_self_signed(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"https://localhost:{server.getsockname()[1]}/x"

        def shake_hands():
            client, _ = server.accept()
            with client, suppress(OSError):
                context.wrap_socket(client, server_side=True).close()

        threading.Thread(target=shake_hands, daemon=True).start()
        channel = WebhookChannel("hook", HttpPost(lambda: url, 3, "", "test"), lambda: KEY)
        with pytest.raises(SendError, match="certificate verify failed"):
            await channel.send(notice())
        await channel.close()


async def test_a_secret_that_cannot_be_read_any_more_is_an_error_that_is_tried_again(receiver):
    def gone():
        raise ConfigError([Problem("secret_file", "/run/secret cannot be read")])

    channel = WebhookChannel("hook", post_to(receiver), gone)
    with pytest.raises(SendError, match="cannot be read"):
        await channel.send(notice())


async def test_names_in_slack_are_code_and_mention_nobody(receiver):
    channel = SlackChannel("ops", post_to(receiver), 0.0)
    await channel.send(notice(crossing(scope_id=ODD, budget=ODD)))
    await channel.send(notice(*(crossing(scope_id=f"{ODD} {n}" * 9) for n in range(300))))
    await channel.close()
    for _, body in receiver.requests:
        document = json.loads(body)
        texts = [document["text"], *(block["text"]["text"] for block in document["blocks"])]
        assert all("<" not in text and "`code`" not in text for text in texts)
        assert len(document["text"]) <= 1900
        assert all(len(text) <= 3000 for text in texts)
        for text in texts:
            outside_of_code = "".join(text.split("`")[::2])
            assert "@everyone" not in outside_of_code


def server_of(receiver, **more):
    values = {
        "host": "127.0.0.1", "port": receiver.port, "security": "none", "username": "",
        "password": lambda: "", "ca_file": "", "timeout_s": 5.0,
    }  # fmt: skip
    return MailServer(**values | more)


def mail_channel(server, to=("finance@example.com",)):
    return MailChannel("finance", server, "costs@example.com", to, 0.0)


@pytest.fixture
def mail():
    found = MailReceiver().start()
    yield found
    found.stop()


async def test_an_e_mail_has_the_crossing_as_its_message_id_and_no_header_from_outside(mail):
    await mail_channel(server_of(mail)).send(notice(crossing(scope_id=ODD, budget=ODD)))
    [envelope] = mail.mails
    message = message_from_bytes(envelope.content, policy=policy.default)
    found = crossing_id(crossing(scope_id=ODD, budget=ODD))
    assert message["Message-ID"] == f"<{found}@example.com>"
    assert set(message.keys()) == {
        "Subject", "From", "To", "Date", "Message-ID", "Auto-Submitted", "Content-Type",
        "Content-Transfer-Encoding", "MIME-Version",
    }  # fmt: skip
    assert envelope.rcpt_tos == ["finance@example.com"]
    assert "41.20 of $50.00" in message.get_content()


async def test_a_server_that_refuses_or_hangs_is_an_error_and_takes_the_next_one(mail):
    channel = mail_channel(server_of(mail, timeout_s=0.5))
    for answer, message in (
        ("451 4.7.1 try again later", r"answers 451 4\.7\.1 try again later"),
        ("554 5.6.0 refused", r"answers 554 5\.6\.0 refused"),
        ("hang", r"did not answer within 0\.5 s"),
    ):
        mail.answers = [answer]
        with pytest.raises(SendError, match=message):
            await channel.send(notice())
    await channel.send(notice())
    assert len(mail.mails) == 1


@pytest.mark.parametrize("greeting", [b"220 hello\r\n250", b"220"])
async def test_a_server_that_sends_a_byte_now_and_then_is_ended_in_time(greeting):
    with socket.create_server(("127.0.0.1", 0)) as server:

        def drip():
            client, _ = server.accept()
            with client, suppress(OSError):
                client.sendall(greeting)
                for _ in range(100):
                    time.sleep(0.1)
                    client.sendall(b"x")

        threading.Thread(target=drip, daemon=True).start()
        slow = MailServer("127.0.0.1", server.getsockname()[1], "none", "", lambda: "", "", 0.5)
        begun_s = time.monotonic()
        with pytest.raises(SendError, match=r"did not answer within 0\.5 s"):
            await mail_channel(slow).send(notice())
        assert time.monotonic() - begun_s < 5


async def test_addresses_that_are_refused_keep_nobody_else_from_it(mail, caplog):
    mail.refused = {"gone@example.com"}
    channel = mail_channel(server_of(mail), ("gone@example.com", "finance@example.com"))
    await channel.send(notice())
    assert mail.mails[0].rcpt_tos == ["finance@example.com"]
    assert "does not take e-mail for gone@example.com" in caplog.text
    mail.refused.add("finance@example.com")
    with pytest.raises(
        SendError, match=r"takes none of the addresses: 550 5\.1\.1 no such address"
    ):
        await channel.send(notice())


async def test_e_mail_is_encrypted_unless_the_settings_say_otherwise(mail, tmp_path):
    with pytest.raises(SendError, match="cannot do that: STARTTLS"):
        await mail_channel(server_of(mail, security="starttls")).send(notice())
    certificate, key = make_self_signed(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    secure = MailReceiver().start(tls_context=context, require_starttls=True)
    try:
        trusted = server_of(secure, host="localhost", security="starttls", ca_file=str(certificate))
        await mail_channel(trusted).send(notice())
        assert len(secure.mails) == 1
        with pytest.raises(SendError, match="certificate verify failed"):
            await mail_channel(trusted._replace(ca_file="")).send(notice())
        with pytest.raises(SendError, match="cannot be used"):
            await mail_channel(trusted._replace(security="tls")).send(notice())
    finally:
        secure.stop()


async def test_a_login_that_is_refused_shows_no_password(mail):
    login = server_of(mail, username="costs", password=lambda: "very-secret")
    with pytest.raises(SendError) as refused:
        await mail_channel(login).send(notice())
    assert "very-secret" not in str(refused.value)


@OF_APPRISE
async def test_what_apprise_knows_is_sent_by_it(receiver):
    url = receiver.url.replace("http://", "json://")
    await AppriseChannel("any", lambda: url, 5.0, 0.0).send(notice(crossing(scope_id=ODD)))
    document = json.loads(receiver.requests[0][1])
    assert "41.20 of $50.00" in document["title"]
    assert "Reached in trace" in document["message"]


@OF_APPRISE
async def test_a_service_that_refuses_shows_no_address(receiver):
    receiver.answers = [500]
    url = receiver.url.replace("http://", "json://")
    channel = AppriseChannel("any", lambda: url, 5.0, 0.0)
    with pytest.raises(SendError, match="JSON has not taken it") as refused:
        await channel.send(notice())
    assert "secret" not in str(refused.value)
    receiver.answers = ["hang"]
    with pytest.raises(SendError, match="did not answer within"):
        await AppriseChannel("any", lambda: url, 0.3, 0.0).send(notice())


@OF_APPRISE
def test_an_address_that_apprise_does_not_know_and_its_absence_are_named(monkeypatch):
    assert check_apprise_url("json://localhost/x") == "json://localhost/x"
    with pytest.raises(ConfigError, match="no address that Apprise knows") as refused:
        check_apprise_url("nothing-like-it://very-secret")
    assert "very-secret" not in str(refused.value)
    monkeypatch.setitem(sys.modules, "apprise", None)
    with pytest.raises(ConfigError, match="needs the library apprise"):
        check_apprise_url("json://localhost/x")
