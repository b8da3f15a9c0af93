"""The dashboard, held to the types of the Grafana that compose runs, by the TypeScript compiler."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
import yaml

HERE = Path(__file__).parent
COMPOSE = HERE.parents[1] / "deploy" / "compose"
DASHBOARD = COMPOSE / "tempo" / "dashboards" / "llm-cost.json"

pytestmark = pytest.mark.backend


def _as_program(dashboard):
    """The parts of a dashboard as constants of Grafana's types."""
    panels = dashboard.pop("panels")
    lines = ['import type { PlainDashboard, PlainPanel, PlainTempoQuery } from "./types";']
    lines.append(f"const dashboard: PlainDashboard = {json.dumps(dashboard | {'panels': []})};")
    for panel in panels:
        targets, name = panel.pop("targets"), f"panel{panel['id']}"
        lines.append(f"const {name}: PlainPanel = {json.dumps(panel | {'targets': []})};")
        lines += [
            f"const {name}{target['refId']}: PlainTempoQuery = {json.dumps(target)};"
            for target in targets
            if target["datasource"]["type"] == "tempo"
        ]
    return "\n".join([*lines, "export {};"])


def _compiles(folder, dashboard):
    program = folder / "dashboard.ts"
    program.write_text(_as_program(dashboard), encoding="utf-8")
    options = ["--noEmit", "--strict", "--skipLibCheck", "--module", "esnext"]
    options += ["--moduleResolution", "bundler", "--target", "es2022"]
    return subprocess.run(
        [folder / "node_modules" / ".bin" / "tsc", *options, program],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_grafana_s_types_accept_the_dashboard(grafana_types):
    """Guarantees: every field is known and of its type, in panels and in Tempo's queries."""
    done = _compiles(grafana_types, json.loads(DASHBOARD.read_text(encoding="utf-8")))
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("wrong", ['"absolut"', '"tracs"', '"gridPlace"'])
def test_grafana_s_types_refuse_what_is_wrong(grafana_types, wrong):
    """Guarantees: the compiler that is content above can also be discontented."""
    right = {'"absolut"': '"absolute"', '"tracs"': '"spans"', '"gridPlace"': '"gridPos"'}[wrong]
    text = DASHBOARD.read_text(encoding="utf-8")
    assert right in text
    done = _compiles(grafana_types, json.loads(text.replace(right, wrong)))
    assert done.returncode != 0


def test_the_types_are_those_of_the_grafana_that_runs():
    """Guarantees: image and types have one version."""
    pins = json.loads((HERE / "grafana" / "package.json").read_text(encoding="utf-8"))
    compose = yaml.safe_load((COMPOSE / "tempo.yaml").read_text(encoding="utf-8"))
    image = compose["services"]["grafana"]["image"]
    assert image == f"grafana/grafana:{pins['dependencies']['@grafana/schema']}"
