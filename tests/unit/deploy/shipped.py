"""Reading what deploy/ ships: YAML files, Dockerfiles, and the settings that both lead to."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from processor.cli.arguments import build_parser
from processor.cli.flags import SETTINGS_FLAGS
from processor.config import Settings, load_settings

ROOT = Path(__file__).parents[3]
DEPLOY = ROOT / "deploy"
DATA_DIR = "/var/lib/llm-cost"
PORTS = {4317, 4318, 8888}
PINNED = re.compile(r"[\w./-]+:v?\d+\.\d+(\.\d+)?(-[\w.]+)?(@sha256:[0-9a-f]{64})?")


def read(path: Path) -> Any:
    """The document in a YAML file."""
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def instructions(path: Path) -> list[tuple[str, str]]:
    """The instructions of a Dockerfile with their arguments, continued lines joined."""
    lines = path.read_text(encoding="utf-8").splitlines()
    text = "\n".join(line for line in lines if not line.lstrip().startswith("#"))
    joined = re.sub(r"\\\n\s*", " ", text)
    return [
        (word, rest.strip())
        for word, _, rest in (line.partition(" ") for line in joined.splitlines() if line)
    ]


def settings_of(arguments: list[str], config: Path, environment: dict[str, str]) -> Settings:
    """What `llm-cost` with these arguments would run with; `config` stands for its --config."""
    given = build_parser().parse_args(arguments)
    assert given.command == "serve"
    assert given.config
    flags = {setting: getattr(given, flag) for flag, setting in SETTINGS_FLAGS.items()}
    return load_settings(config, flags, environment)


def listening_ports(settings: Settings) -> set[int]:
    """The ports, all of which must be reachable from outside the container."""
    protocols = settings.receivers.otlp.protocols
    addresses = [protocols.grpc.endpoint, protocols.http.endpoint]
    addresses.append(settings.telemetry.metrics.endpoint)
    assert all(address.startswith("0.0.0.0:") for address in addresses)
    return {int(address.rpartition(":")[2]) for address in addresses}


DOCKERFILE = instructions(DEPLOY / "docker" / "Dockerfile")
FINAL = DOCKERFILE[max(i for i, (word, _) in enumerate(DOCKERFILE) if word == "FROM") :]
FINAL_WORDS = dict(FINAL)
IMAGE_SETTINGS = DEPLOY / "docker" / "processor.yaml"
USER, GROUP = map(int, FINAL_WORDS["USER"].split(":"))
