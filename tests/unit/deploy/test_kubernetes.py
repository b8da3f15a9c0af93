"""The manifests fit the program and the image. That a cluster knows them, kubeconform says."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest
from unit.deploy.shipped import (
    DATA_DIR,
    DEPLOY,
    GROUP,
    PORTS,
    ROOT,
    USER,
    listening_ports,
    read,
    settings_of,
)

from processor import __version__
from processor.cli.arguments import build_parser
from processor.core.budgets import parse_budgets
from processor.core.pricing import compile_catalog, parse_prices

KUBERNETES = DEPLOY / "kubernetes"
CONFIG = KUBERNETES / "config"
KUSTOMIZATIONS = sorted(KUBERNETES.rglob("kustomization.yaml"))
STATEFUL = read(KUBERNETES / "base" / "statefulset.yaml")["spec"]
SIDECAR = read(KUBERNETES / "components" / "sidecar" / "container.yaml")["spec"]["template"]["spec"]
GENERATED = {
    each["name"]: each for each in read(CONFIG / "kustomization.yaml")["configMapGenerator"]
}
PODS = {
    "stateful": (STATEFUL["template"]["spec"], STATEFUL["template"]["spec"]["containers"][0]),
    "sidecar": (SIDECAR, SIDECAR["initContainers"][0]),
}
GRACE_S = 10
"""How long `App.stop` waits for what is under way."""


@pytest.fixture(params=PODS)
def pod(request):
    """A pod's specification and the processor's container in it."""
    return PODS[request.param]


def backend():
    (line,) = GENERATED["llm-cost-backend"]["literals"]
    return dict([line.split("=", 1)])


def test_prices_and_budgets_change_live_and_settings_start_it_anew():
    """Guarantees: the one keeps its name, the others get a new one with their content."""
    assert GENERATED["llm-cost-rules"]["options"] == {"disableNameSuffixHash": True}
    assert set(GENERATED["llm-cost-rules"]["files"]) == {"pricing.yaml", "budgets.yaml"}
    for name in ("llm-cost-settings", "llm-cost-backend"):
        assert "options" not in GENERATED[name]


def test_every_path_in_the_settings_is_mounted_as_a_folder(pod):
    """Guarantees: files are where the program looks, in a way in which they can change."""
    spec, container = pod
    settings = settings_of(container["args"], CONFIG / "processor.yaml", backend())
    assert settings.exporters.otlp.endpoint == backend()["OTEL_EXPORTER_OTLP_ENDPOINT"]
    kinds = {volume["name"]: volume for volume in spec["volumes"]}
    kinds |= {claim["metadata"]["name"]: claim for claim in STATEFUL["volumeClaimTemplates"]}
    mounts = {mount["mountPath"]: mount for mount in container["volumeMounts"]}
    assert not [mount for mount in mounts.values() if "subPath" in mount]
    told = build_parser().parse_args(container["args"]).config
    for file in (told, settings.pricing.file, settings.budgets.file):
        place = PurePosixPath(file)
        name = kinds[mounts[str(place.parent)]["name"]]["configMap"]["name"]
        assert place.name in GENERATED[name]["files"]
        assert mounts[str(place.parent)]["readOnly"] is True
    assert settings.data_dir == DATA_DIR
    ledger = kinds[mounts[DATA_DIR]["name"]]
    assert ("emptyDir" in ledger) == (spec is SIDECAR), "only a sidecar's ledger goes with its pod"


def test_the_files_in_the_cluster_pass_and_begin_as_those_that_come_along():
    """Guarantees: the copies that kustomize needs below its own folder never fall behind."""
    for name in GENERATED["llm-cost-rules"]["files"]:
        assert (CONFIG / name).read_bytes() == (ROOT / "config" / name).read_bytes()
    prices = parse_prices((CONFIG / "pricing.yaml").read_text(encoding="utf-8"), "pricing")
    assert prices.warnings == ()
    assert compile_catalog(prices)
    assert parse_budgets((CONFIG / "budgets.yaml").read_text(encoding="utf-8"), "b").budgets


def test_ports_are_those_of_the_receiver_and_probes_pass_whatever_it_asks_for():
    """Guarantees: its TLS and tokens cannot fail a probe; Services lead to both ports."""
    _, container = PODS["stateful"]
    settings = settings_of(container["args"], CONFIG / "processor.yaml", backend())
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert set(ports.values()) == listening_ports(settings) == PORTS
    assert settings.telemetry.metrics.endpoint == f"0.0.0.0:{ports['metrics']}"
    paths = {"startupProbe": "/live", "readinessProbe": "/health", "livenessProbe": "/live"}
    for probe, path in paths.items():
        assert container[probe]["httpGet"] == {"path": path, "port": "metrics"}
    for service in ("service", "replicas"):
        for port in read(KUBERNETES / "base" / f"{service}.yaml")["spec"]["ports"]:
            assert ports[port["targetPort"]] == port["port"]
    annotations = STATEFUL["template"]["metadata"]["annotations"]
    assert int(annotations["prometheus.io/port"]) == ports["metrics"]


def test_a_sidecar_listens_to_its_own_pod_alone_and_outlives_the_application():
    """Guarantees: nobody else may send; it starts before the application and ends after it."""
    _, container = PODS["sidecar"]
    settings = settings_of(container["args"], CONFIG / "processor.yaml", backend())
    protocols = settings.receivers.otlp.protocols
    assert protocols.grpc.endpoint == "127.0.0.1:4317"
    assert protocols.http.endpoint == "127.0.0.1:4318"
    assert container["restartPolicy"] == "Always"
    (port,) = container["ports"]
    assert settings.telemetry.metrics.endpoint == f"0.0.0.0:{port['containerPort']}"
    for probe in ("startupProbe", "livenessProbe"):
        assert container[probe]["httpGet"] == {"path": "/live", "port": port["name"]}
    application = read(KUBERNETES / "overlays" / "sidecar" / "application.yaml")
    sent_to = application["spec"]["template"]["spec"]["containers"][0]["env"][0]["value"]
    assert sent_to == f"http://{protocols.grpc.endpoint}"


def test_the_pod_is_alone_with_its_ledger_and_has_time_to_close_them():
    """Guarantees: never two writers of one file, also when a node no longer answers."""
    kind = read(KUBERNETES / "base" / "statefulset.yaml")["kind"]
    assert (kind, STATEFUL["replicas"]) == ("StatefulSet", 1)
    (claim,) = STATEFUL["volumeClaimTemplates"]
    assert claim["spec"]["accessModes"] == ["ReadWriteOnce"]
    assert STATEFUL["persistentVolumeClaimRetentionPolicy"]["whenDeleted"] == "Retain"
    assert STATEFUL["template"]["spec"]["terminationGracePeriodSeconds"] >= GRACE_S + 10
    headless = read(KUBERNETES / "base" / "replicas.yaml")
    assert headless["metadata"]["name"] == STATEFUL["serviceName"]


def test_the_container_is_what_the_restricted_standard_asks_for(pod):
    """Guarantees: no root, no privileges, no writable root, limits, and the image's own user."""
    spec, container = pod
    both = spec.get("securityContext", {}) | container["securityContext"]
    assert both["runAsNonRoot"] is True
    assert (both["runAsUser"], both["runAsGroup"]) == (USER, GROUP)
    assert both["seccompProfile"] == {"type": "RuntimeDefault"}
    assert both["allowPrivilegeEscalation"] is False
    assert both["readOnlyRootFilesystem"] is True
    assert both["capabilities"] == {"drop": ["ALL"]}
    assert container["resources"]["limits"]["memory"]
    assert container["resources"]["requests"].keys() == {"cpu", "memory"}


