"""Files that are read at the start, and again when they change: prices, budgets, credentials."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

from processor.config import Settings, Watcher, bundled, load_prices, named_files
from processor.config.receivers import ProtocolReceiver, read_tokens
from processor.core.budgets import Policy, parse_budgets
from processor.core.counters import FileState
from processor.core.model import Transport
from processor.core.pricing import Catalog
from processor.io.receiver import Receiver, ServerTls, load_tls

T = TypeVar("T")

_LOG = logging.getLogger(__name__)

PRICING: Final = "pricing"
BUDGETS: Final = "budgets"


class WatchedFiles:
    """Reads the files that the settings name, and follows them. Everything raises ConfigError."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._protocols: dict[Transport, ProtocolReceiver] = {
            "grpc": settings.receivers.otlp.protocols.grpc,
            "http": settings.receivers.otlp.protocols.http,
        }
        self._watchers: dict[str, Watcher[Any]] = {}
        self.states: dict[str, FileState] = {}
        """Of each file that has been read, by what it holds."""

    def prices(self) -> Catalog:
        """The catalog of the price file, or the bundled one."""
        file = self._settings.pricing.file
        if not file:
            return _parse_catalog(bundled("pricing.yaml"), "pricing.yaml")
        return self._load(PRICING, file, _parse_catalog, named_files)

    def budgets(self) -> Policy:
        """The policy of the budgets file, or the bundled one."""
        parse = partial(parse_budgets, dimensions=self._settings.dimension_names)
        file = self._settings.budgets.file
        if not file:
            return parse(bundled("budgets.yaml"), "budgets.yaml")
        return self._load(BUDGETS, file, parse)

    def tls(self, transport: Transport) -> ServerTls | None:
        """The certificates of a receiver; None where it takes plain text."""
        files, setting = self._protocols[transport].tls, _setting(transport, "tls")
        if not files.cert_file:
            return None
        paths = (files.cert_file, files.key_file, files.client_ca_file)
        others = [Path(path) for path in paths[1:] if path]

        def parse(_text: str, _source: str) -> ServerTls:
            return load_tls(*paths, setting)

        return self._load(setting, files.cert_file, parse, lambda _text, _source: others)

    def tokens(self, transport: Transport) -> tuple[str, ...]:
        """The bearer tokens of a receiver; none: everybody may send."""
        auth = self._protocols[transport].auth
        if not auth.bearer_token_file:
            return auth.bearer_tokens

        def parse(text: str, source: str) -> tuple[str, ...]:
            return (*auth.bearer_tokens, *read_tokens(text, source))

        return self._load(_setting(transport, "auth"), auth.bearer_token_file, parse)

    def follow(
        self, name: str, use: Callable[[T], Awaitable[None]]
    ) -> list[Coroutine[Any, Any, None]]:
        """What has to run so that changes are put into force; nothing for what is not in a file."""
        watcher = self._watchers.get(name)
        return [] if watcher is None else [watcher.run(use)]

    def follow_credentials(self, receiver: Receiver) -> list[Coroutine[Any, Any, None]]:
        """The same for the certificates and tokens of a receiver."""
        found = []
        for transport in self._protocols:
            found += self.follow(_setting(transport, "tls"), _user(receiver.use_tls, transport))
            found += self.follow(_setting(transport, "auth"), _user(receiver.use_tokens, transport))
        return found

    def _load(
        self,
        name: str,
        file: str,
        parse: Callable[[str, str], T],
        named: Callable[[str, str], Iterable[Path]] = lambda _text, _source: (),
    ) -> T:
        watcher = Watcher(Path(file), parse, self._settings.reload.interval_s, named)
        value = watcher.load()
        self._watchers[name], self.states[name] = watcher, watcher.state
        return value


def _setting(transport: Transport, section: str) -> str:
    return f"receivers.otlp.protocols.{transport}.{section}"


def _user(
    use: Callable[[Transport, T], None], transport: Transport
) -> Callable[[T], Awaitable[None]]:
    async def put_into_force(value: T) -> None:
        use(transport, value)

    return put_into_force


def _parse_catalog(text: str, source: str) -> Catalog:
    prices = load_prices(text, source)
    for warning in prices.file.warnings:
        _LOG.warning(warning)
    return prices.catalog
