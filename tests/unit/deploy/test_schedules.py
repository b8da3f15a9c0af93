"""The nightly copies that deploy/ ships: commands that there are, and each copy proved."""

from __future__ import annotations

import re

import pytest
from unit.deploy.shipped import DATA_DIR, DEPLOY, GROUP, USER, read

from processor.cli.arguments import build_parser

CRON_JOB = read(DEPLOY / "kubernetes" / "components" / "backup" / "cron-job.yaml")
POD = CRON_JOB["spec"]["jobTemplate"]["spec"]["template"]["spec"]
UNIT = (DEPLOY / "systemd" / "llm-cost-backup.service").read_text(encoding="utf-8")


def composed(name):
    return read(DEPLOY / "compose" / f"{name}.yaml")["services"]["backup"]["command"][0]


SCRIPTS = {
    "compose with Jaeger": (composed("jaeger"), "/ledger"),
    "compose with Tempo": (composed("tempo"), "/ledger"),
    "Kubernetes": (POD["containers"][0]["args"][0], DATA_DIR),
    "systemd": (UNIT.replace("/opt/llm-cost/bin/", ""), DATA_DIR),
}


@pytest.mark.parametrize("where", SCRIPTS)
def test_a_schedule_copies_the_ledger_and_proves_the_copy(where):
    """Guarantees: both commands are ones of ours, and the second one reads what the first wrote."""
    script, folder = SCRIPTS[where]
    lines = re.findall(r"llm-cost ((?:backup|verify) [^;&|'\n]*)", script)
    backup, verify = (build_parser().parse_args(line.replace('"', "").split()) for line in lines)
    assert (backup.command, backup.force, backup.data_dir) == ("backup", True, folder)
    assert (verify.command, verify.file) == ("verify", backup.file)
    assert "%a" in script, "a week of copies"


def test_the_job_runs_beside_the_processor_with_its_user():
    """Guarantees: on the node of the volume, as who may read the ledger, and writes elsewhere."""
    (rule,) = POD["affinity"]["podAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    (labels,) = read(DEPLOY / "kubernetes" / "base" / "kustomization.yaml")["labels"]
    assert rule["labelSelector"]["matchLabels"].items() <= labels["pairs"].items()
    both = POD["securityContext"] | POD["containers"][0]["securityContext"]
    assert (both["runAsUser"], both["runAsGroup"], both["fsGroup"]) == (USER, GROUP, GROUP)
    assert both["readOnlyRootFilesystem"] is True
    assert both["capabilities"] == {"drop": ["ALL"]}
    claims = {
        volume["name"]: volume["persistentVolumeClaim"]["claimName"]
        for volume in POD["volumes"]
        if "persistentVolumeClaim" in volume
    }
    stateful = read(DEPLOY / "kubernetes" / "base" / "statefulset.yaml")
    (claim,) = stateful["spec"]["volumeClaimTemplates"]
    assert claims["ledger"] == f"{claim['metadata']['name']}-{stateful['metadata']['name']}-0"
    volume = read(DEPLOY / "kubernetes" / "components" / "backup" / "volume.yaml")
    assert claims["backups"] == volume["metadata"]["name"]


def test_the_unit_reads_as_the_user_of_the_processor():
    """Guarantees: the folder that both have stays that user's."""
    processor = (DEPLOY / "systemd" / "llm-cost.service").read_text(encoding="utf-8")
    assert "StateDirectory=llm-cost\n" in processor
    assert "User=llm-cost\n" in UNIT, "the name of the other unit, which is that of its user"
    assert "StateDirectory=llm-cost llm-cost-backups\n" in UNIT
