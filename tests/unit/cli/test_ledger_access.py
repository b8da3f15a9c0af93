"""A command asks the ledger's file, or the processor that has it open."""

import socket
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest

from processor.cli import main
from processor.cli.calling import Remote
from processor.cli.connection import listening_at
from processor.config import load_settings
from processor.core.model import Forgetting
from processor.io.ledger import SqliteStore

COMMAND = ["forget", "--user", "u", "--dry-run"]
FORGOTTEN = Forgetting("forgotten-1", 0, ())


@pytest.fixture
def stopped(tmp_path):
    """Settings of a processor that does not run."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    config = tmp_path / "processor.yaml"
    grpc = f"{{endpoint: '{address}'}}"
    config.write_text(f"receivers: {{otlp: {{protocols: {{grpc: {grpc}}}}}}}\n")
    return ["--config", str(config), "--data-dir", str(tmp_path / "data")], address


def test_a_ledger_that_no_processor_has_open_is_read(stopped, tmp_path, capsys):
    flags, _ = stopped
    SqliteStore(tmp_path / "data" / "ledger.db").close()
    source = f"read from the ledger at {tmp_path / 'data' / 'ledger.db'}, which no processor has"
    assert main(["reprice", "--since", "7d", *flags]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(source)
    assert lines[-1].startswith("nothing changes")


def test_an_open_ledger_whose_processor_is_silent_cannot_be_changed(stopped, tmp_path, capsys):
    flags, address = stopped
    store = SqliteStore(tmp_path / "data" / "ledger.db")
    assert main(["reprice", "--since", "7d", *flags]) == 1
    store.close()
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.count("\n") == 1
    assert (
        f"a running processor has the ledger at {tmp_path / 'data' / 'ledger.db'} open" in shown.err
    )
    assert (
        f"no processor answers at {address} (name the processor's address with --grpc-endpoint, or "
        "its settings with --config)" in shown.err
    )


def test_no_ledger_is_made_where_there_is_none(stopped, tmp_path, capsys):
    flags, _ = stopped
    assert main([*COMMAND, *flags]) == 1
    assert "there is no ledger at " in capsys.readouterr().err
    assert not (tmp_path / "data").exists()


def test_an_endpoint_is_asked_even_where_there_is_a_ledger(stopped, tmp_path, capsys, monkeypatch):
    flags, _ = stopped
    SqliteStore(tmp_path / "data" / "ledger.db").close()

    async def forget(self, _user, **_given):
        assert self._there.address == "there:4317"
        return FORGOTTEN

    monkeypatch.setattr(Remote, "forget", forget)
    assert main([*COMMAND, "--grpc-endpoint", "there:4317", *flags]) == 0
    shown = capsys.readouterr()
    assert shown.out.startswith("answered by the processor at there:4317\n\n")
    assert shown.err == ""


@pytest.fixture
def answering(stopped, monkeypatch):
    """Settings of a processor that answers, and of a ledger that it does not have open."""
    flags, address = stopped

    async def forget(self, _user, **_given):
        assert self._there.address == address
        return FORGOTTEN

    monkeypatch.setattr(Remote, "forget", forget)
    return flags, address


def test_a_processor_that_answers_comes_before_a_ledger_that_lies_around(
    answering, tmp_path, capsys, monkeypatch
):
    """Guarantees: whoever looks at a running processor is not shown another, older ledger."""
    (config, file, *_), address = answering
    monkeypatch.chdir(tmp_path)
    SqliteStore(tmp_path / "llm-cost-data" / "ledger.db").close()
    assert main([*COMMAND, config, file, "--pricing", "/dev/null"]) == 0
    shown = capsys.readouterr()
    assert shown.out.startswith(f"answered by the processor at {address}\n")
    another, prices = shown.err.splitlines()
    assert "llm-cost-data/ledger.db, which no processor has open, is another one" in another
    assert "--pricing has no effect here" in prices
    store = SqliteStore(tmp_path / "llm-cost-data" / "ledger.db")
    assert main([*COMMAND, config, file]) == 0
    assert capsys.readouterr().err == "", "the ledger that a processor has open is its own"
    store.close()


def test_a_ledger_that_is_named_is_read_beside_a_processor_that_answers(
    answering, tmp_path, capsys
):
    flags, address = answering
    assert main([*COMMAND, *flags]) == 1
    assert "there is no ledger at" in capsys.readouterr().err, (
        "another one is not asked in its place"
    )
    store = SqliteStore(tmp_path / "data" / "ledger.db")
    assert main([*COMMAND, *flags]) == 0
    shown = capsys.readouterr()
    assert shown.out.startswith(f"answered by the processor at {address}\n")
    assert "is open; asked was the processor where the settings say" in shown.err
    store.close()
    assert main([*COMMAND, *flags]) == 0
    assert capsys.readouterr().out.startswith("read from the ledger at ")


def test_another_program_at_the_address_is_no_processor(tmp_path, capsys):
    """Guarantees: a Collector at the usual port does not hide the ledger."""
    server = grpc.server(ThreadPoolExecutor(1))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    config = tmp_path / "processor.yaml"
    there = f"{{protocols: {{grpc: {{endpoint: '127.0.0.1:{port}'}}}}}}"
    config.write_text(f"receivers: {{otlp: {there}}}\ndata_dir: {tmp_path / 'data'}\n")
    SqliteStore(tmp_path / "data" / "ledger.db").close()
    try:
        assert main([*COMMAND, "--config", str(config)]) == 0
    finally:
        server.stop(None).wait()
    assert capsys.readouterr().out.startswith("read from the ledger at ")


@pytest.mark.parametrize(
    ("listen", "reached"),
    [
        ("127.0.0.1:4317", "127.0.0.1:4317"),
        ("0.0.0.0:4317", "127.0.0.1:4317"),
        (":4317", "127.0.0.1:4317"),
        ("[::]:4317", "127.0.0.1:4317"),
        ("[::1]:4317", "[::1]:4317"),
        ("localhost:1", "localhost:1"),
    ],
)
def test_a_processor_that_listens_on_all_interfaces_is_asked_over_loopback(listen, reached):
    settings = load_settings(None, {"receivers.otlp.protocols.grpc.endpoint": listen}, {})
    assert listening_at(settings.receivers.otlp.protocols.grpc) == reached
