"""Our own certificates, authorities and tokens change while the process runs, over both protocols.

Files are swapped as Kubernetes does it: a folder with new contents, and one symbolic link to it.
"""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import sys
import urllib.error
import urllib.request

import grpc
import pytest
from conformance.certificates import make_self_signed
from conformance.durable import free_port
from e2e.processes import ROOT, Process, wait_until
from e2e.test_telemetry import base_url, get

from processor.core.certificates import first_end_s

TOKENS = ["first-token-of-some-length", "second-token-of-some-length"]


class Secret:
    """A mounted secret: ``..data`` leads to the folder that is in force."""

    def __init__(self, folder):
        self.folder = folder
        self.version = 0
        folder.mkdir()

    def swap(self, **contents):
        self.version += 1
        there = self.folder / f"..{self.version}"
        there.mkdir()
        for name, content in contents.items():
            (there / name).write_bytes(content)
            if not (self.folder / name).is_symlink():
                (self.folder / name).symlink_to(f"..data/{name}")
        (self.folder / "..new").symlink_to(there.name)
        (self.folder / "..new").rename(self.folder / "..data")


TAKEN, UNAUTHENTICATED, NO_CONNECTION = "taken", "unauthenticated", "no connection"


class Sender:
    """Sends one empty request over TLS, and says what has become of it."""

    def __init__(self, protocol, port):
        self.protocol, self.port = protocol, port

    def __call__(self, trusted, own=(), token=""):
        send = self._grpc if self.protocol == "grpc" else self._http
        return send(trusted, own, {"authorization": f"Bearer {token}"} if token else {})

    def _grpc(self, trusted, own, headers):
        content = trusted.read_bytes()
        pair = [file.read_bytes() for file in reversed(own)]
        credentials = grpc.ssl_channel_credentials(content, *pair)
        with grpc.secure_channel(f"localhost:{self.port}", credentials) as channel:
            method = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
            try:
                channel.unary_unary(method)(b"", timeout=5, metadata=tuple(headers.items()))
            except grpc.RpcError as error:
                code = error.code().name
                return {"UNAUTHENTICATED": UNAUTHENTICATED, "UNAVAILABLE": NO_CONNECTION}[code]
        return TAKEN

    def _http(self, trusted, own, headers):
        context = ssl.create_default_context(cafile=trusted)
        if own:
            context.load_cert_chain(*own)
        url = f"https://localhost:{self.port}/v1/traces"
        headers |= {"content-type": "application/x-protobuf"}
        request = urllib.request.Request(url, b"", headers)
        try:
            with urllib.request.urlopen(request, timeout=5, context=context):
                return TAKEN
        except urllib.error.HTTPError as error:
            return {401: UNAUTHENTICATED}[error.code]
        except (ssl.SSLError, ConnectionError):  # It is refused after the client's handshake.
            return NO_CONNECTION
        except urllib.error.URLError as error:
            if not isinstance(error.reason, ssl.SSLError | ConnectionError):
                raise
            return NO_CONNECTION


@pytest.fixture
def pairs(tmp_path):
    return [make_self_signed(tmp_path, name) for name in ("old", "new")]


def contents(server, client, token):
    certificate, key = (file.read_bytes() for file in server)
    return {"crt": certificate, "key": key, "ca": client.read_bytes(), "token": token.encode()}


@pytest.fixture
def secret(tmp_path, pairs):
    found = Secret(tmp_path / "secret")
    found.swap(**contents(pairs[0], pairs[0][0], TOKENS[0]))
    return found


@pytest.fixture(params=["grpc", "http"])
def started(request, serve, backend, tmp_path, secret):
    folder, config = secret.folder, tmp_path / "processor.yaml"
    config.write_text(
        "reload: {interval: 100ms}\n"
        "receivers: {otlp: {protocols: {"
        f"{request.param}: {{"
        f"tls: {{cert_file: {folder}/crt, key_file: {folder}/key, client_ca_file: {folder}/ca}}, "
        f"auth: {{bearer_token_file: {folder}/token}}"
        "}}}}\n"
    )
    process = serve("--forward-to", f"127.0.0.1:{backend.port}", "--config", config)
    line = process.wait_for(f"OTLP/{'gRPC' if request.param == 'grpc' else 'HTTP'} at")
    return process, Sender(request.param, int(line.rpartition(":")[2]))


def health(process):
    return json.loads(get(f"{base_url(process)}/health")[1])


