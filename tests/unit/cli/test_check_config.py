import re

import pytest
from conformance.certificates import make_self_signed

from processor.cli import check_config, main
from processor.core.errors import LedgerUnavailableError
from processor.io.ledger import SqliteStore


@pytest.fixture(autouse=True)
def quiet_environment(monkeypatch):
    for name in ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "100")


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
        "- {name: all, scope: total, window: month, limit_usd: 2000, warn_at: [0.5]}\n"
        "- {name: org, scope: org, limit_usd: 20, overrides: {acme: 30}}\n"
    )
    flags = ["--listen", "127.0.0.1:5000", "--forward-to", "tempo:4317", "--data-dir", "/data"]
    assert main(["check-config", *flags, "--budgets", str(budgets)]) == 0
    out = capsys.readouterr().out
    assert "listens on   127.0.0.1:5000" in out
    assert "forwards to  OTLP/gRPC at tempo:4317 over TLS\n" in out
    out = re.sub(r"\n {15,}", " ", out)
    assert re.search(
        r"^  memory       \d+ MiB \(80% of .*\), largest message \d+ MiB$", out, re.MULTILINE
    )
    assert "ledger       /data/ledger.db" in out
    assert f"budgets   {budgets}, version " in out
    assert "3 limits" in out
    assert "research                 5,000 tokens per agent; only model gpt-*" in out
    assert "all                      $2,000.00 for everything in each month; warns at 50%" in out
    assert "org                      $20.00 per org; 1 override" in out


def test_exports_on_a_schedule_are_shown(capsys, tmp_path):
    settings = tmp_path / "settings.yaml"
    settings.write_text("data_dir: /data\nexports: {all: {dataset: focus, format: csv.gz}}\n")
    assert main(["check-config", "--config", str(settings)]) == 0
    said = "  exports      all: focus as csv.gz, a file each day, in /data/exports/all\n"
    assert said in capsys.readouterr().out


def test_parquet_without_its_package_is_a_warning(capsys, tmp_path, monkeypatch):
    """Guarantees: it is said before the first file is due; no error, as it may run elsewhere."""
    settings = tmp_path / "processor.yaml"
    settings.write_text("exports: {all: {dataset: calls, format: parquet}}\n")
    for is_there in (True, False):
        monkeypatch.setattr(check_config, "has_parquet", lambda is_there=is_there: is_there)
        assert main(["check-config", "--config", str(settings)]) == 0
        said = "warning   exports.all.format: parquet needs pyarrow, which is missing here"
        assert (said in capsys.readouterr().out) is not is_there


def test_lines_fit_a_terminal(capsys, tmp_path):
    """Guarantees: budgets, channels and warnings go on below what they are about."""
    settings = tmp_path / "processor.yaml"
    settings.write_text(
        "api: {read_tokens: [abcdefghijklmnop]}\n"
        "telemetry: {metrics: {endpoint: 0.0.0.0:8888}}\n"
        "notifications: {channels: {hook: {type: webhook, url: 'https://example.com/a'}}}\n"
    )
    budgets = tmp_path / "budgets.yaml"
    budgets.write_text("budgets:\n" + "".join(
        f"- {{name: tokens-of-{name}, scope: agent, window: month, limit_tokens: 50000000, "
        "warn_at: [0.5, 0.8], match: {service: research-*}}\n"
        for name in ("one", "two", "three", "four", "five")
    ))  # fmt: skip
    assert main(["check-config", "--config", str(settings), "--budgets", str(budgets)]) == 0
    lines = capsys.readouterr().out.splitlines()
    about = [line for line in lines if str(tmp_path) not in line]
    assert max(map(len, about)) <= 80
    assert any(line.startswith(" " * 29) for line in about), "a budget goes on in its column"


def test_warnings_are_shown_and_do_not_fail_the_check(capsys, tmp_path):
    prices = tmp_path / "prices.yaml"
    prices.write_text("models: [{provider: acme, model: m, prices: [{input: 9000, output: 1}]}]\n")
    assert main(["check-config", "--pricing", str(prices)]) == 0
    out = capsys.readouterr().out
    assert "1 entry in the file" in out
    assert f"warning {prices}:1: " in " ".join(out.split())


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


