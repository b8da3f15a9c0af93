"""New prices in a running processor, as the kubelet brings a ConfigMap."""

from __future__ import annotations

from itertools import count

import pytest
from e2e.applications import chat, tracer
from e2e.processes import attributes, wait_until

PRICES = "models: [{{provider: openai, model: gpt-4o, prices: [{{input: {}, output: 0}}]}}]\n"
BUDGETS = "budgets: [{{name: per-call, scope: call, limit_usd: {}}}]\n"
TOKENS = 1_000_000


class ConfigMapVolume:
    """A folder as the kubelet's AtomicWriter keeps it.

    Files are links to ``..data/<name>``, ``..data`` is a link to a folder with a date in its name,
    and a new version is a new folder that the link is renamed over; then the old one is removed.
    """

    def __init__(self, folder):
        self._folder = folder
        self._versions = count(1)
        self._current = None
        folder.mkdir()

    def write(self, **files):
        """Bring a version, all files at once."""
        dated = self._folder / f"..2026_11_22_21_00_00.{next(self._versions):09d}"
        dated.mkdir()
        for name, text in files.items():
            (dated / f"{name}.yaml").write_text(text)
        (self._folder / "..data_tmp").symlink_to(dated.name)
        (self._folder / "..data_tmp").rename(self._folder / "..data")
        for name in files:
            visible = self._folder / f"{name}.yaml"
            if not visible.is_symlink():
                visible.symlink_to(f"..data/{name}.yaml")
        if self._current:
            for path in self._current.iterdir():
                path.unlink()
            self._current.rmdir()
        self._current = dated


@pytest.fixture
def volume(tmp_path):
    """A mounted ConfigMap with a price and a limit."""
    volume = ConfigMapVolume(tmp_path / "rules")
    volume.write(pricing=PRICES.format("2.50"), budgets=BUDGETS.format("100"))
    return volume


@pytest.fixture
def priced(serve, backend, volume, tmp_path):  # noqa: ARG001 - the files have to be there first
    """Sends a call through a running processor, and gives what it was stamped with."""
    rules = tmp_path / "rules"
    processor = serve(
        "--forward-to", f"127.0.0.1:{backend.port}",
        "--pricing", rules / "pricing.yaml", "--budgets", rules / "budgets.yaml",
    )  # fmt: skip
    provider, app = tracer(processor.port)
    names = (f"chat {number}" for number in count())

    def send():
        name = next(names)
        chat(app, name, tokens=(TOKENS, 0))
        return attributes(backend.by_name()[name])

    yield send, processor
    provider.shutdown()


def test_a_new_configmap_is_in_force_without_a_restart(priced, volume):
    """Guarantees: the kubelet's swap of links brings prices and budgets to what runs."""
    send, processor = priced
    before = send()
    assert before["llm.cost_usd"] == 2.5
    assert "llm.budget.exceeded" not in before
    volume.write(pricing=PRICES.format("5.00"), budgets=BUDGETS.format("4"))
    wait_until(lambda: send()["llm.cost_usd"] == 5.0)
    wait_until(lambda: send().get("llm.budget.exceeded") == "per-call")
    assert send()["llm.cost.price_version"] != before["llm.cost.price_version"]
    assert processor.popen.poll() is None


def test_a_broken_configmap_changes_nothing_and_the_next_one_does(priced, volume):
    """Guarantees: a mistake in `kubectl edit` costs nothing, and the log names its line."""
    send, processor = priced
    volume.write(pricing="models: [{", budgets=BUDGETS.format("100"))
    processor.wait_for("is not used; the last good one stays in force")
    assert send()["llm.cost_usd"] == 2.5
    volume.write(pricing=PRICES.format("7.50"), budgets=BUDGETS.format("100"))
    wait_until(lambda: send()["llm.cost_usd"] == 7.5)