def test_certificates_authority_and_token_are_replaced_without_a_restart(started, secret, pairs):
    """Guarantees: the new ones are used for the next connection, and the old ones no longer."""
    process, send = started
    old, new = pairs
    assert send(old[0], old, TOKENS[0]) == TAKEN
    assert send(old[0], (), TOKENS[0]) == NO_CONNECTION
    assert send(old[0], old, TOKENS[1]) == UNAUTHENTICATED
    secret.swap(**contents(new, new[0], TOKENS[1]))
    wait_until(lambda: send(new[0], new, TOKENS[1]) == TAKEN, 15)
    assert send(old[0], new, TOKENS[1]) == NO_CONNECTION
    assert send(new[0], old, TOKENS[1]) == NO_CONNECTION
    assert send(new[0], new, TOKENS[0]) == UNAUTHENTICATED
    metrics = get(f"{base_url(process)}/metrics")[1]
    name = "llm_cost_processor_receiver_certificate_expiry_timestamp_seconds"
    ends = [float(line.split()[1]) for line in metrics.splitlines() if line.startswith(f"{name}{{")]
    assert ends == [first_end_s(new[0].read_bytes())] * 2
    assert health(process) == {"status": "serving", "reasons": []}


def test_files_that_cannot_be_used_leave_the_last_good_ones_in_force(started, secret, pairs):
    """Guarantees: named in the log and the health; nobody gets in who could not before."""
    process, send = started
    old, new = pairs
    good = contents(old, old[0], TOKENS[0])
    secret.swap(**good | {"key": new[1].read_bytes(), "token": b"\n"})
    process.wait_for("is not used; the last good one stays in force")
    wait_until(lambda: len(health(process)["reasons"]) == 2, 15)
    report = health(process)
    assert report["status"] == "degraded"
    assert "cannot be used" in report["reasons"][0]
    assert "holds no token" in report["reasons"][1]
    assert send(old[0], old, TOKENS[0]) == TAKEN
    assert send(old[0], old) == UNAUTHENTICATED
    secret.swap(**good)
    wait_until(lambda: health(process)["status"] == "serving", 15)


def command(*words, **environment):
    """Exit code and output of a command."""
    done = subprocess.run(
        [sys.executable, "-m", "processor.cli", *map(str, words)],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=60,
        env=os.environ | environment,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def test_commands_and_probes_reach_a_receiver_with_tls_and_tokens(
    spawn, backend, tmp_path, secret, pairs
):
    """Guarantees: with the settings alone, or by flags; the plain port of health as well."""
    certificate, key = pairs[0]
    folder, config, port = secret.folder, tmp_path / "processor.yaml", free_port()
    config.write_text(
        f"data_dir: {tmp_path / 'data'}\n"
        "receivers: {otlp: {protocols: {"
        f"grpc: {{endpoint: '127.0.0.1:{port}', "
        f"tls: {{cert_file: {folder}/crt, key_file: {folder}/key, client_ca_file: {folder}/ca}}, "
        f"auth: {{bearer_token_file: {folder}/token}}"
        "}, http: {endpoint: ''}}}}\n"
        "telemetry: {metrics: {endpoint: '127.0.0.1:0'}}\n"
    )
    forward = ("--forward-to", f"127.0.0.1:{backend.port}")
    process = spawn(Process, "-m", "processor.cli", "serve", "--config", config, *forward)
    process.wait_for("listens on")
    plain = f"127.0.0.1:{port}"
    assert command("healthcheck", "--config", config) == (0, f"{plain} is serving\n")
    code, shown = command("reprice", "--since", "1d", "--dry-run", "--config", config)
    assert (code, shown.splitlines()[0]) == (0, f"answered by the processor at {plain}")
    there = f"localhost:{port}"
    flags = ("--ca-file", certificate, "--cert-file", certificate, "--key-file", key)
    for endpoint in (there, f"https://{there}"):
        words = ("healthcheck", "--endpoint", endpoint, *flags)
        assert command(*words, LLM_COST_TOKEN=TOKENS[0]) == (0, f"{there} is serving\n")
    code, shown = command("healthcheck", "--endpoint", there, *flags)
    assert code == 0
    assert "set LLM_COST_TOKEN" in shown
    code, shown = command("healthcheck", "--endpoint", there)
    assert (code, "for TLS give --config" in shown) == (1, True)
    code, shown = command("healthcheck", "--endpoint", there, "--ca-file", pairs[1][0])
    assert (code, "not with TLS that is trusted here" in shown) == (1, True)
    url = f"{base_url(process)}/health"
    assert command("healthcheck", "--endpoint", url) == (0, f"{url} is serving\n")
    assert get(f"{base_url(process)}/live")[0] == 200
