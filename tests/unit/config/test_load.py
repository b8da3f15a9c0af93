"""Settings come from flags, file, environment and defaults, in that order, or not at all."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from processor.config import Settings, bundled, load_settings, read_text
from processor.core.errors import ConfigError


@pytest.fixture
def written(tmp_path: Path):
    """Writes a settings file and returns its path."""

    def write(text: str) -> Path:
        path = tmp_path / "p.yaml"
        path.write_text(text, "utf-8")
        return path

    return write


def problems_of(path, overrides=None, environ=None) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load_settings(path, overrides or {}, environ or {})
    return [str(problem).replace(f"{path}:", "p.yaml:") for problem in caught.value.problems]


def test_everything_has_a_default():
    settings = load_settings(None, {}, {})
    grpc = settings.receivers.otlp.protocols.grpc
    assert (grpc.endpoint, grpc.max_recv_msg_size_mib) == ("127.0.0.1:4317", 64)
    assert settings.data_dir == "./llm-cost-data"
    assert settings.ledger.path == "llm-cost-data/ledger.db"
    assert settings.exporters.otlp.endpoint == ""
    assert settings.exporters.otlp.tls.insecure is None
    assert settings.limits.traces_in_memory == 50_000
    assert settings.reload.interval_s == 2.0
    assert settings.warnings == ()


def test_without_a_backend_everything_is_written_to_files():
    settings = load_settings(None, {"data_dir": "/data"}, {})
    assert settings.exporters.file.path == "/data/spans"
    assert settings.ledger.path == "/data/ledger.db"


def test_with_a_backend_files_are_written_only_where_asked_for():
    backend = {"exporters.otlp.endpoint": "tempo:4317"}
    assert load_settings(None, backend, {}).exporters.file.path == ""
    both = {**backend, "exporters.file.path": "/spans"}
    assert load_settings(None, both, {}).exporters.file.path == "/spans"


def test_ledger_may_be_kept_elsewhere_than_the_rest():
    flags = {"data_dir": "/data", "ledger.path": "/ledger/ledger.db"}
    assert load_settings(None, flags, {}).ledger.path == "/ledger/ledger.db"


def test_empty_file_changes_nothing(written):
    assert load_settings(written("# nothing\n"), {}, {}) == load_settings(None, {}, {})


def test_file_sets_what_it_names(written):
    path = written("""
receivers:
  otlp:
    protocols:
      grpc: {endpoint: "0.0.0.0:4317", tls: {cert_file: a.pem, key_file: b.pem}}
exporters:
  otlp:
    endpoint: https://tempo:4317
    headers: {authorization: Bearer x}
    timeout: 1m30s
    retry_on_failure: {initial_interval: 1s, max_interval: 2s}
