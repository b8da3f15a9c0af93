"""Settings from the command line, a file, the environment and the defaults, in that order."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from importlib import resources
from pathlib import Path as FilePath
from typing import Any, TypeVar, get_args

from pydantic import ValidationError

from processor.config.api import api_warnings
from processor.config.backends import OtlpBackend
from processor.config.environment import (
    Given,
    combine,
    expand,
    from_environment,
    protocol_warnings,
    route,
)
from processor.config.receivers import exposure_warnings
from processor.config.scheduled_exports import own_dimensions_of
from processor.config.settings import Settings
from processor.config.values import Section
from processor.core.budgets.checks import OWN_DIMENSIONS
from processor.core.errors import ConfigError, Problem
from processor.core.files.checks import ExternalText
from processor.core.files.document import Document, Path, dotted
from processor.core.files.similar import nearest
from processor.core.files.validation import explain, keys_of

Backend = TypeVar("Backend", bound=OtlpBackend)

_PROTOCOLS = ("receivers", "otlp", "protocols")
_GRPC_ENDPOINT = (*_PROTOCOLS, "grpc", "endpoint")
_HTTP_ENDPOINT = (*_PROTOCOLS, "http", "endpoint")
_METRICS_ENDPOINT = ("telemetry", "metrics", "endpoint")
_CHANNELS = ("notifications", "channels")

_FILE_BYTES_MAX = 8 * 1024 * 1024

_COLLECTOR: Mapping[str, str] = {
    "processors": "nothing has to be listed to be processed; see pricing and budgets",
    "service": "there are no pipelines to declare, all that is received goes to every exporter; "
    "its own metrics are under telemetry, its log under log",
    "extensions": "health is served under telemetry.metrics.endpoint, at /health",
    "connectors": "there is nothing to connect, all that is received goes to every exporter",
}
"""Sections of a Collector's file that have no like here, and what to know instead."""


def load_settings(
    path: FilePath | None, overrides: Mapping[str, object], environ: Mapping[str, str]
) -> Settings:
    """Settings from a file, if any, and from what wins over it and what it wins over.

    `overrides` are command-line flags by dotted name (``log.level``), None for one not given.
    Flags win over the file, the file over OTEL_EXPORTER_OTLP_* in `environ`, those over defaults.
    Raises ConfigError with every problem found.
    """
    problems: list[Problem] = []
    warnings: list[str] = []
    file = {} if path is None else dict(_from_file(path, environ, problems, warnings))
    lines = {each.where: position for position, each in enumerate(file.values())}
    flags = dict(_from_flags(overrides, problems))
    given = combine(dict(from_environment(environ)), file, route(flags, environ))
    _imply(given)
    try:
        declared = given.get(("dimensions",))
        context = {OWN_DIMENSIONS: own_dimensions_of(declared and declared.value)}
        settings = Settings.model_validate(_tree(given), context=context)
    except ValidationError as error:
        found = explain(error, Settings, lambda place: _where(place, given), _key_hint)
        problems += sorted(found, key=lambda problem: lines.get(problem.where, len(lines)))
    if problems:
        # Pydantic's own error is not shown with it: it may quote a secret.
        raise ConfigError(problems) from None
    return _completed(settings, environ, warnings)


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
    path: FilePath, environ: Mapping[str, str], problems: list[Problem], warnings: list[str]
) -> Iterator[tuple[Path, Given]]:
    document = Document(read_text(path), str(path))
    warnings += map(str, document.warnings)
    root = expand(document, environ, problems)
    found = sorted(_leaves(root, Settings, ()), key=lambda each: document.line(each[0]))
    for place, value in found:
        yield place, Given(value, document.where(place))


def _leaves(value: object, section: type[Section] | None, path: Path) -> Iterator[tuple[Path, Any]]:
    """The values of single settings in a file, and whatever stands where no setting is."""
    if section is None or not isinstance(value, dict):
        if value is not None:
            yield path, value
        if path == _CHANNELS and isinstance(value, dict):  # Each setting of one has its own line.
            for name, channel in value.items():
                yield (*path, name), channel
                pairs = channel.items() if isinstance(channel, dict) else ()
                yield from (((*path, name, key), each) for key, each in pairs)
        return
    inner, named = sections_in(section), named_sections_in(section)
    for key, each in value.items():
        if each is None and key not in keys_of(section):
            each = {}  # noqa: PLW2901 - an unknown key is refused even where nothing follows it
        if key in named and isinstance(each, dict):
            for name, one in each.items():
                # It is there even where all of it has its defaults.
                yield (*path, key, name), {}
                yield from _leaves(one, named[key], (*path, key, name))
            continue
        yield from _leaves(each, inner.get(key), (*path, key))


@functools.cache
def sections_in(section: type[Section]) -> Mapping[str, type[Section]]:
    """The sections within a section, by key."""
    kinds = ((key, field.annotation) for key, field in keys_of(section).items())
    return {
        key: kind for key, kind in kinds if isinstance(kind, type) and issubclass(kind, Section)
    }


@functools.cache
def named_sections_in(section: type[Section]) -> Mapping[str, type[Section]]:
    """The kinds of sections of which a setting has any number, each with a name, by key."""
    kinds = ((key, get_args(field.annotation)) for key, field in keys_of(section).items())
    return {
        key: parts[1]
        for key, parts in kinds
        if len(parts) == 2 and isinstance(parts[1], type) and issubclass(parts[1], Section)
    }


