"""The channels of notifications, as the settings declare them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Final

from processor import __version__
from processor.config import Notifications
from processor.config.channels import (
    AnyChannel,
    Apprise,
    Email,
    Slack,
    Webhook,
    http_url,
    read_secret,
    secret_key,
)
from processor.core.budgets import Policy
from processor.core.files.checks import text
from processor.core.wording import counted
from processor.io.ledger import Ledger
from processor.io.notify import (
    AppriseChannel,
    Channel,
    HttpPost,
    MailChannel,
    MailServer,
    MakeReport,
    Senders,
    SlackChannel,
    WebhookChannel,
    check_apprise_url,
    origin,
)

_AGENT: Final = f"llm-cost-processor/{__version__}"


def build_senders(settings: Notifications, ledger: Ledger, report: MakeReport) -> Senders:
    """Everything that sends, not yet started. Raises ConfigError for secrets that it cannot use."""
    for read in secrets_of(settings):
        read()
    channels = [build_channel(name, each) for name, each in settings.channels.items()]
    return Senders(ledger.outbox, channels, lambda: ledger.policy, report)


def build_channel(name: str, given: AnyChannel) -> Channel:
    """A channel; secrets in files are read each time that they are used."""
    read = _secrets(name, given)
    if isinstance(given, Apprise):
        return AppriseChannel(name, read["url"], given.timeout_s, given.interval_s)
    if isinstance(given, Email):
        server = MailServer(
            given.host, given.used_port, given.security, given.username,
            read["password"], given.ca_file, given.timeout_s,
        )  # fmt: skip
        return MailChannel(name, server, given.sender, given.to, given.interval_s)
    post = HttpPost(read["url"], given.timeout_s, given.ca_file, _AGENT)
    if isinstance(given, Slack):
        return SlackChannel(name, post, given.interval_s)
    key = read["secret"]
    return WebhookChannel(name, post, lambda: secret_key(found) if (found := key()) else b"")


def secrets_of(settings: Notifications) -> Iterator[Callable[[], str]]:
    """What reads each secret that the channels need."""
    for name, each in settings.channels.items():
        yield from _secrets(name, each).values()


def _secrets(name: str, given: AnyChannel) -> Mapping[str, Callable[[], str]]:
    where = f"notifications.channels.{name}"

    def reader(key: str, check: Callable[[str], str]) -> Callable[[], str]:
        value, file = getattr(given, key), getattr(given, f"{key}_file")
        if not value and not file:
            return lambda: ""
        return partial(read_secret, f"{where}.{key}", value, file, check)

    if isinstance(given, Email):
        return {"password": reader("password", text)}
    if isinstance(given, Apprise):
        return {"url": reader("url", check_apprise_url)}
    found = {"url": reader("url", http_url)}
    if isinstance(given, Webhook):
        found["secret"] = reader("secret", lambda value: value if secret_key(value) else "")
    return found


def channel_lines(settings: Notifications, policy: Policy) -> Iterator[str]:
    """The channels in words, without their secrets, and what is sent by each."""
    if not settings.channels:
        return
    yield f"notifications  {counted(len(settings.channels), 'channel')}"
    for name, each in settings.channels.items():
        budgets = [
            budget.name
            for budget in policy.budgets
            if any(name in names for names in budget.notify.values())
        ]
        what = ", ".join(dict.fromkeys(budgets)) or "no budget"
        yield f"  {name:<12} {each.type} to {_target(name, each)}; {what}"


def _target(name: str, given: AnyChannel) -> str:
    if isinstance(given, Email):
        return f"{', '.join(given.to)} by {given.host}:{given.used_port}"
    if isinstance(given, Apprise):
        return "a service of Apprise"
    return origin(_secrets(name, given)["url"]())