privacy: {hash_user_ids: true, salt: 0123456789abcdef}
forward: {logs: false}
log: {level: DEBUG}
limits:
""")
    settings = load_settings(path, {}, {})
    assert settings.receivers.otlp.protocols.grpc.tls.cert_file == "a.pem"
    otlp = settings.exporters.otlp
    assert otlp.endpoint == "https://tempo:4317"
    assert otlp.headers == (("authorization", "Bearer x"),)
    assert otlp.timeout_s == 90.0
    assert otlp.retry_on_failure.initial_interval_s == 1.0
    assert settings.privacy.hash_user_ids is True
    assert (settings.forward.traces, settings.forward.logs) == (True, False)
    assert settings.log.level == "debug"


def test_flag_wins_over_file_over_environment_over_default(written):
    path = written("exporters: {otlp: {endpoint: file:1, timeout: 2s}}")
    environ = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://environment:1",
        "OTEL_EXPORTER_OTLP_TIMEOUT": "3000",
        "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip",
    }
    flags = {"exporters.otlp.endpoint": "flag:1"}
    otlp = load_settings(path, flags, environ).exporters.otlp
    assert (otlp.endpoint, otlp.timeout_s, otlp.compression) == ("flag:1", 2.0, "gzip")
    assert otlp.max_in_flight_mib == 0


def test_flag_that_was_not_given_says_nothing(written):
    path = written("log: {level: error}")
    assert load_settings(path, {"log.level": None}, {}).log.level == "error"


def test_flags_may_be_text_for_numbers_and_switches():
    flags = {"limits.waiting_spans": "7", "forward.metrics": "false", "reload.interval": "1s"}
    settings = load_settings(None, flags, {})
    assert settings.limits.waiting_spans == 7
    assert settings.forward.metrics is False
    assert settings.reload.interval_s == 1.0


def test_standard_variables_set_the_exporter():
    environ = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": "https://backend:4317",
        "OTEL_EXPORTER_OTLP_HEADERS": "x-tenant=a%20b, authorization=Bearer t==,",
        "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip",
        "OTEL_EXPORTER_OTLP_TIMEOUT": "2500",
        "OTEL_EXPORTER_OTLP_CERTIFICATE": "/ca.pem",
        "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE": "/me.pem",
        "OTEL_EXPORTER_OTLP_CLIENT_KEY": "/key.pem",
        "OTEL_EXPORTER_OTLP_INSECURE": "True",
    }
    otlp = load_settings(None, {}, environ).exporters.otlp
    assert otlp.endpoint == "https://backend:4317"
    assert otlp.headers == (("x-tenant", "a b"), ("authorization", "Bearer t=="))
    assert (otlp.compression, otlp.timeout_s) == ("gzip", 2.5)
    assert (otlp.tls.ca_file, otlp.tls.cert_file, otlp.tls.key_file) == (
        "/ca.pem",
        "/me.pem",
        "/key.pem",
    )
    assert otlp.tls.insecure is True


def test_variable_for_traces_wins_and_an_empty_one_counts_as_unset():
    environ = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://all:4317",
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://traces:4317",
        "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT": " ",
        "OTEL_EXPORTER_OTLP_TIMEOUT": "9000",
    }
    otlp = load_settings(None, {}, environ).exporters.otlp
    assert (otlp.endpoint, otlp.timeout_s) == ("http://traces:4317", 9.0)


def test_empty_endpoint_in_the_file_switches_the_environment_off(written):
    path = written('exporters: {otlp: {endpoint: ""}}')
    environ = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://all:4317"}
    exporters = load_settings(path, {}, environ).exporters
    assert exporters.otlp.endpoint == ""
    assert exporters.file.path == "llm-cost-data/spans"


def test_protocol_http_makes_the_standard_variables_set_the_http_exporter():
    environ = {
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://b:4318",
        "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": "http://logs/in",
        "OTEL_EXPORTER_OTLP_HEADERS": "x-tenant=a",
        "OTEL_EXPORTER_OTLP_CERTIFICATE": "/ca.pem",
    }
    settings = load_settings(None, {}, environ)
    http = settings.exporters.otlphttp
    assert (http.endpoint, http.traces_endpoint, http.logs_endpoint) == (
        "http://b:4318",
        "",
        "http://logs/in",
    )
    assert (http.headers, http.tls.ca_file) == ((("x-tenant", "a"),), "/ca.pem")
    assert settings.exporters.otlp.endpoint == ""
    assert settings.exporters.otlp.headers == ()
    assert settings.exporters.file.path == ""
    assert settings.warnings == ()


def test_protocol_for_traces_wins():
    environ = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://b:4317",
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "grpc",
    }
    assert load_settings(None, {}, environ).exporters.otlp.endpoint == "http://b:4317"


@pytest.mark.parametrize(("protocol", "says"), [("http/json", "protobuf"), ("smoke", "no effect")])
def test_protocol_we_do_not_speak_is_a_warning(protocol, says):
    environ = {"OTEL_EXPORTER_OTLP_PROTOCOL": protocol}
    assert load_settings(None, {}, environ).warnings == (), "there is no backend"
    environ["OTEL_EXPORTER_OTLP_ENDPOINT"] = "http://b:4317"
    (warning,) = load_settings(None, {}, environ).warnings
    assert says in warning


@pytest.mark.parametrize(
    ("address", "environ", "is_http"),
    [
        ("tempo:4317", {}, False),
        ("http://tempo:4318", {}, False),
        ("http://tempo:4318/", {}, False),
        ("http://tempo:4318/v1/traces", {}, True),
        ("https://cloud.example.com/api/public/otel", {}, True),
        ("http://tempo:4318", {"OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}, True),
        ("http://tempo:4318", {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, False),
        ("tempo:4317", {"OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}, False),
    ],
)
def test_forward_to_is_grpc_unless_it_is_a_url_whose_path_or_protocol_says_http(
    address, environ, is_http
):
    exporters = load_settings(None, {"exporters.otlp.endpoint": address}, environ).exporters
    assert (exporters.otlp.endpoint, exporters.otlphttp.endpoint) == (
        ("", address) if is_http else (address, "")
    )


def test_the_strongest_place_that_names_a_backend_decides_which_there_are(written):
    """A backend in the environment must not silently get everything besides the one meant."""
    path = written("exporters: {otlphttp: {endpoint: http://file:4318}, file: {path: /spans}}")
    environ = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://environment:4317"}
    exporters = load_settings(path, {}, environ).exporters
    assert exporters.ways() == ["OTLP/HTTP at http://file:4318", "files in /spans"]
    flags = {"exporters.otlp.endpoint": "flag:4317"}
    exporters = load_settings(path, flags, environ).exporters
    assert exporters.ways() == ["OTLP/gRPC at flag:4317 over TLS", "files in /spans"]


def test_several_exporters_at_once(written):
    path = written("""
