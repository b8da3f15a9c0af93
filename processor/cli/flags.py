"""Flags that several commands have."""

from __future__ import annotations

import argparse
from typing import Final

LISTEN_DEFAULT: Final = "127.0.0.1:4317"
LISTEN_HTTP_DEFAULT: Final = "127.0.0.1:4318"
ENDPOINT_FLAG: Final = "--endpoint"
"""The flag that names the API of a processor, where questions are asked."""
GRPC_FLAG: Final = "--grpc-endpoint"
"""The flag that names where a processor takes spans over gRPC, which is where it is changed."""

SETTINGS_FLAGS: Final = {
    "listen": "receivers.otlp.protocols.grpc.endpoint",
    "listen_http": "receivers.otlp.protocols.http.endpoint",
    "forward_to": "exporters.otlp.endpoint",
    "pricing": "pricing.file",
    "budgets": "budgets.file",
    "data_dir": "data_dir",
}
"""Flag -> the setting that it overrides."""


def add_settings(parser: argparse.ArgumentParser) -> None:
    """All flags of `serve`."""
    add_config(parser)
    parser.add_argument(
        "--listen",
        metavar="HOST:PORT",
        help=f"where to receive OTLP over gRPC (default: {LISTEN_DEFAULT})",
    )
    parser.add_argument(
        "--listen-http",
        metavar="HOST:PORT",
        help=f"where to receive OTLP over HTTP; '' is nowhere (default: {LISTEN_HTTP_DEFAULT}, or "
        "any free port when that of --listen is 0)",
    )
    parser.add_argument(
        "--forward-to",
        metavar="ADDRESS",
        help="the OTLP backend behind us: HOST:PORT or URL for gRPC, URL with a path such as "
        "http://HOST:4318/v1/traces for HTTP (default: $OTEL_EXPORTER_OTLP_ENDPOINT, or else "
        "files under the data folder)",
    )
    add_pricing(parser)
    add_budgets(parser)
    add_data_dir(parser)


def add_config(parser: argparse.ArgumentParser) -> None:
    """The settings file."""
    parser.add_argument(
        "--config", metavar="FILE", help="settings file; the flags here win over it"
    )


def add_pricing(parser: argparse.ArgumentParser) -> None:
    """The price file."""
    parser.add_argument(
        "--pricing", metavar="FILE", help="your own prices (default: the bundled ones)"
    )


def add_budgets(parser: argparse.ArgumentParser) -> None:
    """The budgets file."""
    parser.add_argument(
        "--budgets", metavar="FILE", help="your own budgets (default: the bundled ones)"
    )


def add_data_dir(parser: argparse.ArgumentParser) -> None:
    """The data folder."""
    parser.add_argument(
        "--data-dir", metavar="DIR", help="folder for the ledger (default: ./llm-cost-data)"
    )


def add_grpc_endpoint(parser: argparse.ArgumentParser, flag: str, text: str) -> None:
    """Which running processor a command asks over gRPC, and how it is reached."""
    parser.add_argument(flag, dest="grpc_endpoint", metavar="ADDRESS", help=text)
    parser.add_argument(
        "--ca-file",
        metavar="FILE",
        help="ask over TLS: the authorities that signed its certificate, as PEM (default: the "
        "certificate that the settings name)",
    )
    _add_own_certificate(parser)


def _add_own_certificate(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--cert-file", metavar="FILE", help="our own certificate, where it asks for one, as PEM"
    )
    parser.add_argument("--key-file", metavar="FILE", help="the key of --cert-file")


def add_change(parser: argparse.ArgumentParser) -> None:
    """Which ledger a command changes, and how it prints what that does."""
    add_grpc_endpoint(
        parser,
        GRPC_FLAG,
        "where the processor takes spans over gRPC, which is where it is changed: HOST:PORT, or "
        "https://HOST:PORT for TLS (default: see above)",
    )
    parser.add_argument(
        "--json", action="store_true", help="print JSON; amounts are exact decimal texts in USD"
    )
    add_config(parser)
    add_data_dir(parser)
    add_pricing(parser)
    add_budgets(parser)


def tokens(text: str) -> int:
    """A number of tokens; ``12_000`` and ``12,000`` read like ``12000``."""
    try:
        count = int(text.replace(",", ""))
    except ValueError:
        count = -1
    if not 0 <= count <= 10**12:
        raise argparse.ArgumentTypeError(f"must be a whole number of tokens, got {text[:40]!r}")
    return count


def positive(text: str) -> int:
    """A whole number from 1 on."""
    try:
        number = int(text)
    except ValueError:
        number = 0
    if not 0 < number < 2**63:
        raise argparse.ArgumentTypeError(f"must be a whole number above 0, got {text[:40]!r}")
    return number


def plain_text(text: str) -> str:
    """A text that can be kept: what is no UTF-8 comes from the system as half characters."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise argparse.ArgumentTypeError("is not UTF-8") from None
    return text


def not_empty(text: str) -> str:
    """A text that says something: an empty variable of a script must not mean all there is."""
    if not text.strip():
        raise argparse.ArgumentTypeError("is empty (leave it out where nothing is meant)")
    return text


def named(text: str) -> str:
    """An id or a time: a text of both kinds."""
    return plain_text(not_empty(text))


def seconds(text: str) -> float:
    """A length of time in seconds, from a fifth of one to an hour."""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0.2 <= number <= 3600:
        raise argparse.ArgumentTypeError(f"must be from 0.2 to 3600 seconds, got {text[:40]!r}")
    return number


def add_questions(parser: argparse.ArgumentParser) -> None:
    """Whom a command asks over the API, and how it prints the answer."""
    parser.add_argument(
        "--json", action="store_true", help="print JSON, as the API gives it: exact amounts in USD"
    )
    parser.add_argument("--csv", action="store_true", help="print CSV, as the API gives it")
    parser.add_argument(
        "--no-color", action="store_true", help="print no colours; $NO_COLOR does the same"
    )
    parser.add_argument(
        "--time-zone",
        metavar="ZONE",
        default="",
        help="where days begin, such as Europe/Berlin (default: that of the budgets)",
    )
    add_api(parser)


def add_api(parser: argparse.ArgumentParser) -> None:
    """Whom a command asks over the API: a processor, or the ledger's file."""
    parser.add_argument(
        ENDPOINT_FLAG,
        metavar="ADDRESS",
        help="the API of a processor, such as http://HOST:8888, with https:// for TLS, and the "
        "token in LLM_COST_TOKEN if it asks for one (default: see above)",
    )
    parser.add_argument(
        "--ca-file",
        metavar="FILE",
        help="ask over TLS: the authorities to trust, as PEM (default: those of this machine)",
    )
    _add_own_certificate(parser)
    add_config(parser)
    add_data_dir(parser)
    add_pricing(parser)
    add_budgets(parser)
