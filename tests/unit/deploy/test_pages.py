"""What the pages of deploy/ show can be pasted: settings, commands of ours, and links."""

from __future__ import annotations

import re
import shlex

import pytest
import yaml
from unit.deploy.shipped import DEPLOY, ROOT

from processor.cli.arguments import build_parser
from processor.cli.dispatch import main
from processor.core.enrich.emission import READERS
from processor.core.semconv.dialects.owners import INHERITED_OWNERS
from processor.surfaces.metrics import DECLARED

# The pages of Collectors, Jaeger, Phoenix and senders are held to the real programs elsewhere.
ELSEWHERE = {"collector", "jaeger", "phoenix", "senders"}
PAGES = sorted(
    page for page in DEPLOY.rglob("*.md") if page.relative_to(DEPLOY).parts[0] not in ELSEWHERE
)
CORE = ROOT / "processor" / "core"
PREFIX = "llm_cost_processor_"
METRICS = {metric.name for metric in DECLARED}
SECRET = "0123456789abcdef-secret"
SIGNING_KEY = f"whsec_{'A' * 44}"
BACKENDS = [page for page in PAGES if page.parent.name == "backends"]
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_HERE_DOCUMENT = re.compile(r"<<'(\w+)'\n.*?\n\1\n", re.DOTALL)


def blocks(page, language):
    """The fenced blocks of a page in one language."""
    return [text for found, text in _BLOCK.findall(page.read_text("utf-8")) if found == language]


def settings_files():
    """Every block that is a whole processor.yaml, with a name for its test."""
    for page in PAGES:
        for number, text in enumerate(blocks(page, "yaml")):
            if text.startswith("# processor.yaml\n"):
                yield pytest.param(page, text, id=f"{page.parent.name}-{page.stem}-{number}")


def named(page):
    return str(page.relative_to(DEPLOY))


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_yaml_block_says_which_file_it_is(page):
    """Guarantees: the reader knows where it goes, and no block of settings escapes the check."""
    for text in blocks(page, "yaml"):
        assert re.match(r"# (part of )?[a-z]+\.yaml\n", text), text
        assert isinstance(yaml.safe_load(text), dict)


@pytest.mark.parametrize(("page", "text"), list(settings_files()))
def test_every_settings_file_passes_check_config(page, text, tmp_path, monkeypatch, capsys):
    """Guarantees: pasted as it stands, with its variables set, the program takes it."""
    monkeypatch.chdir(tmp_path)
    for name in re.findall(r"\$\{env:(\w+)\}", text):
        is_address = name.endswith(("_ENDPOINT", "_URL"))
        secret = SIGNING_KEY if name.startswith("WEBHOOK_") else SECRET
        monkeypatch.setenv(name, "https://backend.example/v1/traces" if is_address else secret)
    # The files that it names are shown in config/.
    pasted = re.sub(r"/etc/llm-cost/(rules/)?", f"{ROOT}/config/", text)
    (tmp_path / "processor.yaml").write_text(pasted, encoding="utf-8")
    assert main(["check-config", "--config", "processor.yaml"]) == 0, page
    told = capsys.readouterr().out
    assert "forwards to" in told
    assert SECRET not in told
    assert SIGNING_KEY not in told


@pytest.mark.parametrize("page", BACKENDS, ids=named)
def test_a_backend_page_has_what_a_newcomer_needs(page):
    """Guarantees: settings, what to look for, what to do, and that it was not run."""
    text = page.read_text(encoding="utf-8")
    assert "# processor.yaml\n" in text
    assert "**What to look for" in text
    assert "**When nothing appears" in text
    assert "Not run by this project" in text
    assert f"(backends/{page.name})" in (DEPLOY / "README.md").read_text(encoding="utf-8")


PARSED = {
    "serve", "healthcheck", "unpriced", "check-config", "price", "today", "report", "calls",
    "trace", "session", "budget",
}  # fmt: skip


