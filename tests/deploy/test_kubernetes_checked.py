"""Manifests as kustomize builds them, held to the schemas of Kubernetes by kubeconform."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

KUBERNETES = Path(__file__).parents[2] / "deploy" / "kubernetes"
TARGETS = ["base", *sorted(f"overlays/{path.name}" for path in (KUBERNETES / "overlays").iterdir())]

pytestmark = pytest.mark.backend


@pytest.fixture(params=TARGETS)
def manifests(request, kustomize, passes):
    """What would be applied."""
    return passes(kustomize, "build", KUBERNETES / request.param)


def test_kustomize_builds_it_and_the_schemas_accept_it(manifests, kubeconform, passes):
    """Guarantees: the cluster knows every field; an unknown one is an error here."""
    passes(*kubeconform, "-summary", input=manifests)


def test_the_schemas_refuse_what_is_wrong(kustomize, kubeconform, passes):
    """Guarantees: the checker that is content above can also be discontented."""
    good = passes(kustomize, "build", KUBERNETES / "base")
    for bad in (good.replace("replicas: 1", "replicas: one"), good.replace("args:", "argz:")):
        assert bad != good
        done = subprocess.run(
            list(map(str, kubeconform)), input=bad, capture_output=True, text=True, check=False
        )
        assert done.returncode == 1
        assert "StatefulSet llm-cost is invalid" in done.stdout


def test_every_name_in_the_result_leads_somewhere(manifests):
    """Guarantees: ConfigMaps and volumes that pods name are there, with the files they look for."""
    built = list(yaml.safe_load_all(manifests))
    maps = {each["metadata"]["name"]: each["data"] for each in built if each["kind"] == "ConfigMap"}
    pods = [
        each["spec"]["template"]["spec"] for each in built if "template" in each.get("spec", {})
    ]
    assert pods
    for pod in pods:
        volumes = {volume["name"]: volume for volume in pod["volumes"]}
        containers = pod["containers"] + pod.get("initContainers", [])
        (processor,) = [each for each in containers if "llm-cost-processor" in each["image"]]
        (backend,) = [
            source["configMapRef"]["name"]
            for source in processor["envFrom"]
            if "configMapRef" in source
        ]
        assert set(maps[backend]) == {"OTEL_EXPORTER_OTLP_ENDPOINT"}
        shown = {
            mount["mountPath"]: maps[volumes[mount["name"]]["configMap"]["name"]]
            for mount in processor["volumeMounts"]
            if "configMap" in volumes.get(mount["name"], {})
        }
        assert set(shown["/etc/llm-cost/rules"]) == {"pricing.yaml", "budgets.yaml"}
        assert set(shown["/etc/llm-cost/settings"]) == {"processor.yaml"}


def test_the_overlay_of_the_page_builds_beside_a_clone(kustomize, kubeconform, passes, tmp_path):
    """Guarantees: what the page shows can be pasted, with the files that its second part names."""
    root = KUBERNETES.parents[1]
    page = (KUBERNETES / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```yaml\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    first, rules = [text for text in blocks if "kustomization.yaml\n" in text]
    overlay, more = yaml.safe_load(first), yaml.safe_load(rules)
    overlay["configMapGenerator"] += more["configMapGenerator"]
    clone = tmp_path / "llm-cost-processor"
    shutil.copytree(KUBERNETES, clone / "deploy" / "kubernetes")
    own = tmp_path / "own"
    own.mkdir()
    (own / "kustomization.yaml").write_text(yaml.safe_dump(overlay))
    for name in ("pricing.yaml", "budgets.yaml"):
        (own / name).write_text((root / "config" / name).read_text(encoding="utf-8") + "# ours\n")
    built = passes(kustomize, "build", own)
    passes(*kubeconform, input=built)
    objects = {(each["kind"], each["metadata"]["name"]): each for each in yaml.safe_load_all(built)}
    assert objects["ConfigMap", "llm-cost-rules"]["data"]["pricing.yaml"].endswith("# ours\n")
    pod = objects["StatefulSet", "llm-cost"]["spec"]["template"]["spec"]
    assert pod["containers"][0]["image"].startswith(overlay["images"][0]["newName"] + ":")
    (backend,) = [name for kind, name in objects if name.startswith("llm-cost-backend-")]
    assert pod["containers"][0]["envFrom"][0]["configMapRef"]["name"] == backend
    assert objects["ConfigMap", backend]["data"]["OTEL_EXPORTER_OTLP_ENDPOINT"] in first