exporters:
  otlp: {endpoint: "tempo:4317", merge: {enabled: false}}
  otlphttp:
    traces_endpoint: https://langfuse/api/public/otel/v1/traces
    headers: {authorization: Basic x}
    compression: gzip
    merge: {max_bytes: 1048576, max_delay: 20ms}
  file: {path: /spans}
  debug: {verbosity: detailed}
""")
    exporters = load_settings(path, {}, {}).exporters
    assert not exporters.otlp.merge.enabled
    assert exporters.otlphttp.merge.max_delay_s == 0.02
    assert exporters.ways() == [
        "OTLP/gRPC at tempo:4317 over TLS",
        "OTLP/HTTP at https://langfuse/api/public/otel/v1/traces",
        "files in /spans",
        "the log",
    ]


def test_the_log_alone_is_no_backend():
    exporters = load_settings(None, {"exporters.debug.verbosity": "basic"}, {}).exporters
    assert exporters.ways() == ["files in llm-cost-data/spans", "the log"]


def test_headers_that_are_passed_on_are_named_one_by_one(written):
    """Guarantees: any case, no repeats, and nothing that belongs to a single connection."""
    path = written("exporters: {otlp: {forward_headers: [X-Scope-OrgID, x-scope-orgid, b]}}")
    assert load_settings(path, {}, {}).exporters.otlp.forward_headers == ("b", "x-scope-orgid")
    for name in ("host", "Content-Type", "grpc-timeout", "trace-bin", "a b", "*", '""'):
        (problem,) = problems_of(written(f"exporters: {{otlp: {{forward_headers: ['{name}']}}}}"))
        assert "exporters.otlp.forward_headers: has" in problem


def test_a_backend_can_be_waited_for_without_end(written):
    path = written("exporters: {otlp: {retry_on_failure: {max_elapsed_time: 0s}}}")
    assert load_settings(path, {}, {}).exporters.otlp.retry_on_failure.max_elapsed_time_s == 0


def test_references_to_the_environment_may_stand_for_anything(written):
    path = written("""
exporters:
  otlp:
    endpoint: ${env:HOST}:4317
    headers: {authorization: "Bearer ${env:TOKEN}"}
    max_in_flight_mib: ${env:SIZE:-64}
forward: {metrics: "${env:METRICS}"}
reload: {interval: "${env:EVERY:-20s}"}
""")
    environ = {"HOST": "tempo", "TOKEN": "hunter2", "METRICS": "false"}
    settings = load_settings(path, {}, environ)
    assert settings.exporters.otlp.endpoint == "tempo:4317"
    assert settings.exporters.otlp.headers == (("authorization", "Bearer hunter2"),)
    assert settings.exporters.otlp.max_in_flight_mib == 64
    assert settings.forward.metrics is False
    assert settings.reload.interval_s == 20.0


def test_secrets_do_not_appear_when_settings_are_printed(written):
    path = written("""
