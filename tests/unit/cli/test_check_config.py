import pytest

from processor.cli import main


@pytest.fixture(autouse=True)
def quiet_environment(monkeypatch):
    for name in ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)


def test_without_any_file_the_defaults_are_shown(capsys):
    assert main(["check-config"]) == 0
    shown = capsys.readouterr()
    assert shown.err == ""
    assert "listens on   127.0.0.1:4317" in shown.out
    assert "the catalogue genai-prices " in shown.out
    assert "per-user-daily           $50.00 per user and day; warns at 50%, 80%" in shown.out


def test_flags_show_in_what_is_found(capsys, tmp_path):
    budgets = tmp_path / "budgets.yaml"
    budgets.write_text(
        "budgets:\n"
        "- {name: research, scope: agent, limit_tokens: 5000, match: {model: 'gpt-*'}}\n"
        "- {name: all, scope: total, window: month, limit_usd: 200, warn_at: [0.5]}\n"
        "- {name: org, scope: org, limit_usd: 20, overrides: {acme: 30}}\n"
    )
    flags = ["--listen", "127.0.0.1:5000", "--forward-to", "tempo:4317", "--data-dir", "/books"]
    assert main(["check-config", *flags, "--budgets", str(budgets)]) == 0
    out = capsys.readouterr().out
    assert "listens on   127.0.0.1:5000" in out
    assert "forwards to  OTLP/gRPC at tempo:4317\n" in out
    assert "ledger       /books/ledger.db" in out
    assert f"budgets   {budgets}, version " in out
    assert "3 limits" in out
    assert "research                 5,000 tokens per agent; only model gpt-*" in out
    assert "all                      $200.00 for everything; warns at 50%" in out
    assert "org                      $20.00 per org; 1 override" in out


def test_warnings_are_shown_and_do_not_fail_the_check(capsys, tmp_path):
    prices = tmp_path / "prices.yaml"
    prices.write_text("models: [{provider: acme, model: m, prices: [{input: 9000, output: 1}]}]\n")
    assert main(["check-config", "--pricing", str(prices)]) == 0
    out = capsys.readouterr().out
    assert "1 entry in the file" in out
    assert f"warning   {prices}:1: " in out


def test_everything_that_is_wrong_is_said_at_once(capsys, tmp_path):
    config, prices, budgets = (tmp_path / name for name in ("c.yaml", "p.yaml", "b.yaml"))
    config.write_text("nonsense: 1\nlog: {level: loud}\n")
    prices.write_text("models: [{provider: acme, model: m, prices: [{input: x}]}]\n")
    budgets.write_text("budgets: [{name: a}]\n")
    flags = ["--config", str(config), "--pricing", str(prices), "--budgets", str(budgets)]
    assert main(["check-config", *flags]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    lines = shown.err.splitlines()
    assert all(line.startswith("llm-cost: ") for line in lines)
    for file in (config, prices, budgets):
        assert any(f"{file}:" in line for line in lines), file
    assert sum(f"{config}:" in line for line in lines) == 2


@pytest.mark.parametrize(
    "flags",
    [["--listen", "nowhere"], ["--forward-to", "http://host:99999"], ["--forward-to", "a/b"]],
)
def test_addresses_that_cannot_be_used_are_found_without_listening(flags, capsys):
    assert main(["check-config", *flags]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_a_backend_that_is_the_processor_itself_is_found(capsys):
    flags = ["--listen", "127.0.0.1:4317", "--forward-to", "127.0.0.1:4317"]
    assert main(["check-config", *flags]) == 2
    assert "is this processor itself" in capsys.readouterr().err
