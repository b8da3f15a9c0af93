"""Servers that take what is sent, and fail as a test asks."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

from aiohttp import web
from aiosmtpd.controller import Controller
from conformance.durable import free_port


class HttpReceiver:
    """Answers with what is asked for next, then with 200."""

    def __init__(self):
        self.requests = []
        self.answers = []
        """Statuses, pairs of one and headers, or ``hang``."""
        self.url = ""

    async def _take(self, request):
        body = await request.read()
        answer = self.answers.pop(0) if self.answers else 200
        if answer == "hang":
            await asyncio.sleep(30)
        self.requests.append((dict(request.headers), body))
        status, headers = answer if isinstance(answer, tuple) else (answer, {})
        return web.Response(status=status, headers=headers, text="words <of> the server")

    @asynccontextmanager
    async def running(self):
        app = web.Application()
        app.router.add_post("/{path:.*}", self._take)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}/secret-path"
        yield self
        await runner.cleanup()


class MailReceiver:
    """Takes e-mail, after the answers that are asked for."""

    def __init__(self):
        self.mails = []
        self.answers = []
        self.refused = set()
        self.port = 0

    async def handle_RCPT(self, *given):  # noqa: N802 - its name
        envelope, address = given[2:4]
        if address in self.refused:
            return "550 5.1.1 no such address"
        envelope.rcpt_tos.append(address)
        return "250 ok"

    async def handle_DATA(self, *given):  # noqa: N802 - its name
        envelope = given[2]
        answer = self.answers.pop(0) if self.answers else "250 ok"
        if answer == "hang":
            await asyncio.sleep(30)
        if answer.startswith("250"):
            self.mails.append(envelope)
        return answer

    def start(self, **options):
        self.port = self.port or free_port()
        self.controller = Controller(self, hostname="127.0.0.1", port=self.port, **options)
        self.controller.start()
        return self

    def stop(self):
        self.controller.stop(no_assert=True)