exporters: {otlp: {headers: {authorization: hunter2}}}
privacy: {salt: hunter2-hunter2-hunter2}
""")
    assert "hunter2" not in repr(load_settings(path, {}, {}))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "exporters:\n  otlp:\n    endpiont: x:1\n",
            "p.yaml:3: exporters.otlp.endpiont: unknown key (did you mean endpoint?)",
        ),
        ("exportres: {}\n", "p.yaml:1: exportres: unknown key (did you mean exporters?)"),
        ("exporters: [otlp]\n", "p.yaml:1: exporters: must be a map, got a list"),
        ("- x\n", "p.yaml:1: the file: must be a map, got a list"),
        (
            "exporters: {otlp: {timeout: 5}}\n",
            (
                "p.yaml:1: exporters.otlp.timeout: must be a duration with a unit, got 5 "
                "(write 300ms, 5s, 1m30s or 2h)"
            ),
        ),
        (
            "exporters: {otlp: {compression: zstd}}\n",
            (
                "p.yaml:1: exporters.otlp.compression: unknown compression 'zstd' "
                "(valid: none, gzip)"
            ),
        ),
        (
            "receivers: {otlp: {protocols: {grpc: {max_recv_msg_size_mib: 0}}}}\n",
            (
                "p.yaml:1: receivers.otlp.protocols.grpc.max_recv_msg_size_mib: "
                "must be at least 1, got 0"
            ),
        ),
        (
            "receivers: {otlp: {protocols: {grpc: {tls: {cert_file: a}}}}}\n",
            (
                "p.yaml:1: receivers.otlp.protocols.grpc.tls.cert_file: needs key_file as well "
                "(set key_file)"
            ),
        ),
        (
            "receivers: {otlp: {protocols: {grpc: {tls: {client_ca_file: a}}}}}\n",
            (
                "p.yaml:1: receivers.otlp.protocols.grpc.tls.client_ca_file: has no effect "
                "without TLS (set cert_file and key_file)"
            ),
        ),
        (
            "exporters: {otlp: {tls: {key_file: a}}}\n",
            "p.yaml:1: exporters.otlp.tls.key_file: needs cert_file as well (set cert_file)",
        ),
        (
            "exporters: {otlp: {retry_on_failure: {max_interval: 100ms}}}\n",
            (
                "exporters.otlp.retry_on_failure.initial_interval: is longer than max_interval "
                "(raise max_interval)"
            ),
        ),
        (
            "privacy:\n  hash_user_ids: true\n",
            (
                "p.yaml:2: privacy.hash_user_ids: needs a salt "
                "(set privacy.salt, for example ${env:LLM_COST_SALT})"
            ),
        ),
        (
            "privacy: {salt: hunter2}\n",
            "p.yaml:1: privacy.salt: must have at least 16 characters, has 7",
        ),
        ("privacy: {salt: 1234567}\n", "p.yaml:1: privacy.salt: must be text (put it in quotes)"),
        (
            "exporters: {otlp: {headers: {x: 5}}}\n",
            "p.yaml:1: exporters.otlp.headers: the value of x must be text (put it in quotes)",
        ),
        (
            "emit: [langfuze]\n",
            (
                "p.yaml:1: emit: unknown reader 'langfuze' (did you mean langfuse? valid: "
                "agentops, langfuse, logfire, mlflow, openinference, openlit, sentry)"
            ),
        ),
        ("emit: langfuse\n", "p.yaml:1: emit: must be a list, got 'langfuse' (write [agentops])"),
        (
            "dimensions: [team]\n",
            (
                "p.yaml:1: dimensions: must be a map of names to attributes, got a list "
                "(write {team: [team, team.id]})"
            ),
        ),
        (
            "dimensions:\n  user: [who]\n",
            (
                "p.yaml:1: dimensions: has 'user', which cannot be the name of a dimension of "
                "your own (use lower-case letters, digits and _, and no name of a budget's scope)"
            ),
        ),
        ("dimensions: {Team: [team]}\n", "p.yaml:1: dimensions: has 'Team', which cannot be"),
        ("dimensions: {status: [s]}\n", "p.yaml:1: dimensions: has 'status', which cannot be"),
        (
            "dimensions: {team: []}\n",
            "p.yaml:1: dimensions: team must have 1 to 20 attributes, has 0",
        ),
        (
            "dimensions: {team: [7]}\n",
            (
                "p.yaml:1: dimensions: the attributes of team must be names: must be text, got 7 "
                "(put it in quotes)"
            ),
        ),
        (
            "dimensions: {" + ", ".join(f"d{at}: [x]" for at in range(17)) + "}\n",
            "p.yaml:1: dimensions: must be at most 16, has 17",
        ),
        ("log:\n  level: ${env:LEVEL}\n", "p.yaml:2: log.level: the environment variable LEVEL"),
    ],
)
def test_mistake_is_named_with_its_line_and_fix(written, text, message):
    (problem,) = problems_of(written(text))
    assert problem.startswith(message)


def test_dimensions_of_your_own_are_names_with_attributes(written):
    settings = load_settings(
        written("dimensions:\n  team: [team, team.id, team]\n  plan: plan\n"), {}, {}
    )
    assert settings.dimensions == (("team", ("team", "team.id")), ("plan", ("plan",)))
    assert settings.dimension_names == ("team", "plan")


@pytest.mark.parametrize(
    ("text", "fix"),
    [
        (
            "forward_headers: [x-scope-orgid]\n",
            "it belongs under exporters.otlp or under exporters.otlphttp",
        ),
        (
            "exporters:\n  sending_queue: {enabled: true}\n",
            "it belongs under exporters.otlp or under exporters.otlphttp",
        ),
        ("exporters: {emit: [langfuse]}\n", "it belongs at the left margin"),
    ],
)
def test_a_key_in_the_wrong_place_is_refused_with_the_right_place(written, text, fix):
    (problem,) = problems_of(written(text))
    assert problem.endswith(f"unknown key ({fix})")


@pytest.mark.parametrize(
    ("text", "place", "fix"),
    [
        ("processors: {batch: {}}\n", "1: processors", "see pricing and budgets"),
        ("processors:\n", "1: processors", "see pricing and budgets"),
        ("service:\n  pipelines: {traces: {}}\n", "1: service", "there are no pipelines"),
        ("extensions: {health_check: {}}\n", "1: extensions", "telemetry.metrics.endpoint"),
        ("connectors: {count: {}}\n", "1: connectors", "there is nothing to connect"),
        ("exporters:\n  otlp/tempo: {endpoint: a}\n", "2: exporters.otlp/tempo", "write otlp"),
        ("exporters:\n  debug/2:\n", "2: exporters.debug/2", "write debug"),
        ("exporters: {otlphttp/x: {}}\n", "1: exporters.otlphttp/x", "write otlphttp"),
        ("receivers: {otlp/2: {}}\n", "1: receivers.otlp/2", "write otlp"),
    ],
)
def test_a_section_of_a_collectors_file_is_refused_with_what_to_write_instead(
    written, text, place, fix
):
    """Guarantees: whoever starts from a Collector's file learns that this one is another."""
    (problem,) = problems_of(written(text))
    assert problem.startswith(f"p.yaml:{place}: unknown key (this is not a Collector's file")
    assert fix in problem