def test_budgets_are_not_blamed_for_mistakes_of_the_settings(capsys, tmp_path):
    """Guarantees: a dimension that a file declares is known where its other lines are wrong."""
    config, budgets = tmp_path / "c.yaml", tmp_path / "b.yaml"
    config.write_text("dimensions: {team: [team]}\nledger: {retention: {calls: 5}}\n")
    budgets.write_text("budgets: [{name: a, scope: team, limit_usd: 1}]\n")
    assert main(["check-config", "--config", str(config), "--budgets", str(budgets)]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert "ledger.retention.calls: must be an age" in line


def test_how_long_the_ledger_keeps_what_it_has_is_shown(capsys, tmp_path):
    config = tmp_path / "c.yaml"
    config.write_text("ledger: {retention: {calls: never, traces: never, hours: 36h}}\n")
    all_kept = tmp_path / "all.yaml"
    all_kept.write_text("ledger: {retention: {calls: never, traces: never, hours: never}}\n")
    for flags, keeps in (
        (["--config", str(all_kept)], "everything, for ever"),
        ([], "single calls 90d, ids of their spans 30d more, traces 400d, sums by hour 400d"),
        (
            ["--config", str(config)],
            "single calls never deleted, traces never deleted, sums by hour 36h",
        ),
    ):
        assert main(["check-config", *flags]) == 0
        assert f"keeps        {keeps}" in " ".join(capsys.readouterr().out.split("\n" + " " * 15))


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


OLD = """\
models:
  - {provider: openai, model: gpt-4o, prices: [{input: 2.5, output: 10, cache_read: 1.25}]}
  - {provider: acme, model: gone, prices: [{input: 1, output: 1}]}
  - {provider: acme, model: kept, prices: [{input: 1, output: 1}]}
"""
NEW = """\
models:
  - {provider: openai, model: gpt-4o, prices: [{input: 5, output: 10, cache_read: 1.25}],
     aliases: ["azure:mine"]}
  - {provider: acme, model: own, prices: [{input: 2, output: 6}]}
  - {provider: acme, model: kept, prices: [{input: 1, output: 1}]}
  - {provider: acme, model: "lab-*", prices: [{input: 1, output: 1}]}
"""


def changes(capsys, tmp_path, before, after):
    old, new = tmp_path / "old.yaml", tmp_path / "new.yaml"
    old.write_text(before)
    new.write_text(after)
    flags = ["--pricing", str(new), "--against", str(old), "--data-dir", str(tmp_path / "data")]
    assert main(["check-config", *flags]) == 0
    out = capsys.readouterr().out
    lines = [" ".join(line.split()) for line in out[out.index("changes ") :].splitlines()]
    return lines[0], lines[1:]


def test_a_change_of_prices_is_shown_name_by_name(capsys, tmp_path):
    title, lines = changes(capsys, tmp_path, OLD, NEW)
    assert title == f"changes from {tmp_path / 'old.yaml'}"
    ledger = tmp_path / "data" / "ledger.db"
    assert lines == [
        "in USD per 1M tokens: input / output / cached input",
        "removed acme:gone 1 / 1 / 1 -> no price",
        "new acme:own no price -> 2 / 6 / 2",
        "new azure:mine no price -> 5 / 10 / 1.25",
        "changed openai:gpt-4o 2.5 / 10 / 1.25 -> 5 / 10 / 1.25",
        "alias azure:mine starts to mean openai:gpt-4o",
        "pattern acme:lab-* is new: input 1, output 1",
        "1 model costs the same",
        f"there is no ledger at {ledger}, so no calls were looked at",
    ]
    assert not ledger.parent.exists(), "looking makes nothing"
    _, lines = changes(capsys, tmp_path, NEW, OLD)
    assert "alias azure:mine no longer means openai:gpt-4o" in lines


def test_a_discount_says_what_it_multiplies(capsys, tmp_path):
    discount = "models: [{provider: anthropic, model: '*', adjust: {multiplier: 0.85}}]\n"
    _, lines = changes(capsys, tmp_path, "models: []\n", discount)
    assert "pattern anthropic:* is new: 0.85 times the catalogue's prices" in lines
    _, lines = changes(capsys, tmp_path, discount, discount.replace("0.85", "0.8"))
    assert "pattern anthropic:* is changed: 0.85 -> 0.8 times the catalogue's prices" in lines


def test_a_row_whose_main_prices_stay_says_what_does_not(capsys, tmp_path):
    """Guarantees: no row shows the same amounts twice."""
    priced = OLD.replace("kept, prices: [{", "kept, prices: [{web_search: 0.01, ")
    _, lines = changes(capsys, tmp_path, OLD, priced)
    assert lines[1:3] == ["changed acme:kept 1 / 1 / 1 stays, but", "web_search 0 -> 0.01"]
    later = OLD.replace("1.25}]", "1.25}, {input: 9, output: 9, effective_from: 2999-01-01}]")
    _, lines = changes(capsys, tmp_path, OLD, later)
    assert lines[2] == "not at other times, or for large requests"


def test_changes_fit_a_terminal_of_80_columns(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    (tmp_path / "old.yaml").write_text(OLD.replace("gone", "a-name-of-a-model-" * 3))
    (tmp_path / "new.yaml").write_text(NEW.replace("5, output: 10", "5.123456, output: 10.5"))
    monkeypatch.chdir(tmp_path)
    assert main(["check-config", "--pricing", "new.yaml", "--against", "old.yaml"]) == 0
    out = capsys.readouterr().out
    assert max(map(len, out[out.index("changes ") :].splitlines())) <= 80


def test_without_a_change_only_that_is_said(capsys, tmp_path):
    _, lines = changes(capsys, tmp_path, OLD, OLD)
    assert lines[0] == "3 models cost the same"


@pytest.mark.parametrize("compared", [True, False])
def test_what_is_no_ledger_is_a_mistake_that_serve_would_name_too(capsys, tmp_path, compared):
    ledger = tmp_path / "data" / "ledger.db"
    ledger.parent.mkdir()
    ledger.write_text("not a database, but long enough" * 10)
    prices = tmp_path / "prices.yaml"
    prices.write_text(NEW)
    flags = ["--pricing", str(prices), "--data-dir", str(ledger.parent)]
    assert main(["check-config", *flags, *(["--against", str(prices)] if compared else [])]) == 2
    checked = capsys.readouterr().err
    assert checked.startswith(f"llm-cost: {ledger}: is not a ledger, or damaged (")
    for command in ("serve", "unpriced"):
        assert main([command, *flags]) == 2
        assert capsys.readouterr().err == checked


def test_a_ledger_that_cannot_be_read_is_reported(capsys, tmp_path, monkeypatch):
    def fail(_path):
        raise LedgerUnavailableError("it is locked")

    (tmp_path / "data").mkdir()
    SqliteStore(tmp_path / "data" / "ledger.db").close()
    monkeypatch.setattr("processor.cli.price_change.read_snapshot", fail)
    _, lines = changes(capsys, tmp_path, OLD, NEW)
    assert lines[-1] == "no calls were looked at: it is locked"


def test_a_price_file_to_compare_with_is_checked_like_the_other(capsys, tmp_path):
    assert main(["check-config", "--against", str(tmp_path / "none.yaml")]) == 2
    assert "none.yaml: cannot be read" in capsys.readouterr().err


def test_certificates_and_tokens_are_opened_and_every_mistake_is_said_at_once(capsys, tmp_path):
    """Guarantees: missing files and files that do not fit, of receivers and of backends."""
    (one, key), (_, other_key) = (make_self_signed(tmp_path, name) for name in ("one", "two"))
    token, config, none = tmp_path / "token", tmp_path / "c.yaml", tmp_path / "none"
    token.write_text("two words")
    config.write_text(
        "receivers: {otlp: {protocols: {"
        f"grpc: {{tls: {{cert_file: {one}, key_file: {other_key}}}}}, "
        f"http: {{tls: {{cert_file: {none}.pem, key_file: {none}.key}}, "
        f"auth: {{bearer_token_file: {none}.token}}}}"
        "}}}\n"
        "exporters:\n"
        f"  otlp: {{endpoint: 'tempo:4317', tls: {{ca_file: {none}.ca}}, "
        f"auth: {{bearer_token_file: {token}}}}}\n"
        f"  otlphttp: {{endpoint: 'https://tempo:4318', "
        f"tls: {{cert_file: {one}, key_file: {other_key}}}}}\n"
    )
    prices = tmp_path / "prices.yaml"
    prices.write_text("models: [{provider: acme, model: m, prices: [{input: x}]}]\n")
    flags = ["--config", str(config), "--pricing", str(prices), "--data-dir", str(tmp_path)]
    assert main(["check-config", *flags]) == 2
    shown = " ".join(capsys.readouterr().err.split())
    for each in (
        f"receivers.otlp.protocols.grpc.tls: {one}, {other_key} cannot be used",
        f"receivers.otlp.protocols.http.tls: {none}.pem cannot be read",
        f"receivers.otlp.protocols.http.tls: {none}.key cannot be read",
        f"{none}.token: cannot be read",
        f"exporters.otlp.tls: {none}.ca cannot be read",
        f"{token}: holds no bearer token",
        f"exporters.otlphttp.tls: {one}, {other_key} cannot be used",
        f"{prices}:1: ",
    ):
        assert shown.count(each) == 1, each
    tls = f"{{cert_file: {one}, key_file: {key}}}"
    config.write_text(f"exporters: {{otlp: {{endpoint: 'tempo:4317', tls: {tls}}}}}")
    assert main(["check-config", "--config", str(config)]) == 0
