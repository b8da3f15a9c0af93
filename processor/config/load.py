"""Settings from the command line, a file, the environment and the defaults, in that order."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator, Mapping
from importlib import resources
from pathlib import Path as FilePath
from typing import Any, TypeVar

from processor.config.environment import (
    GRPC,
    HTTP,
    combine,
    from_environment,
    protocol_warnings,
    route,
)
from processor.config.expand import expand
from processor.config.exporters import OtlpExporter, OtlpHttpExporter
from processor.config.exposure import exposure_warnings
from processor.config.model import Given, Setting, build, parts_of, settings_of
from processor.config.settings import Settings
from processor.core.errors import ConfigError, Problem
from processor.core.files.document import Document, Path, dotted
from processor.core.files.fields import Fields, Untyped, nearest

Exporter = TypeVar("Exporter", OtlpExporter, OtlpHttpExporter)

_PROTOCOLS = ("receivers", "otlp", "protocols")
_GRPC_ENDPOINT = (*_PROTOCOLS, "grpc", "endpoint")
_HTTP_ENDPOINT = (*_PROTOCOLS, "http", "endpoint")
_METRICS_ENDPOINT = ("telemetry", "metrics", "endpoint")

_FILE_BYTES_MAX = 8 * 1024 * 1024


def load_settings(
    path: FilePath | None, overrides: Mapping[str, object], environ: Mapping[str, str]
) -> Settings:
    """Settings from a file, if any, and from what stands above and below it.

    `overrides` are command-line flags by dotted name (``log.level``), None for one not given.
    Flags win over the file, the file over OTEL_EXPORTER_OTLP_* in `environ`, those over defaults.
    Raises ConfigError with every problem found.
    """
    problems: list[Problem] = []
    file = {} if path is None else dict(_from_file(path, environ, problems))
    flags = dict(_from_flags(overrides, problems))
    given = combine(dict(from_environment(environ)), file, route(flags, environ))
    _imply(given)
    settings = build(Settings, given, problems)
    problems += _contradictions(settings, given)
    if problems:
        raise ConfigError(problems)
    return _completed(settings, environ)


def bundled(name: str) -> str:
    """The text of a file that comes with the program: ``budgets.yaml``, ``prices.yaml`` …."""
    return (resources.files("processor.config") / "defaults" / name).read_text("utf-8")


def read_text(path: FilePath) -> str:
    """The text of an operator's file. Raises ConfigError when it cannot be read as text."""
    try:
        with path.open("rb") as file:
            content = file.read(_FILE_BYTES_MAX + 1)
        if len(content) > _FILE_BYTES_MAX:
            raise ConfigError([Problem(str(path), f"is larger than {_FILE_BYTES_MAX >> 20} MiB")])
        return content.decode("utf-8-sig")
    except OSError as error:
        problem = Problem(str(path), f"cannot be read: {error.strerror or error}")
        raise ConfigError([problem]) from error
    except UnicodeDecodeError as error:
        problem = Problem(str(path), f"is not UTF-8 text: byte {error.start}", "save it as UTF-8")
        raise ConfigError([problem]) from error


def _from_file(
    path: FilePath, environ: Mapping[str, str], problems: list[Problem]
) -> Iterator[tuple[Path, Given]]:
    document = Document(read_text(path), str(path))
    root = expand(document, environ, problems)
    yield from _given_in(document, Settings, (), root, problems)


def _given_in(
    document: Document, kind: type[Any], path: Path, value: object, problems: list[Problem]
) -> Iterator[tuple[Path, Given]]:
    """The settings that one section of the file sets."""
    parts = {part.path[-1]: part for part in parts_of(kind, path)}
    known = [str(key) for key in parts]
    fields = Fields(document, path, value, known, problems, elsewhere=_homes())
    for key, part in parts.items():
        inner = fields.values.get(str(key))
        if inner is None:
            continue
        if isinstance(part, Setting):
            yield part.path, Given(inner, document.problem(part.path, "").where)
        else:
            yield from _given_in(document, part.kind, part.path, inner, problems)


@functools.cache
def _homes() -> Mapping[str, str]:
    """For each key of a settings file, in words, the places where it may stand."""
    places: dict[str, dict[str, None]] = {}
    for each in settings_of(Settings):
        for depth, key in enumerate(each.path):
            place = f"below {dotted(each.path[:depth])}" if depth else "at the left margin"
            places.setdefault(str(key), {})[place] = None
    return {key: " or ".join(found) for key, found in places.items()}


