import socket

from processor.cli import main
from processor.cli import serve as command


def test_flags_become_settings_and_announcements_are_printed(monkeypatch, capsys, tmp_path):
    seen = []

    async def serve(settings, announce):
        seen.append(settings)
        announce("listens on   \x1b]0;evil\x07127.0.0.1:1")

    monkeypatch.setattr(command, "serve", serve)
    flags = ["--listen", "127.0.0.1:5", "--forward-to", "b:6", "--data-dir", str(tmp_path)]
    assert main(["serve", *flags]) == 0
    [settings] = seen
    assert settings.receivers.otlp.protocols.grpc.endpoint == "127.0.0.1:5"
    assert settings.exporters.otlp.endpoint == "b:6"
    assert settings.data_dir == str(tmp_path)
    assert capsys.readouterr().out == "listens on   \\x1b]0;evil\\x07127.0.0.1:1\n"


def test_a_port_in_use_is_one_line_and_no_traceback(capsys, tmp_path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        address = f"127.0.0.1:{other.getsockname()[1]}"
        assert main(["serve", "--listen", address, "--data-dir", str(tmp_path)]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert len(shown.err.splitlines()) == 1
    assert address in shown.err
    assert "in use" in shown.err


def test_a_data_folder_that_cannot_be_made_is_one_line(capsys, tmp_path):
    file = tmp_path / "file"
    file.write_text("not a folder")
    flags = ["--listen", "127.0.0.1:0", "--data-dir", str(file / "inside")]
    assert main(["serve", *flags]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