def test_sections_of_a_collectors_file_are_all_reported_at_once(written):
    text = "receivers: {otlp: {}}\nprocessors: {batch: {}}\nservice: {}\n"
    assert [problem.split(":")[1] for problem in problems_of(written(text))] == ["2", "3"]


def test_a_key_that_is_set_twice_to_the_same_is_a_warning(written):
    path = written("log: {level: error}\ndata_dir: a\nlog: {level: error}\n")
    settings = load_settings(path, {}, {})
    assert settings.log.level == "error"
    assert settings.warnings == (
        f"{path}:3: log: is set twice to the same value, first in line 1 (remove one of them)",
    )


def test_an_unknown_key_is_refused_even_where_nothing_follows_it(written):
    """Guarantees: a misspelt key is found whatever its value."""
    (problem,) = problems_of(written("exporters:\n  otpl:\n"))
    assert problem == "p.yaml:2: exporters.otpl: unknown key (did you mean otlp?)"


def test_all_mistakes_of_file_flags_and_environment_are_reported_at_once(written):
    path = written("colour: red\nlog: {level: loud}\n")
    flags = {"log.levle": "info", "limits.waiting_spans": "many"}
    assert problems_of(path, flags, {"OTEL_EXPORTER_OTLP_TIMEOUT": "soon"}) == [
        "command line: log.levle: unknown setting (did you mean log.level?)",
        (
            "p.yaml:1: colour: unknown key (known keys: data_dir, shutdown_timeout, emit, "
            "dimensions, receivers, exporters, pricing, budgets, notifications, ledger, privacy, "
            "memory_limiter, limits, reload, log, forward, logs, telemetry, api, exports, "
            "insight)"
        ),
        "p.yaml:2: log.level: unknown level 'loud' (valid: debug, info, warning, error)",
        (
            "OTEL_EXPORTER_OTLP_TIMEOUT: must be a duration with a unit, got the value from the "
            "environment (write 300ms, 5s, 1m30s or 2h)"
        ),
        "command line: limits.waiting_spans: must be a number, got 'many'",
    ]


