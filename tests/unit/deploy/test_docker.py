"""The Dockerfile fits the program: its flags, settings, ports, paths and user."""

from __future__ import annotations

import fnmatch
import json
import re
import shlex

from unit.deploy.shipped import (
    DATA_DIR,
    DOCKERFILE,
    FINAL,
    FINAL_WORDS,
    GROUP,
    IMAGE_SETTINGS,
    PINNED,
    PORTS,
    ROOT,
    USER,
    listening_ports,
    settings_of,
)

from processor.cli.arguments import build_parser


def test_the_image_starts_a_processor_that_can_be_reached_and_asked():
    """Guarantees: settings are there, ports exposed, data in the volume, health asks the port."""
    command = json.loads(FINAL_WORDS["CMD"])
    settings = settings_of(command, IMAGE_SETTINGS, {})
    (copied,) = [rest for word, rest in FINAL if word == "COPY" and "--from" not in rest]
    assert copied.split() == [str(IMAGE_SETTINGS.relative_to(ROOT)), command[-1]]
    assert json.loads(FINAL_WORDS["ENTRYPOINT"]) == ["llm-cost"]
    exposed = {int(port) for port in FINAL_WORDS["EXPOSE"].split()}
    assert exposed == listening_ports(settings) == PORTS
    assert settings.data_dir == FINAL_WORDS["VOLUME"] == FINAL_WORDS["WORKDIR"] == DATA_DIR
    probe = json.loads(FINAL_WORDS["HEALTHCHECK"].partition("CMD ")[2])
    asked = build_parser().parse_args(probe[1:])
    assert (probe[0], asked.command) == ("llm-cost", "healthcheck")
    port = settings.telemetry.metrics.endpoint.rpartition(":")[2]
    assert asked.grpc_endpoint == f"http://127.0.0.1:{port}/health"


def test_the_image_runs_without_privileges_and_holds_no_secret():
    """Guarantees: a numeric user that owns the data folder; nothing secret among variables."""
    assert USER >= 10_000
    assert GROUP >= 10_000
    made = next(rest for word, rest in FINAL if word == "RUN")
    assert {f"--owner={USER}", f"--group={GROUP}", DATA_DIR} <= set(shlex.split(made))
    variables = " ".join(rest for word, rest in DOCKERFILE if word in {"ARG", "ENV"})
    assert not re.search(r"(?i)secret|token|password|key", variables)


def test_the_image_is_built_from_a_pinned_base_that_the_package_supports():
    """Guarantees: all stages have one base, with a version of Python that we name."""
    base = FINAL_WORDS["FROM"]
    assert [rest.split()[0] for word, rest in DOCKERFILE if word == "FROM"] == [base, base]
    image = dict(DOCKERFILE)["ARG"].partition("=")[2]
    assert PINNED.fullmatch(image)
    version = image.partition(":")[2].partition("-")[0]
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert f"Programming Language :: Python :: {version}" in project


def test_only_what_the_image_copies_goes_to_the_builder():
    """Guarantees: .dockerignore starts from nothing, and what is copied exists and is let in."""
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    copies = [rest.split() for word, rest in DOCKERFILE if word == "COPY" and "--from" not in rest]
    sources = {source for *sources, _ in copies for source in sources}
    assert {rule[1:] for rule in rules if rule.startswith("!")} == sources
    assert all((ROOT / source).exists() for source in sources)
    assert any(fnmatch.fnmatch("x.pyc", rule.removeprefix("**/")) for rule in rules[1:])