@pytest.mark.parametrize("page", [ROOT / "README.md", *PAGES], ids=lambda page: page.name)
def test_every_command_of_ours_can_be_parsed(page):
    """Guarantees: no flag in a page has been renamed since."""
    lines = []
    for text in blocks(page, "console"):
        lines += re.sub(r"\\\n\s*", " ", _HERE_DOCUMENT.sub("\n", text)).splitlines()
    for line in lines:
        words = shlex.split(line.partition(" #")[0].lstrip("$# "))
        for place, word in enumerate(words):
            if word.rpartition("/")[2] == "llm-cost" and words[place + 1 :]:
                ours = words[place + 1 :]
                if ours[0] in PARSED:
                    build_parser().parse_args(ours)


@pytest.mark.parametrize(
    "page",
    [*ROOT.glob("*.md"), *sorted(DEPLOY.rglob("*.md"))],
    ids=lambda p: str(p.relative_to(ROOT)),
)
def test_every_link_leads_to_a_file(page):
    """Guarantees: no link is broken, nor the place in a page that it leads to."""
    for target in re.findall(r"\]\(([^)]+)\)", page.read_text(encoding="utf-8")):
        if target.startswith("http"):
            continue
        path, _, place = target.partition("#")
        found = (page.parent / path) if path else page
        assert found.exists(), target
        if place:
            titles = re.findall(r"^#+ (.+)$", found.read_text(encoding="utf-8"), re.MULTILINE)
            assert place in {
                re.sub(r"[^a-z0-9 -]", "", t.lower()).replace(" ", "-") for t in titles
            }


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_names_of_attributes_and_metrics_are_the_program_s(page):
    """Guarantees: what a page tells to look for is what is written and served."""
    text = page.read_text(encoding="utf-8")
    known = (DEPLOY / "attributes.md").read_text(encoding="utf-8")
    known += (CORE / "enrich" / "attributes.py").read_text(encoding="utf-8")
    known += (CORE / "enrich" / "emission.py").read_text(encoding="utf-8")
    known += (CORE / "posting" / "stamp.py").read_text(encoding="utf-8")
    for name in re.findall(r"(?:span\.|@|`)((?:llm|trace)\.[a-z_.]+[a-z])", text):
        assert f'"{name}"' in known or f"`{name}`" in known, name
    for name in re.findall(r"\b((?:receiver|pipeline|exporter|ledger|queue)_\w+_total)", text):
        assert f"{PREFIX}{name.removeprefix(PREFIX)}" in METRICS, name
    for reader in re.findall(r"emit: \[(\w+)\]", text):
        assert reader in READERS


def test_instrumentations_are_recommended_in_versions_that_are_tested():
    """Guarantees: the page of Python moves on when the tested versions do."""
    page = (DEPLOY / "senders" / "python.md").read_text(encoding="utf-8")
    pins = {line for file in (ROOT / "tests" / "clients").glob("*.txt")
            for line in file.read_text(encoding="utf-8").splitlines()}  # fmt: skip
    name = r"(?:opentelemetry|openinference)-instrumentation-[\w-]+"
    recommended = re.findall(rf"'({name})[>=]=(\S+)'", page)
    assert len(recommended) >= 8
    for name, version in recommended:
        assert any(pin.startswith(f"{name}=={version}") for pin in pins), (name, version)
    assert "opentelemetry-util-genai==0." in (ROOT / "tests/clients/openai2.txt").read_text()


def test_the_names_that_say_whose_cost_it_is_are_those_that_are_read():
    """Guarantees: nobody is told to set an attribute that nothing reads."""
    page = (DEPLOY / "senders" / "README.md").read_text(encoding="utf-8")
    section = page.partition("## Whose cost it is")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \| (.+) \|$", section, re.MULTILINE)
    assert {scope for scope, _ in rows} == {*INHERITED_OWNERS, "service"}
    for scope, names in rows:
        read = {key for source in INHERITED_OWNERS.get(scope, ()) for key in source.keys}
        read |= {"service.name"} if scope == "service" else set()
        for name in re.findall(r"`([a-z_.]+)`", names):
            assert name in read, name


def test_every_folder_is_in_the_index():
    """Guarantees: who looks for a way to run it finds it."""
    index = (DEPLOY / "README.md").read_text(encoding="utf-8")
    for folder in DEPLOY.iterdir():
        if folder.is_dir() and any(folder.iterdir()):
            assert f"({folder.name}/" in index, folder.name
