"""Which URL each signal is posted to. Source: OTLP exporter specification, "Endpoint URLs"."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, get_args

from processor.core.errors import ConfigError, Problem
from processor.core.model import Signal
from processor.io.exporter.address import HttpAddress, parse_url

_SECTION: Final = "exporters.otlphttp"
_SIGNALS: Final[tuple[Signal, ...]] = get_args(Signal)
_PATHS: Final[Mapping[Signal, str]] = {signal: f"/v1/{signal}" for signal in _SIGNALS}


def read_endpoints(
    base: str, own: Mapping[Signal, str], *, insecure: bool | None = None
) -> dict[Signal, HttpAddress]:
    """The URL of each signal that has one.

    To the `base` endpoint ``/v1/traces`` and its kind are added; where it ends in one of these
    already, that one is taken off first. A signal's `own` endpoint is used as it is. Empty texts
    count as absent; `insecure` is as in `parse_url`. Raises ConfigError.
    """
    found: dict[Signal, HttpAddress] = {}
    if base:
        root = parse_url(base, f"{_SECTION}.endpoint", insecure=insecure)
        if "?" in root.path:
            what = "the base endpoint has a query, but paths are added to it"
            fix = "give each signal its own endpoint, such as traces_endpoint"
            raise ConfigError([Problem(f"{_SECTION}.endpoint", what, fix)])
        trunk = _without_signal(root.path.rstrip("/"))
        found = {signal: root._replace(path=trunk + path) for signal, path in _PATHS.items()}
    for signal, text in own.items():
        if text:
            address = parse_url(text, f"{_SECTION}.{signal}_endpoint", insecure=insecure)
            found[signal] = address._replace(path=address.path or "/")
    return found


def _without_signal(path: str) -> str:
    for end in _PATHS.values():
        if path.endswith(end):
            return path.removesuffix(end)
    return path
