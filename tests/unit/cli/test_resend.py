"""``llm-cost resend``: what is sent, what stays, and which backend it is for."""

import json

import pytest
from e2e.processes import Backend

from processor.cli import main

NAME = "20261130T000705.123456Z-{}.{}.binpb"


@pytest.fixture
def backend():
    backend = Backend().start()
    yield backend
    backend.stop()


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "spool" / "otlp" / "refused"
    place.mkdir(parents=True)
    return place


def put(folder, number, payload=b"\x0a\x00", signal="traces", headers=()):
    path = folder / NAME.format(number, signal)
    path.write_bytes(payload)
    path.with_suffix(".json").write_text(json.dumps({"refused": "no", "headers": headers}))
    return path


def resend(tmp_path, backend, *places):
    forward = ["--forward-to", f"127.0.0.1:{backend.port}"]
    return main(["resend", *map(str, places), "--data-dir", str(tmp_path), *forward])


def test_what_is_taken_is_removed(tmp_path, folder, backend, capsys):
    """Guarantees: each goes to its signal, oldest first, byte for byte."""
    put(folder, 1)
    put(folder, 2, b"\x0a\x02\x12\x00", "logs")
    assert resend(tmp_path, backend, folder) == 0
    assert backend.requests() == [b"\x0a\x00"]
    assert backend.requests("l") == [b"\x0a\x02\x12\x00"]
    assert list(folder.iterdir()) == []
    assert "2 of 2 requests were sent" in capsys.readouterr().out


def test_what_is_refused_again_stays(tmp_path, folder, backend, capsys):
    """Guarantees: with the reason, and the others go."""
    bad = put(folder, 1, b"\x0a\x06\x0a\x04\x0a\x02\x1a\x00")
    put(folder, 2)
    backend.behave(poison="\x1a")
    assert resend(tmp_path, backend, folder) == 1
    assert sorted(folder.iterdir()) == [bad, bad.with_suffix(".json")]
    said = capsys.readouterr().out
    assert "is refused again" in said
    assert "1 of 2 requests were sent" in said


def test_headers_go_with_it_where_the_settings_forward_them(tmp_path, folder, backend):
    """Guarantees: a tenant's request stays that tenant's."""
    config = tmp_path / "processor.yaml"
    config.write_text("exporters: {otlp: {forward_headers: [x-tenant]}}")
    put(folder, 1, headers=[["x-tenant", "a"], ["x-other", "b"]])
    flags = ["--forward-to", f"127.0.0.1:{backend.port}", "--config", str(config)]
    assert main(["resend", str(folder), *flags]) == 0
    (record,) = backend.recorder.records
    assert record.metadata["x-tenant"] == "a"
    assert "x-other" not in record.metadata


def test_without_a_backend_or_a_request_the_fix_is_named(tmp_path, folder, capsys):
    one = put(folder, 1)
    assert main(["resend", str(one), "--data-dir", str(tmp_path)]) == 2
    assert "name one with --forward-to" in capsys.readouterr().err
    forward = ["--forward-to", "127.0.0.1:1", "--data-dir", str(tmp_path)]
    assert main(["resend", str(tmp_path / "nothing"), *forward]) == 2
    assert "is not there" in capsys.readouterr().err
    assert main(["resend", str(one.with_suffix(".json")), *forward]) == 2
    assert ".traces.binpb" in capsys.readouterr().err


def test_a_folder_without_requests_is_a_mistake_that_names_the_right_one(tmp_path, folder, capsys):
    """Guarantees: that of the queue is not taken for that of the refused requests."""
    forward = ["--forward-to", "127.0.0.1:1", "--data-dir", str(tmp_path)]
    assert main(["resend", str(folder), *forward]) == 2
    assert f"{folder}: nothing is set aside there\n" in capsys.readouterr().err
    put(folder, 1)
    for place in (folder.parent, tmp_path):
        assert main(["resend", str(place), *forward]) == 2
        said = f"{place}: nothing is set aside there (look in {folder})"
        assert said in capsys.readouterr().err


def test_of_two_backends_it_is_that_of_the_folder(tmp_path, backend, folder, capsys):
    """Guarantees: elsewhere it has to be named."""
    config = tmp_path / "processor.yaml"
    config.write_text(
        f"data_dir: {tmp_path}\nexporters:\n"
        f"  otlp: {{endpoint: '127.0.0.1:{backend.port}'}}\n"
        "  otlphttp: {endpoint: 'http://127.0.0.1:1'}\n"
    )
    put(folder, 1)
    assert main(["resend", str(folder), "--config", str(config)]) == 0
    elsewhere = tmp_path / "copies"
    elsewhere.mkdir()
    put(elsewhere, 2)
    assert main(["resend", str(elsewhere), "--config", str(config)]) == 2
    assert "choose one with --exporter" in capsys.readouterr().err
    flags = ["--config", str(config), "--exporter", "otlp"]
    assert main(["resend", str(elsewhere), *flags]) == 0
    assert len(backend.requests()) == 2
