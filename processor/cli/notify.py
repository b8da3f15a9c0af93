"""``llm-cost notify``: sends a message by a channel, to see that it arrives."""

from __future__ import annotations

import argparse
import asyncio
import time

from processor.app.channels import build_channel
from processor.cli.sources import settings_from
from processor.config import Settings
from processor.core.errors import ConfigError, Problem
from processor.core.files.similar import nearest
from processor.core.notices import trial_notice
from processor.io.notify import Channel, SendError
from processor.surfaces.terminal.paint import plain


def run(arguments: argparse.Namespace) -> int:
    """Send it; 0 when it has arrived. Raises ConfigError."""
    settings = settings_from(arguments)
    name = arguments.test
    channel = _channel(settings, name)
    try:
        asyncio.run(_send(channel))
    except SendError as error:
        print(plain(f"{name}: {error}"))
        if error.detail:
            print(plain(f"it says: {error.detail}"))
        return 1
    print(plain(f"{name} has taken a test message"))
    return 0


def _channel(settings: Settings, name: str) -> Channel:
    channels = settings.notifications.channels
    if name not in channels:
        near = nearest(name, channels)
        fix = f"did you mean {near}?" if near else f"there are: {', '.join(channels)}"
        if not channels:
            fix = "declare some under notifications.channels, in the file of --config"
        raise ConfigError([Problem("--test", f"the settings have no channel {name}", fix)])
    return build_channel(name, channels[name])


async def _send(channel: Channel) -> None:
    try:
        await channel.send(trial_notice(channel.name, int(time.time())))
    finally:
        await channel.close()
