"""Files that are read at the start, and again when they change: prices, budgets, credentials."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar, get_args

from processor.config import Settings, Watcher, bundled, load_prices, named_files
from processor.config.backends import OtlpBackend
from processor.config.receivers import ProtocolReceiver, read_tokens
from processor.core.access import ApiTokens, Role
from processor.core.budgets import Policy, parse_budgets
from processor.core.counters import FileState
from processor.core.errors import ConfigError, Problem
from processor.core.model import Transport as ReceiverTransport
from processor.core.pricing import Catalog
from processor.io.exporter import ClientTls, Transport, bearer_header, load_client_tls
from processor.io.receiver import Receiver, ServerTls, load_tls

T = TypeVar("T")

_LOG = logging.getLogger(__name__)

PRICING: Final = "pricing"
BUDGETS: Final = "budgets"


class WatchedFiles:
    """Reads the files that the settings name, and follows them. Everything raises ConfigError."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._protocols: dict[ReceiverTransport, ProtocolReceiver] = {
            "grpc": settings.receivers.otlp.protocols.grpc,
            "http": settings.receivers.otlp.protocols.http,
        }
        self._backends: dict[str, OtlpBackend] = {
            "otlp": settings.exporters.otlp,
            "otlphttp": settings.exporters.otlphttp,
        }
        self._watchers: dict[str, Watcher[Any]] = {}
        self._uses: list[Callable[[], Coroutine[Any, Any, None]]] = []
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
        settings = self._settings
        channels = settings.notifications.budget_channels
        parse = partial(parse_budgets, dimensions=settings.dimension_names, channels=channels)
        file = self._settings.budgets.file
        if not file:
            return parse(bundled("budgets.yaml"), "budgets.yaml")
        return self._load(BUDGETS, file, parse)

    def tls(self, transport: ReceiverTransport) -> ServerTls | None:
        """The certificates of a receiver; None where it takes plain text."""
        given, setting = self._protocols[transport].tls, _receiver(transport, "tls")
        if not given.cert_file:
            return None
        paths = (given.cert_file, given.key_file, given.client_ca_file)
        return self._load_together(setting, paths, lambda: load_tls(*paths, setting))

    def tokens(self, transport: ReceiverTransport) -> tuple[str, ...]:
        """The bearer tokens of a receiver; none: everybody may send."""
        auth = self._protocols[transport].auth
        if not auth.bearer_token_file:
            return auth.bearer_tokens

        def parse(text: str, source: str) -> tuple[str, ...]:
            return (*auth.bearer_tokens, *read_tokens(text, source))

        return self._load(_receiver(transport, "auth"), auth.bearer_token_file, parse)

    def api_tokens(self, role: Role) -> tuple[str, ...]:
        """The tokens of those who ask, or change; of both roles none: none is asked for."""
        api = self._settings.api
        given, file = (
            (api.read_tokens, api.read_token_file)
            if role == "read"
            else (api.admin_tokens, api.admin_token_file)
        )
        if not file:
            return given

        def parse(text: str, source: str) -> tuple[str, ...]:
            return (*given, *read_tokens(text, source))

        return self._load(_api(role), file, parse)

    def askers(self) -> ApiTokens:
        """The same of both roles; what changes in their files is in force at once."""
        tokens = ApiTokens(read=self.api_tokens("read"), admin=self.api_tokens("admin"))
        for role in get_args(Role):
            self.when_changed(_api(role), _at_once(partial(tokens.replace, role)))
        return tokens

    def client_tls(self, exporter: str) -> ClientTls:
        """The certificates that a backend is shown, and those it is trusted by."""
        given, setting = self._backends[exporter].tls, _exporter(exporter, "tls")
        paths = (given.ca_file, given.cert_file, given.key_file)
        verifies = not given.insecure_skip_verify

        def load() -> ClientTls:
            return load_client_tls(*paths, setting, verifies=verifies)

        return self._load_together(setting, paths, load) if any(paths) else load()

    def client_token(self, exporter: str) -> str:
        """The header that presents our token to a backend; empty without one."""
        file = self._backends[exporter].auth.bearer_token_file
        return self._load(_exporter(exporter, "auth"), file, bearer_header) if file else ""

    def credentials(self) -> Iterator[Callable[[], object]]:
        """What reads each certificate and token that the settings ask for."""
        for transport, receiver in self._protocols.items():
            if receiver.endpoint:
                yield partial(self.tls, transport)
                yield partial(self.tokens, transport)
        yield partial(self.api_tokens, "read")
        yield partial(self.api_tokens, "admin")
        exporters = self._settings.exporters
        for name, is_set in (
            ("otlp", bool(exporters.otlp.endpoint)),
            ("otlphttp", exporters.otlphttp.is_set),
        ):
            if is_set:
                yield partial(self.client_tls, name)
                yield partial(self.client_token, name)

    def when_changed(self, name: str, use: Callable[[T], Awaitable[None]]) -> None:
        """Have what a file holds put into force by `use`; nothing happens without that file."""
        if watcher := self._watchers.get(name):
            self._uses.append(partial(watcher.run, use))

    def renew_receiver(self, receiver: Receiver) -> None:
        """The same for the certificates and tokens of a receiver."""
        for transport in self._protocols:
            self.when_changed(
                _receiver(transport, "tls"), _at_once(partial(receiver.use_tls, transport))
            )
            self.when_changed(
                _receiver(transport, "auth"), _at_once(partial(receiver.use_tokens, transport))
            )

    def renew_credentials(self, exporter: str, transport: Transport) -> None:
        """The same for what a backend is shown."""
        self.when_changed(_exporter(exporter, "tls"), _at_once(partial(setattr, transport, "tls")))
        self.when_changed(
            _exporter(exporter, "auth"), _at_once(partial(setattr, transport, "token"))
        )

    def follow(self) -> list[Coroutine[Any, Any, None]]:
        """What has to run so that changes are put into force."""
        return [run() for run in self._uses]

    def _load_together(self, name: str, paths: Sequence[str], load: Callable[[], T]) -> T:
        """A value of several files, each path may be empty; a change of any of them is a change."""
        given = [Path(path) for path in paths if path]

        def parse(_text: str, _source: str) -> T:
            _refuse_unreadable(name, given)
            return load()

        _refuse_unreadable(name, given)
        return self._load(name, str(given[0]), parse, lambda _text, _source: given[1:])

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


def _receiver(transport: ReceiverTransport, section: str) -> str:
    return f"receivers.otlp.protocols.{transport}.{section}"


def _api(role: Role) -> str:
    return f"api.{role}_token_file"


def _exporter(name: str, section: str) -> str:
    return f"exporters.{name}.{section}"


def _at_once(use: Callable[[T], None]) -> Callable[[T], Awaitable[None]]:
    async def put_into_force(value: T) -> None:
        use(value)

    return put_into_force


def _refuse_unreadable(setting: str, files: Sequence[Path]) -> None:
    """Raise ConfigError that names every file that cannot be read: TLS libraries name none."""
    problems = []
    for file in files:
        try:
            file.read_bytes()
        except OSError as error:
            what = f"{file} cannot be read: {error.strerror or error}"
            problems.append(Problem(setting, what))
    if problems:
        raise ConfigError(problems)


def _parse_catalog(text: str, source: str) -> Catalog:
    prices = load_prices(text, source)
    for warning in prices.file.warnings:
        _LOG.warning(warning)
    return prices.catalog