def test_unknown_flag_like_no_other_points_to_the_list():
    assert problems_of(None, {"zzz": 1}) == [
        "command line: zzz: unknown setting (config/processor.yaml lists all settings)"
    ]


@pytest.mark.parametrize(
    "setting",
    [
        "log: {level: '${env:SECRET}'}",
        "reload: {interval: '${env:SECRET}'}",
        "limits: {waiting_spans: '${env:SECRET}'}",
        "forward: {traces: '${env:SECRET}'}",
        "exporters: {otlp: {headers: '${env:SECRET}'}}",
        "privacy: {salt: '${env:SECRET}'}",
        "receivers: '${env:SECRET}'",
    ],
)
def test_value_from_the_environment_is_never_shown(written, setting):
    (problem,) = problems_of(written(setting), {}, {"SECRET": "hunter2"})
    assert "hunter2" not in problem


def test_file_that_cannot_be_read_is_a_problem_and_not_a_crash(tmp_path):
    missing = tmp_path / "none.yaml"
    assert problems_of(missing) == ["p.yaml: cannot be read: No such file or directory"]
    latin = tmp_path / "latin.yaml"
    latin.write_bytes(b"# caf\xe9\n")
    assert problems_of(latin) == ["p.yaml: is not UTF-8 text: byte 5 (save it as UTF-8)"]
    huge = tmp_path / "huge.yaml"
    huge.write_bytes(b"#" * (8 * 1024 * 1024 + 1))
    assert problems_of(huge) == ["p.yaml: is larger than 8 MiB"]


def test_byte_order_mark_of_an_editor_is_ignored(tmp_path):
    path = tmp_path / "bom.yaml"
    path.write_bytes(b"\xef\xbb\xbflog: {level: error}\n")
    assert read_text(path) == "log: {level: error}\n"


def test_bundled_budgets_can_be_read():
    assert "per-session" in bundled("budgets.yaml")


def test_settings_cannot_be_changed():
    with pytest.raises(ValidationError, match="frozen"):
        Settings().data_dir = "x"


def test_addresses_are_found_wrong_together_with_everything_else(written):
    """Guarantees: one start tells every mistake of a file, whatever kind it is."""
    path = written(
        "receivers: {otlp: {protocols: {grpc: {endpoint: here}, http: {endpoint: 'a:b:c'}}}}\n"
        "exporters:\n"
        "  otlp: {endpoint: 'ftp://x'}\n"
        "  otlphttp: {endpoint: 'http://x?key=1', traces_endpoint: 'https://'}\n"
        "telemetry: {metrics: {endpoint: nope}}\n"
        "log: {level: loud}\n"
    )
    with pytest.raises(ConfigError) as caught:
        load_settings(path, {}, {})
    assert [(each.where.partition(":")[2], each.what[:22]) for each in caught.value.problems] == [
        ("1: receivers.otlp.protocols.grpc.endpoint", "'here' is not an addre"),
        ("1: receivers.otlp.protocols.http.endpoint", "'a:b:c' is not an addr"),
        ("3: exporters.otlp.endpoint", "ftp://x has the unknow"),
        ("4: exporters.otlphttp.endpoint", "the base endpoint has "),
        ("4: exporters.otlphttp.traces_endpoint", "https:// has no host"),
        ("5: telemetry.metrics.endpoint", "'nope' is not an addre"),
        ("6: log.level", "unknown level 'loud'"),
    ]


def test_an_address_from_the_environment_is_not_shown(written):
    """Guarantees: a URL may hold a key, so no message repeats it."""
    path = written("exporters: {otlp: {endpoint: '${env:TO}'}}\n")
    for text in ("ftp://hunter2", "https://x/#hunter2", "http://hunter2:99999", "http://x:hunter2"):
        with pytest.raises(ConfigError, match="the value from the environment") as caught:
            load_settings(path, {}, {"TO": text})
        assert "hunter2" not in str(caught.value)
