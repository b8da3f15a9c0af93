"""Notifications: what waits in the ledger's outbox is sent by channels, until it has arrived.

sender   takes what is due, one task for each channel
channel  what a channel has to offer
webhook, slack, mail, apprise_channel  the channels; `http_post` is what the first two share
"""

from processor.io.notify.apprise_channel import AppriseChannel, check_apprise_url
from processor.io.notify.channel import Channel, SendError
from processor.io.notify.http_post import HttpPost, origin
from processor.io.notify.mail import MailChannel, MailServer
from processor.io.notify.sender import MakeReport, Senders
from processor.io.notify.slack import SlackChannel
from processor.io.notify.webhook import WebhookChannel

__all__ = [
    "AppriseChannel",
    "Channel",
    "HttpPost",
    "MailChannel",
    "MailServer",
    "MakeReport",
    "SendError",
    "Senders",
    "SlackChannel",
    "WebhookChannel",
    "check_apprise_url",
    "origin",
]