def settings_of(section: type[Section], path: Path = ()) -> Iterator[Path]:
    """The paths of all settings of a section and of the sections in it."""
    inner = sections_in(section)
    for key in keys_of(section):
        here = (*path, key)
        yield from settings_of(inner[key], here) if key in inner else (here,)


def _tree(given: Mapping[Path, Given]) -> Any:  # noqa: ANN401 - whatever a file holds
    """The values as nested maps; what is no map where a section should be stays as it is."""
    above: dict[str, Any] = {"file": {}}
    for path in sorted(given, key=len):
        *sections, key = ("file", *map(str, path))
        place: Any = above
        for section in sections:
            place = place.setdefault(section, {}) if isinstance(place, dict) else None
        if isinstance(place, dict):
            place[key] = given[path].value
    return above["file"]


def _key_hint(path: Path) -> str:
    """What to do about an unknown key that is known elsewhere: in this file, or in another's."""
    key = str(path[-1])
    kind, slash, _ = key.partition("/")
    if slash and path[:-1] in {("receivers",), ("exporters",)}:
        return f"this is not a Collector's file: there is one of each kind, write {kind}"
    if len(path) == 1 and key in _COLLECTOR:
        return f"this is not a Collector's file, remove it: {_COLLECTOR[key]}"
    places = _places().get(key)
    return f"it belongs {places}" if places else ""


@functools.cache
def _places() -> Mapping[str, str]:
    """For each key of a settings file, in words, the places where it may stand."""
    places: dict[str, dict[str, None]] = {}
    for path in settings_of(Settings):
        for depth, key in enumerate(path):
            place = f"under {dotted(path[:depth])}" if depth else "at the left margin"
            places.setdefault(str(key), {})[place] = None
    return {key: " or ".join(found) for key, found in places.items()}


def _from_flags(
    overrides: Mapping[str, object], problems: list[Problem]
) -> Iterator[tuple[Path, Given]]:
    known = {dotted(path): path for path in settings_of(Settings)}
    for name, value in overrides.items():
        where = f"command line: {name}"
        if name not in known:
            near = nearest(name, known)
            fix = f"did you mean {near}?" if near else "config/processor.yaml lists all settings"
            problems.append(Problem(where, "unknown setting", fix))
        elif value is not None:
            yield (
                known[name],
                Given(ExternalText(value) if isinstance(value, str) else value, where),
            )


def _imply(given: dict[Path, Given]) -> None:
    """Add what one setting says of another that nobody has set.

    Who asks for any free port, to run a second processor or a test, does not want the other
    protocol to insist on its usual one.
    """
    grpc = given.get(_GRPC_ENDPOINT)
    if grpc and str(grpc.value).strip().endswith(":0"):
        given.setdefault(_HTTP_ENDPOINT, grpc)
        given.setdefault(_METRICS_ENDPOINT, Given("127.0.0.1:0", grpc.where))


def _where(path: Path, given: Mapping[Path, Given]) -> str:
    """Where a setting, or the section around it, was set; its path where it was not."""
    place = path
    while place and place not in given:
        place = place[:-1]
    return given[place].where if place in given else dotted(path)


def _completed(settings: Settings, environ: Mapping[str, str], warnings: list[str]) -> Settings:
    """The settings with the paths that depend on others filled in."""
    folder = FilePath(settings.data_dir)
    ledger = settings.ledger
    if not ledger.path:
        ledger = ledger.model_copy(update={"path": str(folder / "ledger.db")})
    exporters = settings.exporters
    files = exporters.file
    if not exporters.has_backend and not files.path:
        files = files.model_copy(update={"path": str(folder / "spans")})
    # The folder of the ledger can be written to. Older versions had queues in `data_dir`, where an
    # acknowledged request may still wait.
    queues = (FilePath(ledger.path).parent / "spool", folder / "spool")
    exporters = exporters.model_copy(
        update={
            "file": files,
            "otlp": _with_queue(exporters.otlp, [each / "otlp" for each in queues]),
            "otlphttp": _with_queue(exporters.otlphttp, [each / "otlphttp" for each in queues]),
        }
    )
    if exporters.has_backend:
        warnings += protocol_warnings(environ)
    warnings += exporters.warnings()
    protocols = settings.receivers.otlp.protocols
    warnings += exposure_warnings(protocols, exporters.forwarded_headers)
    warnings += settings.notifications.warnings()
    warnings += api_warnings(settings.api, settings.telemetry.metrics.endpoint, protocols.grpc)
    exports = {
        name: each
        if each.folder
        else each.model_copy(update={"folder": str(folder / "exports" / name)})
        for name, each in settings.exports.items()
    }
    completed = settings.model_copy(
        update={"exporters": exporters, "ledger": ledger, "exports": exports}
    )
    return completed.with_warnings(tuple(warnings))


def _with_queue(backend: Backend, folders: Sequence[FilePath]) -> Backend:
    """The same backend, its queue in a folder that is there already, else in the first.

    Unless it has one of its own.
    """
    queue = backend.sending_queue
    if not queue.enabled or queue.directory:
        return backend
    folder = next((each for each in folders if each.is_dir()), folders[0])
    queue = queue.model_copy(update={"directory": str(folder)})
    return backend.model_copy(update={"sending_queue": queue})
