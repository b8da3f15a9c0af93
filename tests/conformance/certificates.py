"""Certificates for this machine, made with openssl."""

from __future__ import annotations

import subprocess
from pathlib import Path

_AUTHORITY = """
[ca]
default_ca = own
[own]
database = index
new_certs_dir = .
default_md = sha256
policy = any
rand_serial = yes
x509_extensions = names
[any]
commonName = supplied
[names]
subjectAltName = DNS:localhost, IP:127.0.0.1
basicConstraints = CA:TRUE
"""
_REQUEST = "req -new -newkey rsa:2048 -nodes -subj /CN=localhost -keyout key.pem -out request.pem"
_SIGN = (
    "ca -batch -selfsign -notext -config authority.conf -keyfile key.pem -in request.pem "
    "-out chain.pem -startdate 20200101000000Z -enddate 20200102000000Z"
)


_SELF_SIGNED = (
    "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost "
    "-addext subjectAltName=DNS:localhost,IP:127.0.0.1"
)


def make_self_signed(folder: Path, name: str = "server") -> tuple[Path, Path]:
    """The files of a certificate that signs itself, and of its key."""
    files = folder / f"{name}.pem", folder / f"{name}.key"
    run = ["openssl", *_SELF_SIGNED.split(), "-out", str(files[0]), "-keyout", str(files[1])]
    subprocess.run(run, check=True, capture_output=True)
    return files


def make_expired(folder: Path) -> tuple[Path, Path]:
    """The files of a chain that signs itself and ended in 2020, and of its key."""
    (folder / "authority.conf").write_text(_AUTHORITY)
    (folder / "index").touch()
    for command in (_REQUEST, _SIGN):
        run = ["openssl", *command.split()]
        subprocess.run(run, cwd=folder, check=True, capture_output=True)
    return folder / "chain.pem", folder / "key.pem"
