"""Notifications: what waits in the ledger's outbox is sent by channels, until it has arrived.

sender   takes what is due, one task for each channel
channel  what a channel has to offer
webhook, slack, mail  the channels; `http_post` is what the first two share
"""

from processor.io.notify.channel import Channel, SendError
from processor.io.notify.http_post import HttpPost, origin
from processor.io.notify.mail import MailChannel, MailServer
from processor.io.notify.sender import Senders
from processor.io.notify.slack import SlackChannel
from processor.io.notify.webhook import WebhookChannel

__all__ = [
    "Channel",
    "HttpPost",
    "MailChannel",
    "MailServer",
    "SendError",
    "Senders",
    "SlackChannel",
    "WebhookChannel",
    "origin",
]
