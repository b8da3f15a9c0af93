"""A processor that asks for a token, or speaks TLS only, is reached with standard variables."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from senders.runs import Line, Run, line
from senders.table import BY_PROTOCOL, SPANS, Sender

pytestmark = [pytest.mark.clients, pytest.mark.timeout(2700)]

TOKEN = "correct-horse-battery-staple"
GUARDED = f"""
receivers:
  otlp:
    protocols:
      grpc: {{auth: {{bearer_tokens: [{TOKEN}]}}}}
      http: {{auth: {{bearer_tokens: [{TOKEN}]}}}}
"""
SECURE = """
receivers:
  otlp:
    protocols:
      grpc: {tls: {cert_file: FOLDER/server.pem, key_file: FOLDER/server.key}}
      http: {tls: {cert_file: FOLDER/server.pem, key_file: FOLDER/server.key}}
"""
SPEAK_TLS = [sender for sender in BY_PROTOCOL if sender.language != "rust"]
"""The Rust exporters speak TLS only with features that their users have to choose."""

AUTHORITY = """
req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=authority -keyout ca.key -out ca.pem
req -newkey rsa:2048 -nodes -subj /CN=server -keyout server.key -out server.csr
x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile names
 -out server.pem
"""


@pytest.fixture(scope="module")
def guarded_line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Line]:
    """A line that accepts who shows a token."""
    with line(tmp_path_factory.mktemp("guarded"), GUARDED) as running:
        yield running


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an authority of our own, and a certificate that it gave to 127.0.0.1."""
    folder = tmp_path_factory.mktemp("authority")
    (folder / "names").write_text("subjectAltName=IP:127.0.0.1")
    for arguments in AUTHORITY.replace("\n ", " ").strip().splitlines():
        command = ["openssl", *arguments.split()]
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def secure_line(tmp_path_factory: pytest.TempPathFactory, authority: Path) -> Iterator[Line]:
    """A line that speaks TLS, with a certificate of an authority that nobody knows."""
    settings = SECURE.replace("FOLDER", str(authority))
    with line(tmp_path_factory.mktemp("secure"), settings) as running:
        running.scheme = "https"
        yield running


@pytest.mark.parametrize("sender", BY_PROTOCOL, ids=str)
def test_a_sender_with_the_token_in_its_headers_is_accepted(
    guarded_line: Line, send_or_skip: Callable[..., Run], sender: Sender
) -> None:
    """Guarantees: OTEL_EXPORTER_OTLP_HEADERS is all that a sender needs."""
    headers = f"authorization=Bearer%20{TOKEN}"
    run = send_or_skip(guarded_line, sender, OTEL_EXPORTER_OTLP_HEADERS=headers)
    assert (run.exit_code, run.errors) == (0, "")
    assert run.found.keys() == SPANS.keys()


@pytest.mark.parametrize("sender", BY_PROTOCOL, ids=str)
def test_without_the_token_the_sender_says_that_it_is_refused(
    guarded_line: Line, send_or_skip: Callable[..., Run], sender: Sender
) -> None:
    """Guarantees: the program fails, in words that lead to the reason, and nothing is taken."""
    run = send_or_skip(guarded_line, sender)
    assert run.exit_code
    assert any(word in run.errors for word in ("bearer token", "Unauthenticated", "401"))
    assert not run.arrivals


@pytest.mark.parametrize("sender", SPEAK_TLS, ids=str)
def test_an_authority_of_our_own_is_trusted(
    secure_line: Line, authority: Path, send_or_skip: Callable[..., Run], sender: Sender
) -> None:
    """Guarantees: OTEL_EXPORTER_OTLP_CERTIFICATE and https:// are all it takes."""
    certificate = str(authority / "ca.pem")
    run = send_or_skip(secure_line, sender, OTEL_EXPORTER_OTLP_CERTIFICATE=certificate)
    assert run.exit_code == 0, run.errors
    assert run.found.keys() == SPANS.keys()