def test_the_gateway_reaches_its_ledger_and_nobody_s_token():
    """Guarantees: the volume belongs to its group, and no service account token is mounted."""
    spec, _ = PODS["stateful"]
    assert spec["securityContext"]["fsGroup"] == GROUP
    assert spec["automountServiceAccountToken"] is False


@pytest.mark.parametrize("path", KUSTOMIZATIONS, ids=lambda path: path.parent.name)
def test_a_kustomization_names_files_that_are_there_and_our_version(path):
    """Guarantees: nothing is missing, and no overlay falls behind a release."""
    content = read(path)
    listed = content.get("resources", []) + content.get("components", [])
    listed += [patch["path"] for patch in content.get("patches", ())]
    assert all((path.parent / each).exists() for each in listed)
    for image in content.get("images", ()):
        assert image["name"] == "llm-cost-processor"
        assert image["newTag"] == __version__
    for generated in content.get("configMapGenerator", ()):
        assert generated["name"] in GENERATED
        assert all((path.parent / file).is_file() for file in generated.get("files", ()))


def test_the_policy_selects_the_processor_s_pods():
    """Guarantees: labels in the policy are those that kustomize puts on the pods."""
    policy = read(KUBERNETES / "base" / "network-policy.yaml")["spec"]
    (labels,) = read(KUBERNETES / "base" / "kustomization.yaml")["labels"]
    assert policy["podSelector"]["matchLabels"].items() <= labels["pairs"].items()
    for target in (Path("base"), Path("overlays/behind-collector")):
        rules = read(KUBERNETES / target / "network-policy.yaml")["spec"]
        named = {port["port"] for rule in rules["ingress"] for port in rule["ports"]}
        assert named == {port["name"] for port in PODS["stateful"][1]["ports"]}
