"""What deploy/ shows fits the program: its flags, settings, ports, paths, files and attributes.

No engine and no cluster is needed, so these tests cannot say that an image builds or that other
programs accept their own settings.
"""

from __future__ import annotations

import fnmatch
import json
import re
import shlex
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
import yaml

from processor import __version__
from processor.budget import parse_budgets
from processor.cli.arguments import build_parser
from processor.cli.flags import SETTINGS_FLAGS
from processor.config import Settings, load_settings
from processor.pricing import compile_catalog, parse_prices

ROOT = Path(__file__).parents[3]
DEPLOY = ROOT / "deploy"
BASE = DEPLOY / "kubernetes" / "base"
YAML_FILES = sorted(DEPLOY.rglob("*.yaml"))
COMPOSE_FILES = sorted((DEPLOY / "compose").glob("*.yaml"))
DATA_DIR = "/var/lib/llm-cost"
OTLP_PORTS = {4317, 4318}

PINNED = re.compile(r"[\w./-]+:\d+\.\d+(\.\d+)?(-[\w.]+)?(@sha256:[0-9a-f]{64})?")


def named(path):
    return str(path.relative_to(DEPLOY))


def read(path: Path) -> Any:
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


def settings_of(arguments: list[str], config: Path | None = None) -> Settings:
    """What `llm-cost` with these arguments would run with; `config` stands for its --config."""
    given = build_parser().parse_args(arguments)
    assert given.command == "serve"
    assert bool(given.config) == bool(config)
    flags = {setting: getattr(given, flag) for flag, setting in SETTINGS_FLAGS.items()}
    return load_settings(config, flags, {})


def listening_ports(settings: Settings) -> set[int]:
    """The ports, all of which must be reachable from outside the container."""
    protocols = settings.receivers.otlp.protocols
    addresses = [protocols.grpc.endpoint, protocols.http.endpoint]
    assert all(address.startswith("0.0.0.0:") for address in addresses)
    return {int(address.rpartition(":")[2]) for address in addresses}


DOCKERFILE = instructions(DEPLOY / "docker" / "Dockerfile")
FINAL = DOCKERFILE[max(i for i, (word, _) in enumerate(DOCKERFILE) if word == "FROM") :]
FINAL_WORDS = dict(FINAL)


@pytest.mark.parametrize("path", YAML_FILES, ids=named)
def test_every_yaml_file_parses(path):
    """Guarantees: each is one document with something in it."""
    assert isinstance(read(path), dict)


@pytest.mark.parametrize("folder", ["docker", "compose", "collector", "kubernetes"])
def test_the_readme_names_every_folder(folder):
    """Guarantees: who looks for a way to run it finds it."""
    assert f"({folder}/" in (DEPLOY / "README.md").read_text(encoding="utf-8")


def test_the_image_starts_a_processor_that_can_be_reached_and_asked():
    """Guarantees: flags exist, ports are exposed, data is in the volume, health asks the port."""
    settings = settings_of(json.loads(FINAL_WORDS["CMD"]))
    assert json.loads(FINAL_WORDS["ENTRYPOINT"]) == ["llm-cost"]
    assert {int(port) for port in FINAL_WORDS["EXPOSE"].split()} == listening_ports(settings)
    assert settings.data_dir == FINAL_WORDS["VOLUME"] == FINAL_WORDS["WORKDIR"] == DATA_DIR
    probe = json.loads(FINAL_WORDS["HEALTHCHECK"].partition("CMD ")[2])
    asked = build_parser().parse_args(probe[1:])
    assert (probe[0], asked.command) == ("llm-cost", "healthcheck")
    port = settings.receivers.otlp.protocols.grpc.endpoint.rpartition(":")[2]
    assert asked.endpoint == f"127.0.0.1:{port}"


def test_the_image_runs_without_privileges_and_holds_no_secret():
    """Guarantees: a numeric user that owns the data folder; nothing secret among variables."""
    user, group = FINAL_WORDS["USER"].split(":")
    assert int(user) >= 10_000
    assert int(group) >= 10_000
    made = next(rest for word, rest in FINAL if word == "RUN")
    assert {f"--owner={user}", f"--group={group}", DATA_DIR} <= set(shlex.split(made))
    variables = " ".join(rest for word, rest in DOCKERFILE if word in {"ARG", "ENV"})
    assert not re.search(r"(?i)secret|token|password|key", variables)
    assert not [rest for word, rest in FINAL if word == "COPY" and "--from=build" not in rest]


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