def _from_flags(
    overrides: Mapping[str, object], problems: list[Problem]
) -> Iterator[tuple[Path, Given]]:
    known = {dotted(each.path): each.path for each in settings_of(Settings)}
    for name, value in overrides.items():
        where = f"command line: {name}"
        if name not in known:
            near = nearest(name, known)
            fix = f"did you mean {near}?" if near else "config/processor.yaml lists all settings"
            problems.append(Problem(where, "unknown setting", fix))
        elif value is not None:
            yield known[name], Given(Untyped(value) if isinstance(value, str) else value, where)


def _imply(given: dict[Path, Given]) -> None:
    """Add what one setting says of another that nobody has set.

    Who asks for any free port, to run a second processor or a test, does not want the other
    protocol to insist on its usual one.
    """
    grpc = given.get(_GRPC_ENDPOINT)
    if grpc and str(grpc.value).strip().endswith(":0"):
        given.setdefault(_HTTP_ENDPOINT, grpc)
        given.setdefault(_METRICS_ENDPOINT, Given("127.0.0.1:0", grpc.where))


def _contradictions(settings: Settings, given: Mapping[Path, Given]) -> Iterator[Problem]:
    """Settings that are right by themselves, but not together."""
    protocols = settings.receivers.otlp.protocols
    servers = (
        ((*_PROTOCOLS, "grpc", "tls"), protocols.grpc.tls),
        ((*_PROTOCOLS, "http", "tls"), protocols.http.tls),
    )
    pairs = (
        *servers,
        ((*GRPC, "tls"), settings.exporters.otlp.tls),
        ((*HTTP, "tls"), settings.exporters.otlphttp.tls),
    )
    for path, tls in pairs:
        if bool(tls.cert_file) != bool(tls.key_file):
            has, lacks = ("cert_file", "key_file") if tls.cert_file else ("key_file", "cert_file")
            yield Problem(_where((*path, has), given), f"needs {lacks} as well", f"set {lacks}")
    for path, server in servers:
        if server.client_ca_file and not server.cert_file:
            where = _where((*path, "client_ca_file"), given)
            yield Problem(where, "has no effect without TLS", "set cert_file and key_file")
    if settings.privacy.hash_user_ids and not settings.privacy.salt:
        where = _where(("privacy", "hash_user_ids"), given)
        yield Problem(where, "needs a salt", "set privacy.salt, for example ${env:LLM_COST_SALT}")
    yield from _contradictions_of_backends(settings, given)


def _contradictions_of_backends(
    settings: Settings, given: Mapping[Path, Given]
) -> Iterator[Problem]:
    exporters = settings.exporters
    for path, exporter in ((GRPC, exporters.otlp), (HTTP, exporters.otlphttp)):
        retry = exporter.retry_on_failure
        if retry.initial_interval_s > retry.max_interval_s:
            where = _where((*path, "retry_on_failure", "initial_interval"), given)
            yield Problem(where, "is longer than max_interval", "raise max_interval")


def _where(path: Path, given: Mapping[Path, Given]) -> str:
    return given[path].where if path in given else dotted(path)


def _completed(settings: Settings, environ: Mapping[str, str]) -> Settings:
    """The settings with the paths that depend on others filled in."""
    folder = FilePath(settings.data_dir)
    exporters = settings.exporters
    if not exporters.has_backend and not exporters.file.path:
        file = dataclasses.replace(exporters.file, path=str(folder / "spans"))
        exporters = dataclasses.replace(exporters, file=file)
    exporters = dataclasses.replace(
        exporters,
        otlp=_with_queue(exporters.otlp, folder / "spool" / "otlp"),
        otlphttp=_with_queue(exporters.otlphttp, folder / "spool" / "otlphttp"),
    )
    ledger = settings.ledger
    if not ledger.path:
        ledger = dataclasses.replace(ledger, path=str(folder / "ledger.db"))
    warnings = tuple(protocol_warnings(environ)) if exporters.has_backend else ()
    protocols = settings.receivers.otlp.protocols
    warnings += tuple(exposure_warnings(protocols, exporters.forwarded_headers))
    return dataclasses.replace(settings, exporters=exporters, ledger=ledger, warnings=warnings)


def _with_queue(exporter: Exporter, folder: FilePath) -> Exporter:
    """The same exporter, its queue in `folder` unless it has one of its own."""
    queue = exporter.sending_queue
    if not queue.enabled or queue.directory:
        return exporter
    queue = dataclasses.replace(queue, directory=str(folder))
    return dataclasses.replace(exporter, sending_queue=queue)