@pytest.mark.parametrize("path", COMPOSE_FILES, ids=named)
def test_compose_gives_the_processor_what_it_is_told_to_use(path):
    """Guarantees: flags, ports, the backend's name, mounted files and the data volume all fit."""
    compose = read(path)
    service = compose["services"]["processor"]
    settings = settings_of(service["command"])
    assert {int(port.rpartition(":")[2]) for port in service["ports"]} == listening_ports(settings)
    backend = settings.exporters.otlp.endpoint.removeprefix("http://").partition(":")[0]
    assert backend in set(compose["services"]) & set(service["depends_on"])
    mounts = {target: source for source, target in (m.split(":")[:2] for m in service["volumes"])}
    assert mounts[settings.data_dir] in compose["volumes"]
    shown = {}
    for file in (settings.pricing.file, settings.budgets.file):
        folder = path.parent / mounts[str(PurePosixPath(file).parent)]
        assert folder.is_dir(), "a folder, so that a replaced file is seen"
        shown[file] = (folder / PurePosixPath(file).name).read_text(encoding="utf-8")
    assert parse_prices(shown[settings.pricing.file], "pricing").warnings == ()
    assert parse_budgets(shown[settings.budgets.file], "budgets").budgets
    build = service["build"]
    assert (path.parent / build["context"] / build["dockerfile"]).is_file()


@pytest.mark.parametrize("path", COMPOSE_FILES, ids=named)
def test_compose_services_are_locked_down_pinned_and_only_on_this_machine(path):
    """Guarantees: no privileges, no writable root, no port for the network, no moving image."""
    compose = read(path)
    for name, service in compose["services"].items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert PINNED.fullmatch(service["image"]), name
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ())), name
        for source, *_ in (mount.split(":") for mount in service.get("volumes", ())):
            assert source in compose["volumes"] or (path.parent / source).exists(), source
    assert compose["services"]["processor"]["image"] == f"llm-cost-processor:{__version__}"


def test_the_files_in_the_cluster_pass_and_are_where_the_settings_look():
    """Guarantees: the ConfigMap's files are valid, and every path in them is mounted."""
    (config_map,) = read(BASE / "kustomization.yaml")["configMapGenerator"]
    files = {Path(file).name: BASE / file for file in config_map["files"]}
    assert config_map["options"] == {"disableNameSuffixHash": True}
    pod = read(BASE / "deployment.yaml")["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    settings = settings_of(container["args"], files["processor.yaml"])
    kinds = {volume["name"]: volume for volume in pod["volumes"]}
    mounts = {mount["mountPath"]: mount for mount in container["volumeMounts"]}
    told = build_parser().parse_args(container["args"]).config
    for file in (told, settings.pricing.file, settings.budgets.file):
        mount = mounts[str(PurePosixPath(file).parent)]
        assert PurePosixPath(file).name in files
        assert kinds[mount["name"]]["configMap"] == {"name": config_map["name"]}
        assert "subPath" not in mount, "a file that is mounted alone never changes"
    claim = kinds[mounts[settings.data_dir]["name"]]["persistentVolumeClaim"]["claimName"]
    assert claim == read(BASE / "claim.yaml")["metadata"]["name"]
    prices = parse_prices(files["pricing.yaml"].read_text(encoding="utf-8"), "pricing")
    assert prices.warnings == ()
    assert compile_catalog(prices)
    assert parse_budgets(files["budgets.yaml"].read_text(encoding="utf-8"), "budgets").budgets


@pytest.mark.parametrize("name", ["pricing.yaml", "budgets.yaml"])
def test_the_cluster_begins_with_the_files_that_come_along(name):
    """Guarantees: the copies that kustomize needs below its own folder never fall behind."""
    assert (BASE / "config" / name).read_bytes() == (ROOT / "config" / name).read_bytes()


def test_ports_and_probes_in_the_cluster_are_those_of_the_receiver():
    """Guarantees: the kubelet asks the gRPC port, and the Service leads to both."""
    settings = load_settings(BASE / "config" / "processor.yaml", {}, {})
    (container,) = read(BASE / "deployment.yaml")["spec"]["template"]["spec"]["containers"]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert set(ports.values()) == listening_ports(settings) == OTLP_PORTS
    grpc = int(settings.receivers.otlp.protocols.grpc.endpoint.rpartition(":")[2])
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert container[probe]["grpc"]["port"] == grpc == ports["otlp-grpc"]
    offered = read(BASE / "service.yaml")["spec"]["ports"]
    assert {port["targetPort"]: port["port"] for port in offered} == ports


def test_the_pod_is_alone_with_its_books_and_restricted():
    """Guarantees: never two writers, and what the restricted pod security standard asks for."""
    deployment = read(BASE / "deployment.yaml")["spec"]
    assert (deployment["replicas"], deployment["strategy"]) == (1, {"type": "Recreate"})
    pod = deployment["template"]["spec"]
    (container,) = pod["containers"]
    user, group = map(int, FINAL_WORDS["USER"].split(":"))
    of_pod = pod["securityContext"]
    assert of_pod["runAsNonRoot"] is True
    assert of_pod["seccompProfile"] == {"type": "RuntimeDefault"}
    assert (of_pod["runAsUser"], of_pod["runAsGroup"], of_pod["fsGroup"]) == (user, group, group)
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert pod["automountServiceAccountToken"] is False
    kustomization = read(BASE / "kustomization.yaml")
    assert kustomization["images"] == [{"name": container["image"], "newTag": __version__}]
    assert all((BASE / name).is_file() for name in kustomization["resources"])
